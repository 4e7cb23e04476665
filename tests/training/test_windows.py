"""The calendar of a training run: nothing that is learned from is later than anything that is judged on."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.errors import Refused
from include.training.windows import WEEK, Windows, windows

FIRST = dt.date(2017, 1, 1)


@given(st.integers(0, 400), st.integers(1, 12), st.integers(1, 6))
def test_labels_of_training_end_before_the_first_question_of_the_gates(age: int, train: int, gate: int) -> None:
    night = FIRST + dt.timedelta(days=age)
    try:
        cut = windows(night, FIRST, train, gate)
    except Refused:
        assert night < FIRST + WEEK * (gate + 2)
        return
    assert max(cut.train) + WEEK <= min(cut.gate)
    assert max(cut.gate) + WEEK == night
    assert len(cut.gate) == gate
    assert 1 <= len(cut.train) <= train
    assert min(cut.train) >= FIRST + WEEK
    assert [cut.week(n) for n in cut.nights] == sorted(cut.week(n) for n in cut.nights)


def test_too_little_past_says_from_when_on_there_is_enough() -> None:
    with pytest.raises(Refused, match="2017-02-12"):
        windows(dt.date(2017, 2, 1), FIRST, 8, 4)
    assert windows(dt.date(2017, 2, 12), FIRST, 8, 4).train == (dt.date(2017, 1, 8),)


@pytest.mark.parametrize("days", [-7, 0, 3, 6, 8])
def test_a_night_whose_labels_are_not_mature_is_refused(days: int) -> None:
    night = dt.date(2017, 6, 4)
    ready, other = night - WEEK * 2, night - dt.timedelta(days=days)
    for train, gate in (((ready,), (other,)), ((other,), (ready,))):
        with pytest.raises(Refused, match=f"labels of night {other} are mature at the end of {other + WEEK}"):
            Windows(night=night, train=train, gate=gate)
