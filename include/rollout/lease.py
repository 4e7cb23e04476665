"""One release a surface at a time: a lease in the store, which ends by itself when its holder dies.

models/<surface>/lease.json   {"holder", "until"}, until in Unix seconds
"""

import contextlib
import time
from collections.abc import Iterator

from include.canonical import dumps
from include.errors import TryAgain
from include.rollout import names
from include.store.document import unpack
from include.store.objects import ABSENT, Missing, Store


class Held(TryAgain):
    """Another release holds the surface, or ours has run out."""


def acquire(store: Store, surface: str, holder: str, seconds: float, now: float | None = None) -> float:
    """Take the lease, or extend it when it is ours. Returns when it ends, in Unix seconds.

    Raises:
        Held: another holder has it and it has not run out.
        Conflict: another holder was faster.
    """
    key, now = _key(surface), time.time() if now is None else now
    before = store.etag(key)
    owner, until = holder_of(store, surface)
    if owner and owner != holder and until > now:
        raise Held(
            f"Release {owner} holds surface {surface} for another {until - now:.0f} s",
            "Wait until it has ended; if it is dead, the lease ends by itself",
        )
    store.write(key, dumps({"holder": names.release(holder), "until": now + seconds}), expect=before)
    return now + seconds


def check(store: Store, surface: str, holder: str, now: float | None = None) -> None:
    """Make sure that the lease is still ours. To be called before every step that others can see.

    Raises:
        Held: it has run out or another holder has it.
    """
    owner, until = holder_of(store, surface)
    if owner != holder or until <= (time.time() if now is None else now):
        raise Held(
            f"Release {holder} does not hold surface {surface} any more (held by {owner or 'nobody'})",
            "Start the release again; nothing was changed by this step",
        )


def release(store: Store, surface: str, holder: str) -> bool:
    """Give the lease back. Returns False, and changes nothing, when it is not ours."""
    key = _key(surface)
    before = store.etag(key)
    if before == ABSENT or holder_of(store, surface)[0] != holder:
        return False
    store.write(key, dumps({"holder": "", "until": 0}), expect=before)
    return True


@contextlib.contextmanager
def lease(store: Store, surface: str, holder: str, seconds: float) -> Iterator[None]:
    """Hold the surface for the length of a block. Raises Held on entry."""
    acquire(store, surface, holder, seconds)
    try:
        yield
    finally:
        release(store, surface, holder)


def holder_of(store: Store, surface: str) -> tuple[str, float]:
    """Who holds the surface and until when; ("", 0.0) when nobody does. An ended lease still names its holder."""
    try:
        value = unpack(store.read(_key(surface)), _key(surface), "a lease", "Delete it; no release may be under way then")
    except Missing:
        return "", 0.0
    return value["holder"], float(value["until"])


def _key(surface: str) -> str:
    return f"models/{names.surface(surface)}/lease.json"
