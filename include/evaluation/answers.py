"""The answer log as evaluation reads it: which answers may be judged, and what became of the others."""

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from include.evaluation.horizon import matures
from include.rollout.drill import RUN as DRILL_RUN
from include.serving.answer_log import Answer, read_answer_file


@dataclass
class Shown:
    """Answers to judge by night, and counts of all that was read: {"read", "damaged", "failed", "doubled", "waiting"}."""

    by_night: dict[dt.date, list[Answer]] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)
    waiting: dict[dt.date, int] = field(default_factory=dict)


def shown(root: Path, surface: str, now: dt.date, known: Iterable[tuple[str, ...]] = ()) -> Shown:
    """What was shown on a surface and has matured by the end of `now`, each (night, household, model, query) once.

    Args:
        root: settings.answers.
        known: `key_of` the answers that were judged before.
    """
    found, seen = Shown(), set(known)
    for night, path in _files(root / surface):
        if matures(night) > now:
            found.waiting[night] = found.waiting.get(night, 0) + _lines(path)
            continue
        for answer in _sound(path, surface, night, found.counts):
            key = key_of(answer.night, answer.household, answer.model, answer.query)
            if key in seen:
                found.counts["doubled"] += 1
                continue
            seen.add(key)
            found.by_night.setdefault(night, []).append(answer)
    found.counts["waiting"] = sum(found.waiting.values())
    return found


def key_of(night: str, household: str, model: str, query: str) -> tuple[str, ...]:
    """What makes an answer one of its kind; the query is a part of it where there is one."""
    return (night, household, model, query) if query else (night, household, model)


def _files(folder: Path) -> Iterator[tuple[dt.date, Path]]:
    for path in sorted(folder.glob("*/*.jsonl")):
        if path.name.startswith(DRILL_RUN):
            continue  # answers of a model that was spoilt on purpose say nothing about the shelves
        try:
            yield dt.date.fromisoformat(path.parent.name), path
        except ValueError:
            continue  # not a night's folder


def _sound(path: Path, surface: str, night: dt.date, counts: Counter[str]) -> Iterator[Answer]:
    read = 0
    for answer in read_answer_file(path):
        read += 1
        if not _typed(answer) or answer.surface != surface or answer.night != night.isoformat():
            counts["damaged"] += 1
        elif answer.code != "OK" or not answer.model:
            counts["failed"] += 1
        else:
            yield answer
    lines = _lines(path)
    counts["read"] += lines
    counts["damaged"] += lines - read


def _typed(answer: Answer) -> bool:
    texts = (answer.household, answer.model, answer.night, answer.day, answer.arm, answer.code, answer.run, answer.request)
    if not all(isinstance(text, str) for text in (*texts, answer.query, answer.meant)) or not isinstance(answer.products, list):
        return False
    return all(isinstance(product, str) for product in answer.products)


def _lines(path: Path) -> int:
    with path.open("rb") as file:
        return sum(bool(line.strip()) for line in file)
