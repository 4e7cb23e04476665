"""What a person and a program are told of drills, and what the command refuses."""

import json

import pytest

from include.cli.__main__ import parser
from include.cli.drill import run
from include.cli.drill_result import Row, render, write
from include.errors import Refused
from include.settings import Settings

PASSED = Row(
    fault="nan",
    form="delayed",
    where="ramp-50",
    verdict="ROLL_BACK",
    reason="At 50 %: The canary has more scores that are not finite",
    seconds=75.4,
    requests=528,
    failed_requests=0,
    stable_untouched=True,
    caught=True,
    named=True,
)


def test_a_drill_that_passed_is_a_quiet_row_with_its_reason():
    text = render([PASSED])
    assert "1 min 15 s" in text and PASSED.reason in text and "DRILL FAILED" not in text


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"caught": False, "verdict": "HOLD"}, "was not kept away (verdict HOLD)"),
        ({"named": False}, "the reason does not say what was wrong"),
        ({"failed_requests": 3}, "3 of 528 requests of shoppers failed"),
        ({"stable_untouched": False, "left": ["the gateway still sends 50 % to the canary"]}, "still sends 50 %"),
    ],
)
def test_a_drill_that_did_not_pass_is_said_loudly(changes, words):
    row = PASSED.model_copy(update=changes)
    text = render([PASSED, row])
    assert not row.ok and "DRILL FAILED, nan delayed" in text and words in text


def test_the_file_holds_what_was_promised(tmp_path):
    path = write([PASSED], tmp_path / "run" / "drills.json")
    (row,) = json.loads(path.read_text())
    assert row.keys() >= {"fault", "form", "where", "verdict", "reason", "seconds", "requests", "failed_requests"}
    assert row["stable_untouched"] is True and row["ok"] is True
    assert [one.name for one in path.parent.iterdir()] == ["drills.json"]


def test_the_command_takes_a_fault_and_a_form():
    args = parser().parse_args(["drill", "slow", "--form", "delayed"])
    assert (args.fault, args.form, args.surface) == ("slow", "delayed", "home")
    with pytest.raises(SystemExit):
        parser().parse_args(["drill"])


@pytest.mark.parametrize(("fault", "form"), [("nonsense", ""), ("nan; rm -rf /", ""), ("nan", "later"), ("corrupt", "delayed")])
def test_an_unknown_drill_is_refused_before_anything_is_started(tmp_path, fault, form):
    with pytest.raises(Refused):
        run(Settings(var=tmp_path), "home", fault, form)
    assert list(tmp_path.iterdir()) == []
