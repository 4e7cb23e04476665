"""How figures stand in the cells of docs/MODELS.md."""

from collections.abc import Mapping
from typing import Any


def value(row: Mapping[str, Any]) -> str:
    """A measured value with its interval."""
    return f"{row['value']:.4f} [{row['low']:.4f}, {row['high']:.4f}]"


def lead(found: Mapping[str, float], between: str = " ") -> str:
    """A paired lead, and between which bounds it lies."""
    return f"{found['value']:+.4f}{between}[{found['low']:+.4f}, {found['high']:+.4f}]"
