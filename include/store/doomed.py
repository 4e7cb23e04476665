"""How bytes that nothing names are deleted beside publishers that may be about to name them.

An object may lie in the store for months, named by nothing, when a publisher comes that needs exactly these bytes. Its `put`
makes the object young, and only old ones are ever deleted. What is left is the moment between the clean-up's look and its
delete. For that moment the digests are written down first:

    clean-up    writes the list; looks, leaves out what is young by now; deletes; forgets the list
    publisher   puts, which makes the object young; then reads the list; is its digest on it, waits, and puts again

If the publisher did not see its digest on the list, then it had put before the list was written, so the look sees a young
object. If it saw it, it puts again when the list is gone. A clean-up that died leaves a list that ends by itself.

retention/doomed.json   {"format", "until" (Unix seconds), "objects": [digest]}
"""

import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from include.errors import TryAgain
from include.store.document import pack, unpack
from include.store.many import each
from include.store.objects import Store, object_key

KEY = "retention/doomed.json"
BATCH = 500
LASTS = 180.0
"""Seconds that a list holds; nothing is deleted in the last MARGIN of them, for a delete may be tried again for that long."""
MARGIN = 60.0

Clock = Callable[[], float]


def put_all(store: Store, paths: Sequence[Path], clock: Clock = time.time, wait: float = 0.2) -> list[str]:
    """Put files as objects, in a way that no clean-up at the same time takes them away; returns their digests.

    Raises:
        TryAgain: a clean-up is at them for minutes.
    """
    until = clock() + 2 * LASTS
    while True:
        digests = each(store, store.put, paths)
        if not _doomed(store, clock()) & set(digests):
            return digests
        while _doomed(store, clock()) & set(digests):
            if clock() > until:
                raise TryAgain("A clean-up of the store does not end", "Run the step again when it has")
            time.sleep(wait)


def delete_objects(store: Store, digests: Iterable[str], before: float, clock: Clock = time.time) -> list[str]:
    """Delete those of these objects that are still older than a moment (Unix seconds); returns which."""
    wanted, gone = sorted(digests), list[str]()
    for start in range(0, len(wanted), BATCH):
        gone += _delete(store, wanted[start : start + BATCH], before, clock)
    return gone


def _delete(store: Store, batch: list[str], before: float, clock: Clock) -> list[str]:
    until = clock() + LASTS
    store.write(KEY, pack({"until": until, "objects": batch}))
    seen = each(store, lambda sha256: store.look(object_key(sha256)), batch)
    old = [sha256 for sha256, found in zip(batch, seen, strict=True) if found and found.at < before]

    def delete(sha256: str) -> bool:
        if clock() > until - MARGIN:
            return False
        store.delete(object_key(sha256))
        return True

    done = each(store, delete, old)
    store.delete(KEY)
    return [sha256 for sha256, really in zip(old, done, strict=True) if really]


def _doomed(store: Store, now: float) -> set[str]:
    data, _ = store.load(KEY)
    if data is None:
        return set()
    value = unpack(data, KEY, "a list of objects", "Delete it when no clean-up is at work")
    return set(value["objects"]) if now < value["until"] else set()
