"""After a drill everything has to be as it was before: what differs, asked of the things themselves."""

import datetime as dt
import shutil

from include.errors import NightfillError
from include.rollout import contract, registry, verify
from include.rollout.bundle import Pointer
from include.serving.answer_log import file_name
from include.serving.gateway import Gateway
from include.serving.predict import Client
from include.serving.replica import AVAILABLE, Replica
from include.serving.topology import ARMS
from include.settings import Settings
from include.store.objects import Store


def traces(settings: Settings, store: Store, surface: str, before: Pointer) -> list[str]:
    """What is not as it was, in words: the pointer, stable's files and answers, the route, the canary and the shadow."""
    try:
        now = registry.stable(store, surface)
        if now != before:
            return [f"stable was version {before.version} at epoch {before.epoch}, and is {now}"]
        bundle, gateway = registry.find(store, surface, before.version), Gateway(settings)
        stable = [Replica(name, settings) for name in ARMS["stable"]]
        found = [fault for replica in stable for fault in verify.replica_faults(replica, bundle)]
        found += verify.route_faults(gateway.current(), surface) + _others(settings, surface)
        if found:
            return found
        questions = contract.golden_questions(stable[0].models / surface / str(bundle.version))
        with Client(gateway.address) as client:
            return verify.golden_faults(client, bundle, questions)
    except NightfillError as error:
        return [str(error)]


def forget_files(settings: Settings, surface: str, version: int, night: dt.date, release: str) -> None:
    """Delete a spoilt version's files on the replicas, and what it answered."""
    for folder in settings.serving.glob(f"*/models/{surface}/{version}"):
        shutil.rmtree(folder, ignore_errors=True)
    for path in (settings.answers / surface / night.isoformat()).glob(f"{file_name(release)}-*.jsonl"):
        path.unlink(missing_ok=True)


def _others(settings: Settings, surface: str) -> list[str]:
    """The canary and the shadow serve nothing of the surface."""
    found = []
    for name in (*ARMS["canary"], *ARMS["shadow"]):
        up = [version for version, state in Replica(name, settings).status(surface).items() if state == AVAILABLE]
        found += [f"{name} still serves version {version}" for version in up]
    return found
