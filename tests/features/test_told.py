"""Which rows are in force as of a night, against a reference that walks through the nights."""

import random

import numpy as np
import pyarrow as pa

from include.features.told import Told


def table(rows: list[tuple[int, int, int, int, int]]) -> tuple[pa.Table, np.ndarray]:
    """Rows of (key, day, known, cents, cents_total)."""
    key, day, known, cents, total = (np.array(part, np.int64) for part in zip(*rows, strict=True))
    dates = {name: pa.array(values.astype(np.int32)).cast(pa.date32()) for name, values in (("day", day), ("known", known))}
    return pa.table({**dates, "cents": cents, "cents_total": total}), key


def walk(rows: list[tuple[int, int, int, int, int]], night: int) -> dict[int, list[tuple[int, int]]]:
    """Key -> (day, cents_total) in force, by replaying the partitions one night after the other."""
    found: dict[int, list[tuple[int, int]]] = {}
    for now in range(night + 1):
        tonight = [row for row in rows if row[2] == now]
        for key in {row[0] for row in tonight}:
            mine = sorted((day, cents, total) for k, day, _, cents, total in tonight if k == key)
            if mine[0][1] == mine[0][2]:
                found[key] = []
            found.setdefault(key, []).extend((day, total) for day, _, total in mine if total)
    return {key: days for key, days in found.items() if days}


def history(seed: int) -> list[tuple[int, int, int, int, int]]:
    """Keys that buy on some days, are restated on some nights, and sometimes lose everything."""
    chance, rows = random.Random(seed), []
    bought: dict[int, dict[int, int]] = {key: {} for key in range(4)}
    for night in range(12):
        for key, days in bought.items():
            if chance.random() < 0.3:
                had = bool(days)
                days.clear() if chance.random() < 0.3 else days.update({chance.randrange(night + 1): chance.randint(1, 9)})
                if days:
                    rows += _whole(key, days, night)
                elif had:
                    rows.append((key, night, night, 0, 0))
            elif chance.random() < 0.5 and night not in days:
                days[night] = chance.randint(1, 9)
                rows.append((key, night, night, days[night], sum(days.values())))
    return rows


def _whole(key: int, days: dict[int, int], night: int) -> list[tuple[int, int, int, int, int]]:
    ordered = sorted(days)
    return [(key, day, night, days[day], sum(days[d] for d in ordered if d <= day)) for day in ordered]


def test_a_key_has_the_rows_of_its_newest_restatement_and_those_after_it():
    for seed in range(60):
        rows = history(seed)
        told = Told(*table(rows), ("cents_total",))
        for night in range(12):
            entity, counters = told.counters(night)
            have: dict[int, list[tuple[int, int]]] = {}
            for place, day, total in zip(counters.entity, counters.day, counters.columns["cents_total"], strict=True):
                have.setdefault(int(entity[place]), []).append((int(day), int(total)))
            assert have == walk(rows, night), (seed, night)


def test_between_two_nights_of_change_the_rows_up_to_a_day_are_the_same():
    for seed in range(60):
        rows = history(seed)
        told = Told(*table(rows), ("cents_total",))
        for night in range(11):
            if night + 1 not in told.changes:
                now, next_ = told.in_force(night), told.in_force(night + 1) & (told.day <= night)
                assert (now == next_).all(), (seed, night)


def test_a_key_of_which_nothing_is_left_stays_only_where_zeros_are_wanted():
    rows = [(0, 1, 1, 5, 5), (0, 2, 2, 0, 0)]
    assert Told(*table(rows), ()).counters(2)[1].size == 0
    assert Told(*table(rows), (), empty=True).counters(2)[1].day.tolist() == [2]
    assert Told(*table(rows), ()).counters(1)[1].day.tolist() == [1]
