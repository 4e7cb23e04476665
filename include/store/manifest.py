"""A manifest names the immutable files of one partition or bundle. Only the manifest makes them visible.

It holds no clock time: equal contents give equal bytes. When and by whom is a record beside it.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from include.canonical import digest, dumps
from include.errors import Refused
from include.store.document import unpack
from include.store.doomed import put_all
from include.store.objects import Conflict, Store
from include.words import counted

FORMAT = 1


class File(BaseModel):
    """One file: its path inside the partition or bundle, and its bytes by digest."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: str
    sha256: str
    bytes: int


class Manifest(BaseModel):
    """What a partition or a bundle consists of and what it was made from.

    `inputs` are digests of the manifests or source files that it was made from, `spec` the digest of the compiled
    spec, `transform` the version of the code's meaning: these three make a step stale, a commit does not.
    `meta` is free for the writer (row counts by file, schema, id map, model name); no clock times.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: int = FORMAT
    kind: str
    name: str
    rows: int = 0
    columns: dict[str, str] = {}
    files: list[File] = []
    inputs: dict[str, str] = {}
    spec: str = ""
    transform: str = ""
    id_map: str = ""
    meta: dict[str, Any] = {}

    @property
    def digest(self) -> str:
        return digest(self.model_dump())

    def to_bytes(self) -> bytes:
        return dumps(self.model_dump())

    @property
    def content(self) -> str:
        """Digest of the files' bytes alone: a partition that was made anew with the same files is the same to its readers."""
        return digest([file.sha256 for file in self.files])

    @property
    def stale_key(self) -> str:
        """Digest of all that decides whether the step must run again."""
        return digest({"inputs": self.inputs, "spec": self.spec, "transform": self.transform})

    def changes(self, inputs: Mapping[str, str], spec: str, transform: str) -> list[str]:
        """What differs from what it would be made from now, a few words each; empty when the step need not run again."""
        names = sorted(self.inputs.keys() | inputs.keys())
        said = [_changed(f"input {name}", self.inputs.get(name, ""), inputs.get(name, "")) for name in names]
        said += [_changed("the spec", self.spec, spec), _changed("the transform", self.transform, transform)]
        return [text for text in said if text]

    @classmethod
    def from_bytes(cls, data: bytes, where: str) -> "Manifest":
        """Parse, and refuse a manifest of a newer format.

        Raises:
            Refused: the bytes are no manifest, or a newer version wrote them.
        """
        todo = "Run the step that wrote it again"
        fields = unpack(data, where, "a manifest", todo, FORMAT)
        try:
            return cls.model_validate(fields)
        except ValidationError as error:
            raise Refused(f"{where} is not a manifest: {counted(error.error_count(), 'wrong field')}", todo) from error


def _changed(what: str, before: str, after: str) -> str:
    if before == after:
        return ""
    if not before or not after:
        return f"{what} is {'new' if after else 'gone'}"
    return f"{what} changed from {_short(before)} to {_short(after)}"


def _short(text: str) -> str:
    """A digest by its first digits; a version as it is."""
    return text[:8] if len(text) == 64 else text


def add_files(store: Store, files: Mapping[str, Path]) -> list[File]:
    """Put local files into the store as objects; returns their entries in path order."""
    names = sorted(files)
    digests = put_all(store, [files[name] for name in names])
    return [
        File(path=name, sha256=sha256, bytes=files[name].stat().st_size) for name, sha256 in zip(names, digests, strict=True)
    ]


def swap_in(store: Store, key: str, manifest: Manifest, seen: tuple[bytes | None, str] | None = None) -> bool:
    """Make a manifest visible in one step. Returns False when the very same one was already there.

    Args:
        seen: what was at the key when the writer decided, as `load` gives it; by default what is there now.

    Raises:
        Conflict: somebody has written another one since.
    """
    before, mark = seen or store.load(key)
    data = manifest.to_bytes()
    if before == data:
        return False
    try:
        store.write(key, data, expect=mark)
    except Conflict:
        if store.load(key)[0] != data:
            raise
        return False  # another writer was faster with the same bytes
    return True
