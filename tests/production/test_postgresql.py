"""PostgreSQL as the metadata database, for real: Debian's server, a role of its own, and our DAGs in it."""

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from include.cli import airflow_stack, database, stack
from include.settings import ROOT, Settings
from tests.production import postgres
from tests.production.postgres import Server
from tests.serving.conftest import free_settings

pytestmark = pytest.mark.slow

PASSWORD = "it's 100% p@ss/word"
QUOTED = "it%27s%20100%25%20p%40ss%2Fword"
"""The same in a URL. Percent signs are what a configuration file takes amiss."""


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    if reason := postgres.why_not():
        pytest.skip(reason)
    with postgres.running() as found:
        yield found


@pytest.fixture(scope="module")
def role(server: Server) -> Server:
    """The role and the database, made by the production file's own script, run twice as at a second start."""
    for password in ("first", PASSWORD):
        done = server.psql(f"--file={ROOT / 'docker/roles.sql'}", AIRFLOW_DB_PASSWORD=password)
        assert done.returncode == 0, done.stderr
        assert password not in done.stdout + done.stderr
    return server


@pytest.fixture(scope="module")
def settings(role: Server, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A local stack on this server, its database made; the address came from a file of mode 600."""
    folder = tmp_path_factory.mktemp("postgres")
    address = folder / "database.url"
    address.write_text(role.url("airflow", QUOTED, "airflow"))
    address.chmod(0o600)
    settings = free_settings(folder / "var")
    old = os.environ.get(database.VARIABLE)
    os.environ[database.VARIABLE] = str(address)
    try:
        airflow_stack.configure(settings)
        airflow_stack.migrate(settings)
    finally:
        os.environ.pop(database.VARIABLE) if old is None else os.environ.update({database.VARIABLE: old})
    return settings


def airflow(settings: Settings, *words: str) -> "subprocess.CompletedProcess[str]":
    command = [str(ROOT / ".venv/bin/airflow"), *words]
    env = airflow_stack.clean_environ() | airflow_stack.environ(settings)
    return subprocess.run(command, env=env, capture_output=True, text=True, check=False)


def rows(server: Server, query: str) -> list[str]:
    done = server.psql("--dbname=airflow", "--tuples-only", "--no-align", f"--command={query}")
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_the_role_owns_its_database_and_nothing_more(role: Server) -> None:
    flags = "rolsuper or rolcreatedb or rolcreaterole or rolreplication or rolbypassrls"
    assert rows(role, f"select {flags} from pg_roles where rolname = 'airflow'") == ["f"]
    wrong = role.psql("--dbname=airflow", "--command=select 1", PGUSER="airflow", PGPASSWORD="first")
    assert wrong.returncode != 0 and "password authentication failed" in wrong.stderr


def test_airflow_makes_its_tables_and_keeps_our_dags_there(role: Server, settings: Settings) -> None:
    assert not (settings.airflow_home / "airflow.db").exists()
    done = airflow(settings, "dags", "reserialize")
    assert done.returncode == 0, done.stderr[-2000:]
    assert rows(role, "select count(*) from import_error") == ["0"]
    kept = set(rows(role, "select dag_id from serialized_dag"))
    assert {"build_features", "train_home", "release_home", "evaluate_nightly"} <= kept
    asked = airflow(settings, "dags", "trigger", "build_features", "--conf", json.dumps({"start": "2017-01-02"}), "-o", "json")
    assert asked.returncode == 0, asked.stderr[-2000:]
    assert rows(role, "select dag_id, state from dag_run") == ["build_features|queued"]
    said = done.stdout + done.stderr + asked.stdout + asked.stderr
    assert PASSWORD not in said and QUOTED not in said


def test_a_wrong_password_is_a_sentence_without_the_password(
    role: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(database.VARIABLE, role.url("airflow", "wr0ng-passw0rd", "airflow"))
    settings = Settings(var=tmp_path, port_base=19000)
    airflow_stack.configure(settings)
    with pytest.raises(Exception, match="could not prepare its database") as caught:
        airflow_stack.migrate(settings)
    assert "wr0ng" not in str(caught.value) and database.VARIABLE in str(caught.value)


@pytest.mark.long
def test_the_local_stack_runs_on_it(role: Server, settings: Settings) -> None:
    """Everything comes up healthy, is told of no other database, and ends."""
    before = dict(os.environ)
    try:
        stack.start(settings, serving=False)
        assert airflow_stack.is_healthy(settings)
        assert rows(role, "select count(*) > 0 from job where state = 'running'") == ["t"]
        assert not (settings.airflow_home / "airflow.db").exists()
    finally:
        stack.stop(settings)
        os.environ.clear()
        os.environ.update(before)
