"""The plan of a recorded run is a value that depends on dates alone."""

import datetime as dt

import pytest

from include.cli.plan import calendar, plan
from include.errors import Refused
from include.settings import SourceSpec

PANEL = SourceSpec()


def test_the_default_plan_is_the_issue_s_story() -> None:
    steps = [(step.dag_id, step.conf) for step in plan(calendar(PANEL))]
    assert steps[:4] == [
        ("build_features", {"start": "2017-01-01", "end": "2017-10-29"}),
        ("start_home", {"dt": "2017-10-22"}),
        ("train_home", {"dt": "2017-10-22", "recipe": "quick"}),
        ("release_home", {"dt": "2017-10-22"}),
    ]
    assert steps[4:7] == [
        ("build_features", {"start": "2017-10-30", "end": "2017-10-30"}),
        ("replay_shoppers", {"dt": "2017-10-30"}),
        ("evaluate_nightly", {"dt": "2017-10-30"}),
    ]
    assert steps[-3:] == [
        ("train_home", {"dt": "2017-11-01", "recipe": "quick"}),
        ("release_home", {"dt": "2017-11-01"}),
        ("evaluate_nightly", {"dt": "2017-11-08"}),
    ]
    assert len(steps) == 4 + 3 * 3 + 3


def test_run_ids_are_unique_and_the_same_every_time() -> None:
    first, second = plan(calendar(PANEL)), plan(calendar(PANEL))
    assert first == second
    assert len({(step.dag_id, step.run_id) for step in first}) == len(first)
    assert first[0].run_id == "recorded__build_features__2017-01-01_2017-10-29"
    assert first[2].run_id == "recorded__train_home__2017-10-22"


def test_more_nights_add_runs_and_keep_the_old_ones_ids() -> None:
    three, seven = plan(calendar(PANEL)), plan(calendar(PANEL, nights=7))
    assert {s.run_id for s in three if s.stage == "nights"} < {s.run_id for s in seven if s.stage == "nights"}
    assert calendar(PANEL, nights=7).last_night == dt.date(2017, 11, 5)


def test_a_mini_shop_brings_its_own_dates() -> None:
    dates = calendar(PANEL, history_from="2017-06-01", first_model="2017-08-06", nights=1)
    assert (dates.history_to, dates.last_night, dates.report_night) == (
        dt.date(2017, 8, 13),
        dt.date(2017, 8, 14),
        dt.date(2017, 8, 21),
    )


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"nights": 0}, "nights cannot be planned"),
        ({"nights": 22}, "they may be read up to 2017-11-26"),
        ({"first_model": "2017-02-30"}, "'2017-02-30' is not a date"),
        ({"first_model": "soon"}, "'soon' is not a date"),
        ({"first_model": "2030-01-01"}, "need purchases up to 2030-01-18"),
        ({"history_from": "2016-12-31"}, "the data starts on 2017-01-01"),
        ({"history_from": "2017-11-01"}, "lies before the history"),
        ({"surface": "../x"}, "should match pattern"),
    ],
)
def test_a_plan_that_cannot_be_is_refused_with_a_sentence(arguments: dict[str, object], words: str) -> None:
    with pytest.raises(Refused, match=words):
        calendar(PANEL, **arguments)  # type: ignore[arg-type]


def test_an_unknown_source_must_say_its_dates() -> None:
    with pytest.raises(Refused, match="are not known"):
        calendar(SourceSpec(name="mine"))
    mine = SourceSpec(name="mine", first="2024-01-01", last="2024-06-30")
    assert calendar(mine, first_model="2024-05-05").history_from == dt.date(2024, 1, 1)


def test_another_surface_has_runs_of_its_own_over_the_same_features() -> None:
    home, search = plan(calendar(PANEL)), plan(calendar(PANEL, surface="search"))
    shared = {step.run_id for step in home} & {step.run_id for step in search}
    assert shared == {step.run_id for step in home if step.dag_id == "build_features"}
    assert {step.conf["surface"] for step in search if step.dag_id in ("replay_shoppers", "evaluate_nightly")} == {"search"}
