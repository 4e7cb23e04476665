"""Words on a terminal: one line that is rewritten while something runs, and tables."""

import sys
import time
from collections.abc import Sequence
from typing import TextIO

PLAIN_EVERY = 15.0
"""Seconds between progress lines where nothing can be rewritten (a pipe, a CI log)."""


class Screen:
    """Lasting lines, and one progress line that is replaced on a terminal and thinned out elsewhere."""

    def __init__(self, stream: TextIO | None = None, width: int = 118) -> None:
        self.stream = stream or sys.stdout
        self.live = self.stream.isatty()
        self.width = width
        self._shown = 0.0
        self._open = False

    def say(self, text: str) -> None:
        """A line that stays."""
        self._wipe()
        print(text, file=self.stream, flush=True)

    def progress(self, text: str) -> None:
        """A line that the next one replaces."""
        if self.live:
            self.stream.write("\r\x1b[2K" + text[: self.width])
            self.stream.flush()
            self._open = True
        elif time.monotonic() - self._shown >= PLAIN_EVERY:
            self._shown = time.monotonic()
            print(text, file=self.stream, flush=True)

    def _wipe(self) -> None:
        if self._open:
            self.stream.write("\r\x1b[2K")
            self._open = False


def table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Columns under each other; numbers to the right."""
    cells = [list(map(str, head)), *[list(map(_text, row)) for row in rows]]
    widths = [max(len(row[i]) for row in cells) for i in range(len(head))]
    right = [all(isinstance(row[i], int | float) or row[i] is None for row in rows) for i in range(len(head))]
    out = [
        "  ".join(c.rjust(w) if r else c.ljust(w) for c, w, r in zip(row, widths, right, strict=True)).rstrip() for row in cells
    ]
    return "\n".join([out[0], "  ".join("-" * w for w in widths), *out[1:]])


def clock(seconds: float) -> str:
    """`75` as `1 min 15 s`."""
    whole = round(max(seconds, 0.0))
    return f"{whole // 60} min {whole % 60:02d} s" if whole >= 60 else f"{whole} s"


def _text(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:.4f}" if abs(value) < 10 else f"{value:.1f}"
    return str(value)
