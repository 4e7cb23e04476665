"""What build_features would do for each night of a range, and why: from manifests and the source's digests alone.

Nothing is landed, so of a night whose source has changed it is not known whether its lines differ: such a night is built
"perhaps". All else is certain, for it is decided by the same functions as in the run itself.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from include.errors import Refused
from include.features import chain
from include.features.stale import UNPUBLISHED, why_stale
from include.features.tables import COMPLETE
from include.sources.landing import source_inputs, why_landed
from include.sources.source import Source
from include.store.manifest import Manifest
from include.store.many import each
from include.store.objects import Missing, Store
from include.store.partitions import find_manifest, list_nights

RUN, SKIP, PERHAPS, REFUSED = "run", "skip", "perhaps", "refused"
LANDED = ("events", "products")
"""What a night is computed from; a plan of promotions is read later, and lands beside them."""
SEEN_ALWAYS = "the raw events of all nights asked for are checked in every run"


@dataclass(frozen=True)
class Step:
    """One of RUN, SKIP, PERHAPS and REFUSED, and why in a few words."""

    does: str
    why: str = "unchanged"


@dataclass(frozen=True)
class NightPlan:
    """One night's four steps."""

    night: dt.date
    land: Step
    validate: Step
    compute: Step
    publish: Step


def plan_nights(store: Store, source: Source, nights: Sequence[dt.date]) -> list[NightPlan]:
    """The plan of consecutive nights, all of which the source holds.

    Raises:
        Refused: a manifest that decides cannot be read, or the source's files are missing.
    """
    inputs = {dataset: source_inputs(source, dataset) for dataset in LANDED}
    looks = [
        Look(night, land, found)
        for night, land, found in zip(
            nights,
            each(store, lambda night: _land(store, night, inputs), nights),
            each(store, lambda night: find_manifest(store, COMPLETE, night), nights),
            strict=True,
        )
    ]
    compute = _compute(store, looks, source.days()[0])
    checks = Step(RUN, SEEN_ALWAYS)
    return [NightPlan(look.night, look.land, checks, built, built) for look, built in zip(looks, compute, strict=True)]


@dataclass(frozen=True)
class Look:
    """A night as it is: whether it lands, and what is published of it."""

    night: dt.date
    land: Step
    found: Manifest | None


def _land(store: Store, night: dt.date, inputs: dict[str, dict[str, str]]) -> Step:
    found = {dataset: find_manifest(store, dataset, night) for dataset in LANDED}
    wanted = [dataset for dataset in LANDED if found[dataset] or dataset == "events"]  # a catalogue has few nights of its own
    why = {dataset: why_landed(found[dataset], dataset, inputs[dataset]) for dataset in wanted}
    said = [f"{dataset}: {text}" for dataset, texts in why.items() for text in texts]
    return Step(RUN, "; ".join(said)) if said else Step(SKIP)


def _compute(store: Store, looks: Sequence[Look], opening: dt.date) -> list[Step]:
    why = each(store, lambda at: _why(store, looks[at], looks[at - 1] if at else None), range(len(looks)))
    steps: list[Step] = []
    for at, look in enumerate(looks):
        before = steps[-1].does if steps else SKIP
        if before == REFUSED:
            steps.append(steps[-1])
        elif before == RUN:
            steps.append(Step(RUN, UNPUBLISHED if look.found is None else _stands_on(looks, steps)))
        elif look.found is None:
            steps.append(Step(RUN, UNPUBLISHED) if at else _first(store, look.night, opening))
        elif look.land.does == RUN:
            steps.append(Step(PERHAPS, "it lands again, and is built again if its bytes differ"))
        elif before == PERHAPS:
            steps.append(Step(PERHAPS, _stands_on(looks, steps)))
        else:
            steps.append(Step(RUN, why[at]) if why[at] else Step(SKIP))
    return _under_later(store, looks, steps)


def _why(store: Store, look: Look, before: Look | None) -> str:
    """What has changed since a night was built; "" when nothing has, or when only landing could tell."""
    if look.found is None or look.land.does == RUN or (before and before.found is None):
        return ""
    previous = before.found.digest if before and before.found else chain.stands_on(store, look.night)
    return "; ".join(why_stale(store, look.night, previous))


def _stands_on(looks: Sequence[Look], steps: Sequence[Step]) -> str:
    """The first of the nights that share this lot is named by all of them, so that they fold into one span."""
    first = next(i for i in range(len(steps) - 1, -1, -1) if i == 0 or steps[i - 1].does != steps[i].does)
    return f"it stands on night {looks[first].night}, which is built{' perhaps' if steps[-1].does == PERHAPS else ''}"


def _first(store: Store, night: dt.date, opening: dt.date) -> Step:
    """The first night asked for, not published yet: it needs the night before, unless the shop opens on it."""
    if night == opening or find_manifest(store, COMPLETE, night - chain.ONE_DAY):
        return Step(RUN, UNPUBLISHED)
    try:
        chain.stands_on(store, night)
    except Missing:
        since = max((known + chain.ONE_DAY for known in list_nights(store, COMPLETE) if known < night), default=opening)
        return Step(REFUSED, f"night {night - chain.ONE_DAY} is not published; ask for {since} to {night}")
    except Refused as error:
        return Step(REFUSED, str(error).rstrip("."))
    return Step(RUN, UNPUBLISHED)


def _under_later(store: Store, looks: Sequence[Look], steps: list[Step]) -> list[Step]:
    """A published night is not rebuilt under later ones: the run would refuse, so the plan says so."""
    first = next((i for i, step in enumerate(steps) if step.does in (RUN, PERHAPS)), None)
    known = list_nights(store, COMPLETE) if first is not None and looks[first].found else []
    if first is None or not known or known[-1] <= looks[-1].night:
        return steps
    said = f"nights up to {known[-1]} stand on it; ask for {looks[first].night} to {known[-1]}"
    does = REFUSED if steps[first].does == RUN else PERHAPS
    return steps[:first] + [Step(does, f"{step.why}, and {said}") for step in steps[first:]]
