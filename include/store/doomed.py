"""How bytes that nothing names are deleted beside publishers that may be about to name them.

An object may lie in the store for months, named by nothing, when a publisher comes that needs exactly these bytes. Its `put`
makes the object young, and only old ones are ever deleted. What is left is the moment between the clean-up's look and its
delete. For that moment the digests are written down first:

    clean-up    writes the list; looks, leaves out what is young by now; deletes; writes that the list has ended
    publisher   reads the list; puts, which makes the object young; reads the list again: if it is another one, it begins
                again; is its digest on it, waits for the end and begins again

If the list has not changed and does not name the digest, then either no clean-up had looked before the object was young, or it
had deleted all that it would before the object was put. A clean-up that died leaves a list that ends by itself; until then
there is no other one, even where its process is known to be gone: a delete that it has sent may still arrive.

retention/doomed.json   {"format", "until" (Unix seconds), "objects": [digest]}
"""

import contextlib
import math
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from include.errors import TryAgain
from include.store.document import pack, unpack
from include.store.many import each
from include.store.objects import Conflict, Store, object_key

KEY = "retention/doomed.json"
BATCH = 500
LASTS = 180.0
"""Seconds that a list holds; nothing is deleted in the last MARGIN of them, for a delete may be tried again for that long."""
MARGIN = 60.0

Clock = Callable[[], float]


class Doomed(NamedTuple):
    """The list: digests that are about to go, none when no clean-up is at work, for so many seconds more; its etag."""

    digests: set[str]
    seconds: float
    etag: str


def put_all(store: Store, paths: Sequence[Path], clock: Clock = time.time, wait: float = 0.2) -> list[str]:
    """Put files as objects, in a way that no clean-up at the same time takes them away; returns their digests.

    Raises:
        TryAgain: a clean-up is at them for minutes.
    """
    until = clock() + 2 * LASTS
    while True:
        before = _list(store, clock())
        digests = each(store, store.put, paths)
        now = _list(store, clock())
        if before.etag == now.etag and not now.digests & set(digests):
            return digests
        while now.digests & set(digests):
            if clock() > until:
                raise TryAgain("A clean-up of the store does not end", "Run the step again when it has")
            time.sleep(wait)
            now = _list(store, clock())


def delete_objects(store: Store, digests: Iterable[str], before: float, clock: Clock = time.time) -> list[str]:
    """Delete those of these objects that are still older than a moment (Unix seconds); returns which.

    Raises:
        TryAgain: another clean-up is at work, or has died a moment ago.
    """
    wanted, gone = sorted(digests), list[str]()
    for start in range(0, len(wanted), BATCH):
        gone += _delete(store, wanted[start : start + BATCH], before, clock)
    return gone


def _delete(store: Store, batch: list[str], before: float, clock: Clock) -> list[str]:
    others = _list(store, clock())
    if others.digests:
        raise TryAgain(
            f"Another clean-up of the store is at work, or died less than {LASTS / 60:.0f} minutes ago",
            f"Run it again in {math.ceil(others.seconds)} s: a dead one is out of the way by then",
        )
    until = clock() + LASTS
    etag = store.write(KEY, pack({"until": until, "objects": batch}), others.etag)
    seen = each(store, lambda sha256: store.look(object_key(sha256)), batch)
    old = [sha256 for sha256, found in zip(batch, seen, strict=True) if found and found.at < before]

    def delete(sha256: str) -> bool:
        if clock() > until - MARGIN:
            return False
        store.delete(object_key(sha256))
        return True

    done = each(store, delete, old)
    with contextlib.suppress(Conflict):  # it is over, and another's by now
        store.write(KEY, pack({"until": clock(), "objects": []}), etag)
    return [sha256 for sha256, really in zip(old, done, strict=True) if really]


def _list(store: Store, now: float) -> Doomed:
    data, etag = store.load(KEY)
    nothing = Doomed(set(), 0.0, etag)
    if data is None:
        return nothing
    value = unpack(data, KEY, "a list of objects", "Delete it when no clean-up is at work")
    left = value["until"] - now
    return Doomed(set(value["objects"]), left, etag) if left > 0 else nothing
