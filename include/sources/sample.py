"""A small shop out of a large one: the same households every time, on every machine."""

import hashlib
from collections.abc import Iterable


def keep_households(households: Iterable[str], count: int) -> list[str]:
    """The `count` households whose SHA-256 is lowest, sorted. A larger sample holds every smaller one."""
    by_digest = sorted(set(households), key=lambda household: hashlib.sha256(household.encode()).digest())
    return sorted(by_digest[:count])
