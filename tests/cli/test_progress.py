"""Progress is one line that says where, what, how fast and how much longer."""

import io
import json
from pathlib import Path

import pytest

from include.cli import logs, task_log
from include.cli.estimate import Estimate
from include.cli.plan import calendar, plan
from include.cli.terminal import Screen, clock, table
from include.errors import Refused
from include.settings import Settings, SourceSpec

STEPS = plan(calendar(SourceSpec(), nights=1))


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_rewrites_one_line_and_keeps_what_is_said() -> None:
    out = Terminal()
    screen = Screen(out)
    screen.progress("one")
    screen.progress("two")
    screen.say("done")
    assert out.getvalue() == "\r\x1b[2Kone\r\x1b[2Ktwo\r\x1b[2Kdone\n"


def test_a_pipe_gets_whole_lines_and_not_every_one() -> None:
    out = io.StringIO()
    screen = Screen(out)
    for number in range(5):
        screen.progress(f"step {number}")
    screen.say("done")
    assert out.getvalue() == "step 0\ndone\n"


def test_the_line_counts_tasks_and_says_the_time_left() -> None:
    estimate = Estimate(STEPS, {step.dag_id: 5 for step in STEPS}, {})
    line = estimate.line(2, 60.0, "train_model 60 s", 2)
    assert line.startswith("[3/10] first model: train_home 2017-10-22 > train_model 60 s | 12 of 50 tasks, about ")


def test_a_slow_machine_makes_the_estimate_longer() -> None:
    fast = Estimate(STEPS, {}, {0: STEPS[0].guess})
    slow = Estimate(STEPS, {}, {0: STEPS[0].guess * 3})
    assert fast.seconds_left(1, 0.0) == pytest.approx(sum(step.guess for step in STEPS[1:]))
    assert slow.seconds_left(1, 0.0) > 2 * fast.seconds_left(1, 0.0)
    assert fast.seconds_left(len(STEPS) - 1, 10_000.0) == 0.0


def write_log(settings: Settings, attempt: int, *events: str) -> None:
    folder = settings.airflow_home / "logs" / "dag_id=d" / "run_id=r" / "task_id=t"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"attempt={attempt}.log").write_text("\n".join(json.dumps({"event": event}) for event in events))


def test_the_log_of_the_last_attempt_is_read_without_folding_marks(tmp_path: Path) -> None:
    settings = Settings(var=tmp_path)
    write_log(settings, 2, "old")
    write_log(settings, 10, "::group::Pre Execute", "new", "::endgroup::")
    assert task_log.lines(settings, "d", "r", "t") == ["new"]


def test_a_task_without_a_log_has_no_lines(tmp_path: Path) -> None:
    assert task_log.lines(Settings(var=tmp_path), "d", "r", "t") == []


def test_the_newest_count_of_a_job_is_shown() -> None:
    found = [
        "2026-01-01 00:00:00,123 INFO households 12 of 300, 4.0/s, 72 s left",
        "2026-01-01 00:00:05,123 INFO answered households 32 of 300, 4.0/s, 67 s left",
        "2026-01-01 00:00:06,000 INFO something else",
    ]
    assert task_log.last_progress(found) == "answered households 32 of 300, 4.0/s, 67 s left"
    assert task_log.last_progress(["nothing"]) == ""


def test_logs_are_found_by_task_and_by_process(tmp_path: Path) -> None:
    settings = Settings(var=tmp_path)
    write_log(settings, 1, "hello")
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "envoy.log").write_text("gateway\n")
    assert logs.find(settings, "d.t") == ["# d r t", "hello"]
    assert logs.find(settings, "t") == ["# d r t", "hello"]
    assert logs.find(settings, "envoy") == ["gateway"]
    with pytest.raises(Refused, match="There is no log of 'nothing'"):
        logs.find(settings, "nothing")


def test_a_table_lines_up_and_times_read_well() -> None:
    assert table(["name", "n"], [["a", 1], ["bb", None]]) == "name  n\n----  -\na     1\nbb    -"
    assert [clock(s) for s in (0, 59.4, 60, 125)] == ["0 s", "59 s", "1 min 00 s", "2 min 05 s"]
