"""Which names may become a part of a key or of a path. A hostile one is refused before it touches either."""

import re
from pathlib import Path, PurePosixPath

from include.errors import Refused

_SURFACE = re.compile(r"[a-z][a-z0-9_]{0,30}")
_MODEL = re.compile(r"[0-9a-f]{16}")
_RELEASE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._=-]{0,119}")
_PART = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._=-]{0,119}")


def surface(name: str) -> str:
    """A surface's name, as it was given. Raises Refused."""
    return _checked(_SURFACE, name, "a surface", "Use lower case letters, digits and '_', at most 31")


def model(name: str) -> str:
    """A model's name: 16 hex digits. Raises Refused."""
    return _checked(_MODEL, name, "a model's name", "Use the 16 hex digits that training gave it")


def release(name: str) -> str:
    """A release's id. Raises Refused."""
    return _checked(_RELEASE, name, "a release", "Use letters, digits, '.', '_', '=' and '-', at most 120")


def inside(path: str) -> PurePosixPath:
    """A relative path inside a bundle: no '..', no hidden part, nothing absolute.

    Raises:
        Refused: the path could lead somewhere else.
    """
    if not path or not all(_PART.fullmatch(part) for part in path.split("/")):
        raise Refused(f"'{path[:200]}' is not a path inside a bundle", "Register the bundle again from its export")
    return PurePosixPath(path)


def files_of(folder: Path) -> dict[str, Path]:
    """Every regular file of a folder by its relative path.

    Raises:
        Refused: the folder is missing or empty, or holds a link or a file with a hostile name.
    """
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.is_symlink() or not (path.is_dir() or path.is_file()):
            raise Refused(f"{path} is a link or a device, a bundle holds plain files only", "Export the bundle again")
        if path.is_file():
            found[str(inside(path.relative_to(folder).as_posix()))] = path
    if not found:
        raise Refused(f"{folder} holds no files", "Export the bundle first")
    return found


def _checked(pattern: re.Pattern[str], name: str, what: str, todo: str) -> str:
    if not isinstance(name, str) or not pattern.fullmatch(name):
        raise Refused(f"'{str(name)[:200]}' cannot be {what}", todo)
    return name
