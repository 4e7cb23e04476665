"""Names that must not be missed. A listing may show a key late; this one small JSON, swapped on a condition, does not.

<folder>/index.json   {"format": 1, "names": [...]}, sorted: equal names give equal bytes

A name is added after what it stands for has been written, so whoever reads it finds that.
"""

import random
import time
from collections.abc import Callable, Iterable

from include.errors import Refused
from include.store.document import pack, unpack
from include.store.objects import Conflict, Store

TRIES = 50


def remember(store: Store, folder: str, names: Iterable[str]) -> None:
    """Add names; nothing is written when all are there."""
    new = set(names)
    _change(store, folder, lambda known: known | new)


def forget(store: Store, folder: str, names: Iterable[str]) -> None:
    """Take names out, before what they stand for is deleted."""
    old = set(names)
    _change(store, folder, lambda known: known - old)


def recall(store: Store, folder: str) -> set[str]:
    """All names; empty when none was ever added."""
    return _load(store, folder)[0]


def _load(store: Store, folder: str) -> tuple[set[str], str]:
    data, mark = store.load(_key(folder))
    if data is None:
        return set(), mark
    names = unpack(data, _key(folder)).get("names")
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise Refused(
            f"{_key(folder)} is not a list of names", "Delete it; the next run of the step that wrote it makes it again"
        )
    return set(names), mark


def _change(store: Store, folder: str, change: Callable[[set[str]], set[str]]) -> None:
    """Read and decide anew each time that another writer was faster."""
    for attempt in range(TRIES):
        known, mark = _load(store, folder)
        wanted = change(known)
        if wanted == known:
            return
        try:
            store.write(_key(folder), pack({"names": sorted(wanted)}), expect=mark)
            return
        except Conflict:
            if attempt == TRIES - 1:
                raise
            time.sleep(random.uniform(0, 0.005 * (attempt + 1)))


def _key(folder: str) -> str:
    return f"{folder}/index.json"
