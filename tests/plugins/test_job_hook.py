import json
import os
import subprocess
from pathlib import Path

import pytest
from airflow.sdk.exceptions import AirflowException, AirflowFailException

from nightfill.hooks.job import JobHook, child_environ, job_runs, safe_name


@pytest.fixture
def hook(tmp_path, monkeypatch):
    monkeypatch.setenv("NIGHTFILL_VAR", str(tmp_path))
    return JobHook(
        job="land_events", dag_id="build_features", run_id="manual__2017-01-01T00:00:00+00:00", task_id="land_events"
    )


def test_a_refused_spec_is_not_retried_and_says_which_field(hook):
    with pytest.raises(AirflowFailException, match="'yesterday' is not a date"):
        hook.run({"first": "yesterday", "work": str(hook.work)})
    assert json.loads(hook.report.read_text())["ok"] is False


def test_a_job_without_a_report_may_be_retried(hook):
    with pytest.raises(AirflowException, match="left no report"):
        hook.result(-9)


def test_folders_hold_no_character_of_a_run_id_that_a_path_could_misread(hook):
    assert safe_name("../../etc/x y") == ".._.._etc_x_y"
    assert ":" not in hook.work.name and "+" not in hook.work.name


def test_a_job_sees_no_secret_of_airflow(hook, monkeypatch):
    monkeypatch.setenv("AIRFLOW__API_AUTH__JWT_SECRET", "planted")
    assert "planted" not in json.dumps(child_environ(hook.settings))


def test_a_job_does_not_hold_the_line_between_its_task_and_airflow(hook):
    """Airflow's supervisor talks to a task over its stdin, and takes a deferred one for running until nobody holds that."""
    process = hook.start({"first": "yesterday", "work": str(hook.work)}, subprocess.DEVNULL)
    assert Path(f"/proc/{process.pid}/fd/0").readlink() == Path(os.devnull)
    process.wait()


def test_killing_ends_the_process_group(hook):
    hook.process = subprocess.Popen(["sleep", "60"], start_new_session=True)
    hook.kill()
    assert hook.process.returncode is not None
    with pytest.raises(ProcessLookupError):
        os.killpg(hook.process.pid, 0)


def test_a_job_sees_no_address_of_the_metadata_database(hook, monkeypatch):
    monkeypatch.setenv("NIGHTFILL_DATABASE", "postgresql+psycopg2://airflow:planted@127.0.0.1/airflow")
    assert "planted" not in json.dumps(child_environ(hook.settings))


def test_a_pid_of_another_container_is_never_killed_here(hook):
    with subprocess.Popen(["sleep", "60"], start_new_session=True) as stranger:
        hook.kill_group(stranger.pid)
        assert stranger.poll() is None
        stranger.kill()


def test_a_job_is_known_to_run_by_its_lock_whatever_its_pid_means_here(hook):
    process = hook.start({"first": "2017-01-01", "work": str(hook.work)})
    assert job_runs(hook.report, pid=2**22 + 1)
    process.communicate(timeout=60)
    assert not job_runs(hook.report, pid=os.getpid())
