"""The record of one release: every step, its counts, its verdict and why. It lives in the store beside the models.

models/<surface>/releases/<release>/record.json
"""

import datetime as dt
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from include.canonical import digest, dumps
from include.errors import Refused
from include.rollout import names, registry
from include.rollout.bundle import Pointer
from include.rollout.verdict import Kind, Verdict
from include.store.document import unpack
from include.store.index import recall, remember
from include.store.many import each
from include.store.objects import Missing, Store


class Step(BaseModel):
    """One finished step. `weight` is the canary's share in % while it ran; times are Unix seconds."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    weight: int = 0
    verdict: Kind
    reason: str
    figures: dict[str, Any] = {}
    requests: int = 0
    failed_requests: int = 0
    began: float = 0.0
    ended: float = 0.0


class Shift(BaseModel):
    """A change of the canary's share, in %: asked for `at`, known to be in force from `live` on (None: not known yet)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    at: float
    weight: int
    live: float | None = None


class Record(BaseModel):
    """One release from its check to its end.

    `stable` is what the candidate is judged against, `weights` the ramp in %; `margin`, `minimum` and `budget_ms` are what
    the gates ask. `first` and `last` are the replayed days; each step of the ramp replays them `passes` times. `shifts` are
    all changes of weight. `verdict` is None while it runs. `drill` says how the candidate was spoilt on purpose; empty for a
    real release.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: int = 1
    surface: str
    release: str
    night: dt.date
    first: dt.date
    last: dt.date
    stable: Pointer | None
    candidate_version: int
    candidate: str
    salt: str
    margin: float = Field(gt=0, lt=1)
    weights: tuple[int, ...]
    minimum: int = Field(ge=1)
    budget_ms: float = Field(default=0.0, ge=0)
    passes: int = Field(default=1, ge=1, le=100)
    drill: str = ""
    steps: tuple[Step, ...] = ()
    shifts: tuple[Shift, ...] = ()
    verdict: Kind | None = None
    reason: str = ""

    @property
    def requests(self) -> int:
        """What shoppers asked during the release."""
        return sum(step.requests for step in self.steps)

    @property
    def failed_requests(self) -> int:
        """Requests of shoppers that ended without an answer."""
        return sum(step.failed_requests for step in self.steps)


def begin(
    store: Store,
    surface: str,
    release: str,
    *,
    candidate: int | str,
    night: dt.date,
    first: dt.date,
    last: dt.date,
    margin: float,
    weights: tuple[int, ...],
    minimum: int = 30,
    budget_ms: float = 0.0,
    passes: int = 1,
) -> Record:
    """The record of a release, begun now or taken up where it was left. It is written at once.

    A candidate that already serves ends at once with HOLD: there is nothing to release.

    Raises:
        Missing: no such candidate.
        Fenced: the candidate's release is of an older night than what serves.
        Refused: the weights do not rise to 100, or the days are in the wrong order.
    """
    known = find(store, surface, release)
    if known:
        return known
    _check(weights, first, last)
    bundle, stable = registry.find(store, surface, candidate), registry.stable(store, surface)
    registry.check_fence(surface, stable, night)
    record = Record(
        surface=surface,
        release=names.release(release),
        night=night,
        first=first,
        last=last,
        stable=stable,
        candidate_version=bundle.version,
        candidate=bundle.name,
        salt=digest(f"{surface}/{release}")[:12],
        margin=margin,
        weights=weights,
        minimum=minimum,
        budget_ms=budget_ms,
        passes=passes,
        drill=bundle.drill,
    )
    if stable and stable.name == bundle.name:
        text = f"The candidate is version {bundle.version}, which serves already: there is nothing to release"
        record = record.model_copy(update={"verdict": Kind.HOLD, "reason": text})
    save(store, record)
    remember(store, f"models/{surface}/releases", [release])
    return record


def add(record: Record, name: str, verdict: Verdict, **counts: Any) -> Record:
    """The record with one more step. `counts` are fields of Step: weight, requests, failed_requests, began, ended."""
    step = Step(name=name, verdict=verdict.kind, reason=verdict.reason, figures=verdict.figures, **counts)
    return record.model_copy(update={"steps": (*record.steps, step)})


def save(store: Store, record: Record) -> None:
    """Write the record; only the release that holds the lease does."""
    store.write(_key(record.surface, record.release), dumps(record.model_dump(mode="json")))


def find(store: Store, surface: str, release: str) -> Record | None:
    """A release's record, or None.

    Raises:
        Refused: there is one, and it cannot be read.
    """
    key, what, todo = _key(surface, release), "a release record", "Delete it and start the release again"
    try:
        return Record.model_validate(unpack(store.read(key), key, what, todo))
    except Missing:
        return None
    except ValidationError as error:
        raise Refused(f"{key} is not {what}", todo) from error


def all_of(store: Store, surface: str) -> list[Record]:
    """Every release of a surface, by night and then by id."""
    folder = f"models/{names.surface(surface)}/releases"
    shown = {key.split("/")[3] for key in store.list(folder) if key.endswith("/record.json")}
    found = each(store, lambda release: find(store, surface, release), sorted(shown | recall(store, folder)))
    return sorted((record for record in found if record), key=lambda record: (record.night, record.release))


def _key(surface: str, release: str) -> str:
    return f"models/{names.surface(surface)}/releases/{names.release(release)}/record.json"


def _check(weights: tuple[int, ...], first: dt.date, last: dt.date) -> None:
    if not weights or list(weights) != sorted(set(weights)) or weights[0] < 1 or weights[-1] != 100:
        raise Refused(f"The steps {list(weights)} do not rise to 100", "Give shares in %, for example 5, 25, 50, 100")
    if last < first:
        raise Refused(f"The replayed days end on {last}, before they begin on {first}", "Give first and last in order")
