"""Every command of docker-compose.yaml exists, as far as that can be known without the images."""

import importlib.util
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from include.serving.programs import server_command
from include.settings import ROOT, Settings
from tests.production.compose_file import services

BIN = Path(sys.executable).parent
PROVIDED = {
    "celery": "apache-airflow-providers-celery",
    "fab-db": "apache-airflow-providers-fab",
    "sync-perm": "apache-airflow-providers-fab",
}
"""Commands that Airflow gets from a provider of docker/requirements-production.txt."""


def words_of(name: str) -> list[str]:
    """The command of a service as words; what a shell is given is taken apart."""
    command = services()[name].get("command", [])
    return [word for part in command for word in (shlex.split(part.replace("\n", " ")) if " " in part else [part])]


def airflow_calls() -> set[tuple[str, ...]]:
    calls = set()
    texts = [" ".join(words_of(name)) for name in services()] + [(ROOT / "docker/init-airflow.sh").read_text()]
    texts += [" ".join(service["healthcheck"].get("test", [])) for service in services().values()]
    for text in texts:
        for found in re.finditer(r"(?:^|\s)airflow ((?:[a-z][a-z-]+ ?)+)", text, re.MULTILINE):
            calls.add(tuple(found[1].split()))
    return calls


def subcommands() -> dict[str, set[str]]:
    from airflow.cli.cli_config import ActionCommand, core_commands

    return {
        command.name: set() if isinstance(command, ActionCommand) else {sub.name for sub in command.subcommands}
        for command in core_commands
    }


def test_every_airflow_command_exists() -> None:
    known, pins = subcommands(), (ROOT / "docker/requirements-production.txt").read_text()
    calls = airflow_calls()
    assert {"api-server", "scheduler", "dag-processor", "triggerer", "db", "jobs", "celery"} <= {call[0] for call in calls}
    for first, *rest in calls:
        if first in PROVIDED:
            assert f"\n{PROVIDED[first]}==" in pins, first
        else:
            assert first in known and (not known[first] or rest[0] in known[first]), (first, rest)


def test_every_python_module_that_is_run_exists() -> None:
    modules = set()
    for name, service in services().items():
        words = [*words_of(name), *service["healthcheck"].get("test", [])]
        modules |= {words[at + 2] for at, word in enumerate(words[:-2]) if word == "python" and words[at + 1] == "-m"}
    modules |= set(re.findall(r"python -m (\S+)", (ROOT / "docker/init-airflow.sh").read_text()))
    assert {"include.serving.run_gateway", "include.serving.run_prepare", "docker.make_bucket", "docker.first_admin"} <= modules
    for module in modules:
        assert importlib.util.find_spec(module), module


def test_every_line_of_python_in_a_health_check_compiles() -> None:
    for name, service in services().items():
        words = service["healthcheck"].get("test", [])
        if "-c" in words and "python" in words:
            compile(words[words.index("-c") + 1], name, "exec")


@pytest.mark.parametrize("name", sorted(services()))
def test_every_line_of_shell_parses(name: str) -> None:
    service = services()[name]
    lines = []
    for words in (service.get("command"), service["healthcheck"].get("test")):
        words = [*service.get("entrypoint", []), *(words or [])] if words is service.get("command") else (words or [])
        if words[:1] == ["CMD-SHELL"]:
            lines.append(words[1])
        elif "-c" in words and words[words.index("-c") - 1] in ("sh", "bash"):
            lines.append(words[words.index("-c") + 1])
    for line in lines:
        done = subprocess.run(["sh", "-n"], input=line, text=True, capture_output=True, check=False)
        assert done.returncode == 0, (line, done.stderr)


def test_the_script_of_the_init_job_parses_and_can_be_run() -> None:
    script = ROOT / "docker" / "init-airflow.sh"
    assert subprocess.run(["sh", "-n", str(script)], check=False).returncode == 0
    assert script.stat().st_mode & 0o111 == 0o111


@pytest.mark.parametrize("name", ["stable-a", "stable-b", "canary", "shadow", "sandbox"])
def test_model_servers_have_the_flags_of_the_local_stack(name: str) -> None:
    """All but where things are: ports and paths are the container's own."""
    own = ("--port=", "--rest_api_port=", "--model_config_file=", "--monitoring_config_file=", "--bind_address=")
    local = {word for word in server_command(Settings(), name) if word.startswith("--") and not word.startswith(own)}
    here = services()[name]["command"]
    assert {word for word in here if not word.startswith(own)} == local
    assert f"--model_config_file=/var/lib/nightfill/serving/{name}/models.config" in here
    assert services()[f"{name}-gpu"]["command"] == here


def test_what_is_read_by_a_flag_is_mounted() -> None:
    for name, service in services().items():
        targets = [mount.split(":")[1] for mount in service.get("volumes", [])]
        for word in words_of(name):
            path = word.rpartition("=")[2]
            if path.startswith(("/etc/", "/config/", "/var/lib/nightfill/serving", "/var/lib/nightfill/reports", "/docker/")):
                assert any(path.startswith(target) for target in targets), f"{name}: {word}"


def test_spark_runs_classes_that_the_package_has() -> None:
    import pyspark

    assert pyspark.__file__
    jars = Path(pyspark.__file__).parent / "jars"
    core = next(jars.glob("spark-core_*.jar"))
    import zipfile

    names = set(zipfile.ZipFile(core).namelist())
    for name in ("spark-master", "spark-worker"):
        words = words_of(name)
        assert words[0] == "spark-class" and (BIN / "spark-class").exists()
        assert words[1].replace(".", "/") + ".class" in names


def test_the_queues_of_the_tasks_are_those_that_workers_take() -> None:
    from nightfill.dag_docs import load_dags

    queues = {task.queue for dag in load_dags().values() for task in dag.tasks}
    taken = set(words_of("worker")[-1].split(",")) | {"gpu"}
    assert queues <= taken and "gpu" in queues
    assert words_of("gpu-worker")[words_of("gpu-worker").index("--queues") + 1] == "gpu"
