"""What served when, as numbers for a picture: one lane for each version, in thousandths of the shown time."""

from collections.abc import Sequence
from dataclasses import dataclass

from include.rollout.served import Move
from nightfill.web.words import length, moment

SHOWN = 12
"""Moves in the picture and in the table."""
THINNEST = 6.0
"""Thousandths that a bar is wide at least: a short while can be seen."""


@dataclass(frozen=True)
class Spell:
    """One version from one moment to the next; `ended` is None while it serves."""

    move: Move
    began: float
    ended: float | None

    def text(self, now: float) -> str:
        until = "now" if self.ended is None else moment(self.ended)
        lasted = f" ({length((self.ended or now) - self.began)})" if self.began else ""
        return f"from {moment(self.began) if self.began else 'an unknown moment'} until {until}{lasted}"


@dataclass(frozen=True)
class Lane:
    """One version's bars: [(x, width, sentence)]."""

    version: int
    serves: bool
    bars: tuple[tuple[float, float, str], ...]


def spells(moves: Sequence[Move]) -> list[Spell]:
    """Newest first."""
    shown = list(moves)[-SHOWN:]
    ends = [*(move.at for move in shown[1:]), None]
    return [Spell(move, move.at, end) for move, end in zip(shown, ends, strict=False)][::-1]


def lanes(found: Sequence[Spell], now: float) -> tuple[list[Lane], float]:
    """The lanes, newest version first, and the moment at the left edge (0: there is nothing to draw)."""
    known = [spell.began for spell in found if spell.began]
    if not known:
        return [], 0.0
    first = min(known)
    if any(not spell.began for spell in found):
        first -= max(60.0, (now - first) * 0.05)
    scale = 1000.0 / max(now - first, 1.0)
    versions = sorted({spell.move.version for spell in found}, reverse=True)
    return [_lane(version, found, first, scale, now) for version in versions], first


def _lane(version: int, found: Sequence[Spell], first: float, scale: float, now: float) -> Lane:
    mine = [spell for spell in found if spell.move.version == version]
    bars = []
    for spell in mine:
        began = spell.began or first
        width = max(THINNEST, ((spell.ended or now) - began) * scale)
        x = min((began - first) * scale, 1000.0 - width)
        bars.append((round(max(x, 0.0), 2), round(width, 2), f"Version {version} served {spell.text(now)}"))
    return Lane(version, any(spell.ended is None for spell in mine), tuple(bars))
