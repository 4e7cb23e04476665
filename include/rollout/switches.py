"""Two switches of a surface that a person sets by hand, with who, why and until when.

* **freeze**: no release begins, and one that is under way goes no further: it ends with HOLD and stable stays.
* **pin**: the surface stays on the version that serves; a release of any other ends with HOLD.

surfaces/<surface>/switches.json   {"format", "pin", "freeze", "log"}; swapped on a condition, so no change is lost
"""

import random
import time
from collections.abc import Callable
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from include.canonical import dumps
from include.errors import Refused
from include.rollout import names
from include.store.document import unpack
from include.store.objects import Conflict, Missing, Store

TRIES = 20
LOG = 200
"""Changes that are remembered, the newest."""


class Held(Refused):
    """A person has frozen or pinned the surface."""


class Switch(BaseModel):
    """One switch that is on. `at` and `until` are Unix seconds; `until` None means until somebody takes it off."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    by: str = Field(min_length=1, max_length=100)
    why: str = Field(min_length=3, max_length=300)
    at: float
    until: float | None = None
    version: int | None = Field(default=None, ge=0)

    @field_validator("by", "why")
    @classmethod
    def _one_line(cls, text: str) -> str:
        text = " ".join(text.split())
        if not text.isprintable():
            raise ValueError("holds a character that cannot be shown")
        return text

    def holds(self, now: float) -> bool:
        return self.until is None or now < self.until


class Change(BaseModel):
    """One entry of the log: what was done by hand."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    what: str
    by: str
    why: str = ""
    at: float
    until: float | None = None
    version: int | None = None


class Switches(BaseModel):
    """The switches of a surface as they are in the store; one whose time is over counts as off."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: int = 1
    pin: Switch | None = None
    freeze: Switch | None = None
    log: tuple[Change, ...] = ()

    def now(self, at: float | None = None) -> "Switches":
        """Without what has run out."""
        at = time.time() if at is None else at
        return self.model_copy(
            update={name: one if one and one.holds(at) else None for name, one in (("pin", self.pin), ("freeze", self.freeze))}
        )

    def against(self, version: int, at: float | None = None) -> str:
        """Why this version may not be released now; empty when it may."""
        live = self.now(at)
        if live.freeze:
            return f"The surface is frozen by {live.freeze.by}{_until(live.freeze)}: {live.freeze.why}"
        if live.pin and live.pin.version != version:
            return f"The surface is pinned to version {live.pin.version} by {live.pin.by}{_until(live.pin)}: {live.pin.why}"
        return ""


def read(store: Store, surface: str) -> Switches:
    """The switches of a surface, all off where nothing was ever set.

    Raises:
        Refused: there is such a file, and it cannot be read. Nothing is released then.
    """
    key, what, todo = _key(surface), f"a file of the switches of {surface}", "Delete it, and set the switches again"
    try:
        return Switches.model_validate(unpack(store.read(key), key, what, todo))
    except Missing:
        return Switches()
    except ValidationError as error:
        raise Refused(f"{key} is not {what}", todo) from error


def check(store: Store, surface: str, version: int, at: float | None = None) -> None:
    """Raises Held when a release of this version may not begin or go on."""
    if reason := read(store, surface).against(version, at):
        raise Held(reason, f"Take it off with `nightfill unfreeze {surface}` or `nightfill unpin {surface}`")


def freeze(store: Store, surface: str, by: str, why: str, until: float | None = None, at: float | None = None) -> Switches:
    """Let no release begin or go on. A second freeze replaces the first."""
    one = _switch(by=by, why=why, at=at, until=until)
    return _change(store, surface, "freeze", one, lambda now: now.model_copy(update={"freeze": one}))


def pin(
    store: Store, surface: str, version: int, by: str, why: str, until: float | None = None, at: float | None = None
) -> Switches:
    """Keep a surface on a version. The caller makes sure that it serves."""
    one = _switch(by=by, why=why, at=at, until=until, version=version)
    return _change(store, surface, "pin", one, lambda now: now.model_copy(update={"pin": one}))


def unfreeze(store: Store, surface: str, by: str, at: float | None = None) -> Switches:
    """Let releases begin again; nothing happens when they may."""
    return _off(store, surface, "freeze", by, at)


def unpin(store: Store, surface: str, by: str, at: float | None = None) -> Switches:
    """Let other versions be released again; nothing happens when they may."""
    return _off(store, surface, "pin", by, at)


def _off(store: Store, surface: str, name: str, by: str, at: float | None) -> Switches:
    if getattr(read(store, surface), name) is None:
        return read(store, surface)
    one = _switch(by=by, why="taken off", at=at)
    return _change(store, surface, f"un{name}", one, lambda now: now.model_copy(update={name: None}))


def _change(store: Store, surface: str, what: str, one: Switch, turn: Callable[[Switches], Switches]) -> Switches:
    key = _key(surface)
    for attempt in range(TRIES):
        before = store.etag(key)
        now = turn(read(store, surface))
        entry = Change(what=what, by=one.by, why=one.why, at=one.at, until=one.until, version=one.version)
        now = now.model_copy(update={"log": (*now.log, entry)[-LOG:]})
        try:
            store.write(key, dumps(now.model_dump(mode="json")), expect=before)
            return now
        except Conflict:
            if attempt == TRIES - 1:
                raise
            time.sleep(random.uniform(0, 0.01 * (attempt + 1)))
    raise AssertionError("not reached")


def _switch(*, at: float | None, until: float | None = None, **values: Any) -> Switch:
    at = time.time() if at is None else at
    if until is not None and until <= at:
        raise Refused("The moment until which it should hold is over", "Give a later one, or none")
    try:
        return Switch(at=at, until=until, **values)
    except ValidationError as error:
        lines = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors())
        raise Refused(f"The switch cannot be set: {lines}", "Say who and why in a few words, at most 300 characters") from error


def _until(one: Switch) -> str:
    return time.strftime(" until %Y-%m-%d %H:%M UTC", time.gmtime(one.until)) if one.until else ""


def _key(surface: str) -> str:
    return f"surfaces/{names.surface(surface)}/switches.json"
