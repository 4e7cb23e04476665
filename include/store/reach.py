"""What names what: the manifests of a store, and by which digests they name each other.

A manifest is named by its own digest, or by that of its files' bytes (`Manifest.content`). Every digest in a manifest's
bytes counts, whatever field it stands in: so a new kind of input needs no line here.
"""

import datetime as dt
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property

from include.errors import Refused
from include.nights import parse
from include.store.manifest import Manifest
from include.store.many import each
from include.store.objects import Store
from include.store.partitions import list_nights, manifest_key

_DIGEST = re.compile(rb"(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])")

Where = tuple[str, dt.date]
"""A dataset and a night."""


@dataclass(frozen=True)
class Reach:
    """Manifests by key. Keys are `datasets/<dataset>/<night>/manifest.json`, and whatever else has been read."""

    manifests: dict[str, Manifest]

    @classmethod
    def read(cls, store: Store, keys: Iterable[str], faults: list[str] | None = None) -> "Reach":
        """Read these manifests.

        Args:
            faults: when given, a manifest that cannot be read is left out, and the sentence about it is added here.

        Raises:
            Refused: one of them cannot be read, or is gone.
        """

        def read(key: str) -> Manifest | None:
            try:
                return Manifest.from_bytes(store.read(key), key)
            except Refused as error:
                if faults is None:
                    raise
                faults.append(str(error))
                return None

        wanted = sorted(set(keys))
        found = dict(zip(wanted, each(store, read, wanted), strict=True))
        return cls({key: manifest for key, manifest in found.items() if manifest})

    @cached_property
    def by_digest(self) -> dict[str, list[str]]:
        """Keys by each digest that names them."""
        found: dict[str, list[str]] = {}
        for key, manifest in self.manifests.items():
            for name in {manifest.digest, manifest.content} if manifest.files else {manifest.digest}:
                found.setdefault(name, []).append(key)
        return found

    @cached_property
    def inputs(self) -> dict[str, set[str]]:
        """By key the manifests that it names."""
        return {key: self._inputs(key, digests_in(manifest.to_bytes())) for key, manifest in self.manifests.items()}

    @cached_property
    def users(self) -> dict[str, set[str]]:
        """By key the manifests that name it."""
        found: dict[str, set[str]] = {key: set() for key in self.manifests}
        for key, inputs in self.inputs.items():
            for other in inputs:
                found[other].add(key)
        return found

    def _inputs(self, key: str, digests: Iterable[str]) -> set[str]:
        """What a manifest names. Nights without a line have the same bytes: then the one of its own night is meant."""
        mine, found = where(key), set[str]()
        for name in digests:
            keys = self.by_digest.get(name, [])
            own = [other for other in keys if mine and (there := where(other)) and there[1] == mine[1]]
            found.update(own or keys)
        return found - {key}


def closure(start: Iterable[str], ahead: Callable[[str], Iterable[str]]) -> set[str]:
    """All that can be reached from some keys, these included."""
    found: set[str] = set()
    waiting = list(start)
    while waiting:
        key = waiting.pop()
        if key not in found:
            found.add(key)
            waiting += ahead(key)
    return found


def digests_in(data: bytes) -> set[str]:
    """Every SHA-256 in some bytes of JSON."""
    return {found.decode() for found in _DIGEST.findall(data)}


def partition_keys(store: Store) -> list[str]:
    """Keys of the manifests of all partitions."""
    datasets = sorted({key.split("/")[1] for key in store.list("datasets")} - {"index.json"})
    nights = each(store, lambda dataset: list_nights(store, dataset), datasets)
    return [manifest_key(dataset, night) for dataset, found in zip(datasets, nights, strict=True) for night in found]


def where(key: str) -> Where | None:
    """Dataset and night of a partition's manifest; None for any other key."""
    parts = key.split("/")
    if len(parts) != 4 or parts[0] != "datasets" or parts[3] != "manifest.json":
        return None
    try:
        return parts[1], parse(parts[2])
    except Refused:
        return None
