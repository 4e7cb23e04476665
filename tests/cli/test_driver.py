"""The driver repeats nothing that is done, continues what was begun, and explains what failed."""

import io
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from include.cli.airflow_api import AirflowApi
from include.cli.driver import Driver
from include.cli.failure import Failure, report_path
from include.cli.plan import Step, calendar, plan
from include.cli.terminal import Screen
from include.errors import Refused, TryAgain
from include.settings import Settings, SourceSpec
from tests.cli.fake_airflow import FakeAirflow, serve

STEPS = plan(calendar(SourceSpec(), nights=1))


@pytest.fixture
def fake() -> Iterator[FakeAirflow]:
    with serve(FakeAirflow()) as running:
        yield running


class Walk:
    """One `make run` against the fake: what it printed, and how it ended."""

    def __init__(self, fake: FakeAirflow, var: Path, password: str = FakeAirflow.password) -> None:
        self.out = io.StringIO()
        self.settings = Settings(var=var)
        self.api = AirflowApi(fake.url, lambda: password, patience=0.5)
        self.driver = Driver(self.api, self.settings, Screen(self.out), poll=0.0, patience=0.2)

    def go(self, steps: list[Step] = STEPS) -> str:
        try:
            self.driver.walk(steps)
        finally:
            self.api.close()
        return self.out.getvalue()


def test_a_first_walk_asks_for_every_run_in_order(fake: FakeAirflow, tmp_path: Path) -> None:
    Walk(fake, tmp_path).go()
    assert [call.split()[1] for call in fake.calls] == [step.dag_id for step in STEPS]
    assert list(fake.runs) == [(step.dag_id, step.run_id) for step in STEPS]
    assert fake.calls[2] == 'trigger train_home {"dt": "2017-10-22", "recipe": "quick"}'


def test_a_second_walk_repeats_nothing(fake: FakeAirflow, tmp_path: Path) -> None:
    Walk(fake, tmp_path).go()
    fake.calls.clear()
    text = Walk(fake, tmp_path).go()
    assert fake.calls == []
    assert text.count("was done before") == len(STEPS)


def test_an_interrupted_walk_waits_for_the_run_under_way(fake: FakeAirflow, tmp_path: Path) -> None:
    fake.put(STEPS[0].dag_id, STEPS[0].run_id, "success")
    fake.put(STEPS[1].dag_id, STEPS[1].run_id, "running")
    text = Walk(fake, tmp_path).go()
    assert "start_home 2017-10-22 was under way, done" in text
    assert len(fake.calls) == len(STEPS) - 2


def test_ctrl_c_asks_for_nothing_more_and_the_next_walk_continues(fake: FakeAirflow, tmp_path: Path) -> None:
    walk = Walk(fake, tmp_path)

    def press(_: float) -> None:
        if len(fake.calls) == 2:
            raise KeyboardInterrupt

    walk.driver.sleep = press
    with pytest.raises(KeyboardInterrupt):
        walk.go()
    assert len(fake.calls) == 2
    Walk(fake, tmp_path).go()
    assert [call.split()[1] for call in fake.calls] == [step.dag_id for step in STEPS]


def test_a_failed_run_is_cleared_by_its_failed_tasks_only(fake: FakeAirflow, tmp_path: Path) -> None:
    fake.put(STEPS[0].dag_id, STEPS[0].run_id, "failed")
    text = Walk(fake, tmp_path).go(STEPS[:1])
    assert fake.calls == [f"clear build_features {STEPS[0].run_id} only_failed=True"]
    assert "continued, done" in text


def test_a_quarantined_night_is_told_and_the_walk_goes_on(fake: FakeAirflow, tmp_path: Path) -> None:
    fake.last_task = "report_quarantine"
    fake.fail.add((STEPS[0].dag_id, STEPS[0].run_id))
    walk = Walk(fake, tmp_path)
    assert "QUARANTINED" in walk.go()
    assert walk.driver.degraded == [STEPS[0].title]
    assert len(fake.runs) == len(STEPS)


def test_a_failure_stops_the_walk_and_says_task_log_reason_and_remedy(fake: FakeAirflow, tmp_path: Path) -> None:
    step = STEPS[2]
    fake.fail.add((step.dag_id, step.run_id))
    walk = Walk(fake, tmp_path)
    report = report_path(walk.settings, step.dag_id, step.run_id, "second")
    report.parent.mkdir(parents=True)
    report.write_text(json.dumps({"ok": False, "error": {"what": "The disk is full", "todo": "Free some space"}}))
    folder = walk.settings.airflow_home / "logs" / f"dag_id={step.dag_id}" / f"run_id={step.run_id}" / "task_id=second"
    folder.mkdir(parents=True)
    (folder / "attempt=1.log").write_text("\n".join(json.dumps({"event": f"line {n}", "level": "info"}) for n in range(40)))
    with pytest.raises(Failure) as caught:
        walk.go()
    text = str(caught.value)
    assert f"FAILED: task second of train_home, run {step.run_id}, after 1 attempt." in text
    assert "    line 39" in text
    assert "    line 10" in text
    assert "line 9\n" not in text
    assert "What happened: The disk is full." in text
    assert "What to do: Free some space." in text
    assert f"/dags/train_home/runs/{step.run_id}" in text
    assert len(fake.calls) == 3


def test_a_failure_without_a_report_still_says_something(fake: FakeAirflow, tmp_path: Path) -> None:
    fake.fail.add((STEPS[0].dag_id, STEPS[0].run_id))
    with pytest.raises(Failure, match="the task left no log"):
        Walk(fake, tmp_path).go()


def test_the_model_servers_are_waited_for_when_the_history_is_done(fake: FakeAirflow, tmp_path: Path) -> None:
    walk, before = Walk(fake, tmp_path), []
    walk.driver.wait_serving = lambda: before.append(len(fake.calls))
    walk.go()
    assert before[0] == 1
    assert STEPS[1].dag_id == "start_home"


def test_an_expired_token_is_renewed(fake: FakeAirflow, tmp_path: Path) -> None:
    fake.expire_after = 5
    Walk(fake, tmp_path).go()
    assert fake.logins == 2
    assert len(fake.calls) == len(STEPS)


def test_an_unknown_dag_is_refused_with_a_place_to_look(fake: FakeAirflow, tmp_path: Path) -> None:
    fake.unknown.add("train_home")
    with pytest.raises(Refused, match="does not know the DAG train_home"):
        Walk(fake, tmp_path).go()
    assert fake.calls == []


def test_a_wrong_password_is_refused_and_never_shown(fake: FakeAirflow, tmp_path: Path) -> None:
    with pytest.raises(Refused, match="refused the admin's password") as caught:
        Walk(fake, tmp_path, password="guessed-secret").go()
    assert "guessed-secret" not in str(caught.value)


def test_the_password_is_in_no_line_of_a_walk(fake: FakeAirflow, tmp_path: Path) -> None:
    assert FakeAirflow.password not in Walk(fake, tmp_path).go()


def test_an_airflow_that_does_not_answer_is_said_so(tmp_path: Path) -> None:
    with serve(FakeAirflow()) as fake:
        walk = Walk(fake, tmp_path)
    with pytest.raises(TryAgain, match="does not answer"):
        walk.go()
