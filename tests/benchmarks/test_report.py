"""A benchmark's figures: within reach or not, in the file and in the exit code."""

import json

import pytest

from benchmarks.report import finish, row


@pytest.mark.parametrize(
    ("reach", "ok", "fine"), [(None, None, True), (0.5, None, True), (0.4, None, False), (0.4, True, True), (0.6, False, False)]
)
def test_a_row_without_a_word_of_its_own_is_ok_up_to_its_reach(reach, ok, fine):
    assert row("a night", 1.0, "s", "limit", 2.0, reach, ok)["ok"] is fine


def test_figures_are_rounded_and_the_ratio_is_of_the_whole_ones():
    found = row("a night", 1.26, "s", "limit", 1.34, digits=1)
    assert (found["value"], found["rival_value"], found["ratio"]) == (1.3, 1.3, 0.94)


def test_one_row_that_is_not_ok_fails_the_benchmark(tmp_path):
    rows = [row("a night", 1.0, "s", "limit", 2.0, 1.0), row("a year", 3.0, "s", "limit", 2.0, 1.0)]
    assert finish("made_up", rows[:1], tmp_path / "bench") == 0
    assert finish("made_up", rows, tmp_path / "bench") == 1
    assert json.loads((tmp_path / "bench" / "made_up.json").read_text()) == rows
