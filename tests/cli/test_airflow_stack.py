"""Airflow's configuration is private, stable, and listens on the loopback only."""

import configparser
import json
import subprocess
import sys
from pathlib import Path

from include.cli import airflow_stack, stack
from include.cli.when_up import answers
from include.settings import ROOT, Settings
from tests.cli.fake_airflow import FakeAirflow, serve


def configured(var: Path) -> tuple[Settings, configparser.RawConfigParser]:
    settings = Settings(var=var, port_base=19000)
    airflow_stack.configure(settings)
    config = configparser.RawConfigParser()
    config.read(settings.airflow_home / "airflow.cfg")
    return settings, config


def test_secrets_are_in_files_of_mode_600_and_nowhere_else(tmp_path: Path) -> None:
    settings, config = configured(tmp_path)
    files = [settings.airflow_home / name for name in ("airflow.cfg", airflow_stack.PASSWORDS)]
    assert [oct(path.stat().st_mode & 0o777) for path in files] == ["0o600", "0o600"]
    assert oct(settings.airflow_home.stat().st_mode & 0o777) == "0o700"
    secrets = [config["core"]["fernet_key"], config["api"]["secret_key"], config["api_auth"]["jwt_secret"]]
    secrets.append(airflow_stack.password(settings))
    assert len(set(secrets)) == 4
    shown = json.dumps([[p.command, p.environment] for p in airflow_stack.programs(settings)]) + stack.addresses(settings)
    assert not [secret for secret in secrets if secret in shown]


def test_a_second_start_keeps_the_secrets(tmp_path: Path) -> None:
    settings, first = configured(tmp_path)
    password = airflow_stack.password(settings)
    _, second = configured(tmp_path)
    assert first["api_auth"]["jwt_secret"] == second["api_auth"]["jwt_secret"]
    assert first["core"]["fernet_key"] == second["core"]["fernet_key"]
    assert airflow_stack.password(settings) == password


def test_only_the_loopback_is_listened_on(tmp_path: Path) -> None:
    settings, config = configured(tmp_path)
    assert config["api"]["host"] == "127.0.0.1"
    assert config["api"]["port"] == str(settings.port("airflow"))
    programs = {program.name: program.command for program in airflow_stack.programs(settings)}
    assert "--skip-serve-logs" in programs["scheduler"]
    assert "--skip-serve-logs" in programs["triggerer"]


def test_variables_that_would_change_airflow_are_left_out(tmp_path: Path, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setenv("AIRFLOW__CORE__EXECUTOR", "Sequential")
    monkeypatch.setenv("AIRFLOW_HOME", "/elsewhere")
    assert not [name for name in airflow_stack.clean_environ() if name.startswith("AIRFLOW")]


def test_nobody_there_is_not_healthy(tmp_path: Path) -> None:
    settings = Settings(var=tmp_path, port_base=64000)
    assert airflow_stack.health(settings, timeout=0.2) == {}
    assert not airflow_stack.is_healthy(settings)


def test_the_scheduler_waits_for_the_api_server_and_then_becomes_itself() -> None:
    with serve(FakeAirflow()) as fake:
        words = [sys.executable, "-m", "include.cli.when_up", f"{fake.url}/auth/token", "/bin/echo", "started"]
        done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=20, check=True)
    assert done.stdout == "started\n"
    assert not answers(fake.url)


def test_the_scheduler_is_the_program_that_waits(tmp_path: Path) -> None:
    settings = Settings(var=tmp_path)
    commands = {program.name: program.command for program in airflow_stack.programs(settings)}
    assert [name for name, words in commands.items() if "include.cli.when_up" in words] == ["scheduler"]
