"""Which version directories there are, which of them are wanted, and what to do next. Pure but for one directory listing."""

import os
import re
from collections.abc import Iterable
from enum import IntEnum
from pathlib import Path

from include.model_server.config import Policy

INT64_MAX = (1 << 63) - 1
_NUMBER = re.compile(r"[0-9]{1,40}")


class State(IntEnum):
    """The states of a version, as GetModelStatus numbers them."""

    START = 10
    LOADING = 20
    AVAILABLE = 30
    UNLOADING = 40
    END = 50


def scan(base: Path) -> dict[int, Path]:
    """Version number -> directory. Names that are no integers are ignored; of two names with one number the last wins.

    Raises:
        FileNotFoundError: there is no such base path.
    """
    with os.scandir(base) as entries:
        names = sorted(entry.name for entry in entries if _NUMBER.fullmatch(entry.name) and _is_folder(entry))
    return {int(name): base / name for name in names if int(name) <= INT64_MAX}


def _is_folder(entry: os.DirEntry[str]) -> bool:
    """Links are followed; one that leads to itself or to nothing is no folder, and no error of the whole look."""
    try:
        return entry.is_dir()
    except OSError:
        return False


def wanted(policy: Policy, found: Iterable[int]) -> set[int]:
    """The versions that a policy aspires to, of those that are there."""
    there = set(found)
    kind = policy.WhichOneof("policy_choice")
    if kind == "all":
        return there
    if kind == "specific":
        return there & set(policy.specific.versions)
    count = max(policy.latest.num_versions, 1)
    return set(sorted(there)[-count:])


def next_step(aspired: set[int], untried: set[int], ready: set[int]) -> tuple[str, int] | None:
    """What the availability-preserving policy does next for one model: ("load" | "unload", version), or None.

    At least one version stays up through any change, and memory peaks at the old and the new: the lowest unwanted
    version goes only when nothing is wanted, something wanted is up, or more than one unwanted is up; otherwise the
    highest wanted one that was not tried yet is loaded. A version that never loads never takes the old one down.
    """
    unwanted = ready - aspired
    if unwanted and (not aspired or aspired & ready or len(unwanted) > 1):
        return "unload", min(unwanted)
    candidates = aspired & untried
    return ("load", max(candidates)) if candidates else None
