"""NIGHTFILL_DATABASE: what is taken, what is refused, and that the password is shown nowhere."""

import configparser
from pathlib import Path

import pytest

from include.cli import airflow_stack, database
from include.errors import Refused
from include.settings import Settings

GOOD = "postgresql+psycopg2://airflow:p%40ss-word@127.0.0.1:5433/airflow"


def test_sqlite_is_the_default(tmp_path: Path) -> None:
    assert database.url(tmp_path, {}) == f"sqlite:///{tmp_path}/airflow.db"


@pytest.mark.parametrize("said", [GOOD, GOOD.replace("+psycopg2", "")])
def test_a_postgresql_is_taken_with_the_driver_that_is_installed(tmp_path: Path, said: str) -> None:
    assert database.url(tmp_path, {database.VARIABLE: said}) == GOOD


def test_a_file_of_mode_600_keeps_the_password_out_of_the_environment(tmp_path: Path) -> None:
    path = tmp_path / "database.url"
    path.write_text(GOOD + "\n")
    path.chmod(0o600)
    assert database.url(tmp_path, {database.VARIABLE: str(path)}) == GOOD
    path.chmod(0o640)
    with pytest.raises(Refused, match="others may read it"):
        database.url(tmp_path, {database.VARIABLE: str(path)})


@pytest.mark.parametrize(
    "said",
    [
        "mysql://airflow:p-ss@127.0.0.1/airflow",
        "postgresql+pg8000://airflow:p-ss@127.0.0.1/airflow",
        "postgresql://127.0.0.1/airflow",
        "postgresql://airflow:p-ss@/airflow",
        "postgresql://airflow:p-ss@127.0.0.1",
        "postgresql://airflow:p-ss@127.0.0.1:0/airflow",
        "postgresql://airflow:p-ss@127.0.0.1:99999/airflow",
        "postgresql://airflow:p-ss@127.0.0.1/air flow",
        "postgresql://airflow:p-ss@127.0.0.1/airflow\n[core]\nexecutor = x",
        "postgresql://airflow:p-ss@[::1/airflow",
        "/nowhere/database.url",
        "x" * 100_000,
    ],
)
def test_what_cannot_be_used_is_refused_without_the_password(tmp_path: Path, said: str) -> None:
    with pytest.raises(Refused) as caught:
        database.url(tmp_path, {database.VARIABLE: said})
    assert "p-ss" not in str(caught.value) and len(str(caught.value)) < 400


def test_a_later_start_without_the_variable_keeps_the_database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings(var=tmp_path, port_base=19000)
    monkeypatch.setenv(database.VARIABLE, GOOD)
    airflow_stack.configure(settings)
    monkeypatch.delenv(database.VARIABLE)
    airflow_stack.configure(settings)
    config = configparser.ConfigParser()  # with interpolation, as Airflow reads it
    config.read(settings.airflow_home / "airflow.cfg")
    assert config["database"]["sql_alchemy_conn"] == GOOD
    assert (settings.airflow_home / "airflow.cfg").stat().st_mode & 0o777 == 0o600
    monkeypatch.setenv(database.VARIABLE, "sqlite")
    airflow_stack.configure(settings)
    assert database.is_sqlite(database.url(settings.airflow_home, {}))


def test_no_program_is_started_with_the_password(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(database.VARIABLE, GOOD)
    settings = Settings(var=tmp_path, port_base=19000)
    airflow_stack.configure(settings)
    shown = str([(one.command, one.environment) for one in airflow_stack.programs(settings)])
    assert "p%40ss" not in shown and database.VARIABLE not in airflow_stack.clean_environ()
    assert "p%40ss" not in (tmp_path / "airflow" / "airflow.cfg").read_text().replace("p%%40ss", "")


def test_a_text_loses_the_password_in_either_spelling() -> None:
    assert database.masked("p%40ss-word and p@ss-word", GOOD) == "*** and ***"


def test_two_databases_are_told_apart_without_the_password() -> None:
    assert database.key(GOOD) == database.key(GOOD.replace("p%40ss-word", "other")) != database.key(GOOD + "2")
