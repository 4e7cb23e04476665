"""From the store to a version directory that a server may load: whole and checked, or not at all."""

import hashlib
import shutil
import tempfile
from pathlib import Path

from include.canonical import digest_file
from include.rollout import names
from include.rollout.bundle import Bundle
from include.store.objects import Damaged, Store


def materialise(store: Store, bundle: Bundle, target_dir: Path) -> Path:
    """Copy a bundle to `<target_dir>/<version>`, in one visible step, and return that directory.

    Every copied byte is hashed on its way. A directory that is already there and sound is kept; one that is not is
    replaced.

    Raises:
        Damaged: the store's bytes are not those of the manifest.
        Missing: an object is gone.
        Refused: the manifest names a path outside of the bundle.
    """
    target = Path(target_dir) / str(bundle.version)
    if not damage(bundle, target):
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    beside = Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{bundle.version}-"))
    try:
        for file in bundle.manifest.files:
            _copy(store.fetch(file.sha256), beside / names.inside(file.path), file.sha256)
        beside.chmod(0o755)
        _rename(bundle, beside, target)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return target


def damage(bundle: Bundle, folder: Path) -> str:
    """What is wrong with a version directory, in words; empty when it holds exactly the bundle's bytes."""
    if not folder.is_dir():
        return f"{folder} is not there"
    wanted = {str(names.inside(file.path)): file.sha256 for file in bundle.manifest.files}
    found = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir()}
    if found != set(wanted):
        return f"{folder} has other files than the bundle: {', '.join(sorted(found ^ set(wanted))[:3])}"
    wrong = [path for path, sha256 in wanted.items() if digest_file(folder / path) != sha256]
    return f"{folder}/{wrong[0]} has other bytes than the bundle" if wrong else ""


def _copy(source: Path, target: Path, sha256: str) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    seen = hashlib.sha256()
    with source.open("rb") as reader, target.open("wb") as writer:
        while piece := reader.read(1 << 20):
            seen.update(piece)
            writer.write(piece)
    if seen.hexdigest() != sha256:
        raise Damaged(
            f"Object {sha256[:12]} of the bundle does not have the bytes that its manifest names ({source})",
            "Delete that file and register the model again",
        )


def _rename(bundle: Bundle, beside: Path, target: Path) -> None:
    """Move the new directory in; a damaged one is moved out of the way first."""
    try:
        beside.rename(target)
    except OSError:
        if not damage(bundle, target):
            return  # another process made the same directory meanwhile
        old = Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{bundle.version}-old-"))
        target.rename(old / "damaged")
        beside.rename(target)
        shutil.rmtree(old, ignore_errors=True)
