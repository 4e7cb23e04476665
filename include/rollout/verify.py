"""Is what serves what was approved? Every answer is asked of the thing itself, none of a note about it."""

import math
from collections.abc import Callable, Mapping
from typing import Any

from include.errors import NightfillError
from include.rollout import contract
from include.rollout.bundle import Bundle, Pointer
from include.rollout.materialise import damage
from include.serving.predict import Client
from include.serving.replica import AVAILABLE, Replica
from include.serving.routes import ARM_HEADER, SurfaceRoute


def replica_faults(replica: Replica, bundle: Bundle) -> list[str]:
    """A stable replica: exactly the approved version is available, and its files have the approved bytes."""
    try:
        states = replica.status(bundle.surface)
    except NightfillError as error:
        return [str(error)]
    up = sorted(version for version, state in states.items() if state == AVAILABLE)
    faults = []
    if up != [bundle.version]:
        faults.append(f"{replica.name} serves versions {up or 'none'}, approved is {bundle.version}")
    if fault := damage(bundle, replica.models / bundle.surface / str(bundle.version)):
        faults.append(f"{replica.name}: {fault}")
    return faults


def route_faults(routes: Mapping[str, SurfaceRoute], surface: str) -> list[str]:
    """The gateway sends every household to stable."""
    if surface not in routes:
        return [f"the gateway has no route for {surface}"]
    weight = routes[surface].weight
    return [f"the gateway still sends {weight:g} % to the canary"] if weight else []


def pointer_faults(pointer: Pointer, bundle: Bundle) -> list[str]:
    """The pointer's number and name are of one bundle."""
    same = (pointer.version, pointer.name) == (bundle.version, bundle.name)
    return [] if same else [f"the pointer says version {pointer.version} is {pointer.name}, the registry {bundle.name}"]


def golden_faults(client: Client, bundle: Bundle, questions: list[dict[str, Any]], asked: int = 4) -> list[str]:
    """Golden questions through the gateway: answered by stable, signed by the approved model, with its scores.

    Every question is asked for several households, so that both stable replicas are likely to answer.
    """
    faults = []
    for i, question in enumerate(questions * asked):
        reply = client.predict(bundle.surface, contract.inputs_of(question), household=f"verify-{i}", seconds=10)
        if reply.code != "OK":
            faults.append(f"a golden question was answered with {reply.code}: {reply.detail[:120]}")
        elif reply.headers.get(ARM_HEADER) != "stable":
            faults.append(f"a golden question was answered by the {reply.headers.get(ARM_HEADER) or 'unknown'} arm")
        else:
            faults += contract.answer_faults(reply.outputs, question["outputs"], bundle.name)
    return list(dict.fromkeys(faults))


def in_words(faults: list[str]) -> str:
    """The first faults as one sentence."""
    more = f", and {len(faults) - 3} more" if len(faults) > 3 else ""
    return "; ".join(faults[:3]) + more


def until_true(check: Callable[[], list[str]], seconds: float, sleep: Callable[[float], None]) -> list[str]:
    """Ask again about once a second while there are faults: a server may still be letting its old version go."""
    faults = check()
    for _ in range(math.ceil(seconds)):
        if not faults:
            break
        sleep(1.0)
        faults = check()
    return faults
