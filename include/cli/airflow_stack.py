"""Airflow on this machine: its configuration, its secrets, its four programs, its health.

Everything that Airflow must know stands in one airflow.cfg of mode 600, secrets included, so that no secret is in an
environment, a command line or a log. Airflow itself is only reached as a process and over HTTP.
"""

import base64
import configparser
import io
import json
import os
import secrets
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

from include import spark_server
from include.canonical import digest_file
from include.cli import database
from include.cli.holders import STACK
from include.cli.java import find_java, java_home
from include.errors import Refused, TryAgain
from include.serving.programs import Program
from include.settings import LOOPBACK, ROOT, Settings

POOLS = {
    "spark": (1, "Spark for tonight: each night takes all cores"),
    "spark_backfill": (3, "Spark for backfills and ranges: one night works, others wait for the night before"),
    "gpu": (1, "training: one model at a time"),
    "serving_rollout": (1, "replays through the gateway"),
}
PASSWORDS = "simple_auth_manager_passwords.json.generated"
COMPONENTS = ("api-server", "scheduler", "dag-processor", "triggerer")


def url(settings: Settings) -> str:
    return f"http://{LOOPBACK}:{settings.port('airflow')}"


def programs(settings: Settings) -> list[Program]:
    """Each component is a program of its own, so that each restarts alone. None listens but the API server.

    The scheduler waits for the API server: a task that it starts would fail without one.
    """
    words: dict[str, tuple[str, ...]] = {name: (_airflow(), name) for name in COMPONENTS}
    words["triggerer"] += ("--skip-serve-logs",)
    waiting = (sys.executable, "-m", "include.cli.when_up", f"{url(settings)}/api/v2/version")
    words["scheduler"] = (*waiting, *words["scheduler"], "--skip-serve-logs")
    env, home = environ(settings), settings.airflow_home.absolute()
    return [Program(name, words[name], env, home, stop_seconds=20) for name in COMPONENTS]


def environ(settings: Settings) -> dict[str, str]:
    """What the components, their tasks and the `airflow` command need; nothing in it is secret."""
    java = find_java()
    out = {
        "AIRFLOW_HOME": str(settings.airflow_home.absolute()),
        "PYTHONPATH": f"{ROOT}:{ROOT / 'plugins'}:{ROOT / 'config'}",
        "PATH": f"{Path(sys.executable).parent}:{os.environ.get('PATH', '')}",
        "GX_ANALYTICS_ENABLED": "false",
        "NO_COLOR": "1",
        "no_proxy": f"{LOOPBACK},localhost",
        STACK: str(settings.var.absolute()),
    }
    out |= settings.environ() | {"NIGHTFILL_SPARK_MASTER": spark_server.master(settings)}
    return out | ({"JAVA_HOME": str(java_home(java))} if java else {})


def configure(settings: Settings) -> None:
    """Write airflow.cfg and the password file, mode 600. Secrets that are there stay.

    Raises:
        Refused: the metadata database that is asked for cannot be used.
    """
    home = settings.airflow_home
    metadata = database.url(home)
    home.mkdir(parents=True, exist_ok=True)
    home.chmod(0o700)
    if not (home / PASSWORDS).exists():
        write_private(home / PASSWORDS, json.dumps({"admin": secrets.token_urlsafe(18)}) + "\n")
    (home / PASSWORDS).chmod(0o600)
    config = configparser.RawConfigParser()
    config.read_dict(_options(settings))
    config[database.SECTION][database.OPTION] = database.escaped(metadata)
    for (section, option), value in read_secrets(home / "airflow.cfg").items():
        config[section][option] = value
    text = io.StringIO()
    config.write(text)
    write_private(home / "airflow.cfg", text.getvalue())


def refuse_other_database(settings: Settings) -> None:
    """Raises Refused when another metadata database is asked for than the one that Airflow runs on now."""
    home = settings.airflow_home
    if (home / "airflow.cfg").exists() and database.url(home) != database.url(home, {}) and health(settings):
        raise Refused("Airflow runs on another metadata database", "Run `make stop`, then start again")


def password(settings: Settings) -> str:
    """The admin's password of the web page."""
    return str(json.loads((settings.airflow_home / PASSWORDS).read_text())["admin"])


def migrate(settings: Settings) -> None:
    """Make or upgrade the metadata database. Raises TryAgain with the end of its output."""
    mark = settings.airflow_home / "migrated.json"
    metadata = database.url(settings.airflow_home)
    wanted = json.dumps({"requirements": digest_file(ROOT / "requirements.txt"), "database": database.key(metadata)})
    there = (settings.airflow_home / "airflow.db").exists() or not database.is_sqlite(metadata)
    if there and mark.exists() and mark.read_text() == wanted:
        return
    done = subprocess.run(
        [_airflow(), "db", "migrate"], env=clean_environ() | environ(settings), capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        tail = database.masked("\n".join((done.stdout + done.stderr).splitlines()[-15:]), metadata)
        todo = "`make clean` forgets it" if database.is_sqlite(metadata) else f"Look at the server of {database.VARIABLE}"
        raise TryAgain(f"Airflow could not prepare its database:\n{tail}\n", f"{todo}; then start again")
    mark.write_text(wanted)


def health(settings: Settings, timeout: float = 3.0) -> dict[str, str]:
    """Status by component as the API server tells it; empty when nobody answers."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(f"{url(settings)}/api/v2/monitor/health", timeout=timeout) as answer:
            parts = json.loads(answer.read())
    except (OSError, ValueError):
        return {}
    return {name: str(part["status"]) for name, part in parts.items() if part}


def is_healthy(settings: Settings) -> bool:
    found = health(settings)
    return len(found) == 4 and set(found.values()) == {"healthy"}


def wait_healthy(settings: Settings, seconds: float = 300.0) -> float:
    """Wait until all four components are healthy; returns the seconds that it took. Raises TryAgain."""
    began = time.monotonic()
    while not is_healthy(settings):
        if time.monotonic() - began > seconds:
            sick = {name: state for name, state in health(settings).items() if state != "healthy"} or "nobody answers"
            raise TryAgain(
                f"Airflow was not healthy after {seconds:.0f} s ({sick})",
                "Read `nightfill logs api-server` and `nightfill status`",
            )
        time.sleep(0.5)
    return time.monotonic() - began


def clean_environ() -> dict[str, str]:
    """This process's variables without those that would change Airflow behind airflow.cfg's back."""
    drop = ("AIRFLOW_", database.VARIABLE, "PYTHONDONTWRITEBYTECODE")
    return {name: value for name, value in os.environ.items() if not name.startswith(drop)}


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner can read; it never exists with wider permissions."""
    beside = path.with_name(f".{path.name}.new")
    beside.unlink(missing_ok=True)
    with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    beside.replace(path)


def _airflow() -> str:
    return str(Path(sys.executable).parent / "airflow")


def read_secrets(path: Path) -> dict[tuple[str, str], str]:
    """The three keys: those that airflow.cfg has, or new ones."""
    old = configparser.RawConfigParser()
    old.read(path)
    fresh = {
        ("core", "fernet_key"): lambda: base64.urlsafe_b64encode(os.urandom(32)).decode(),
        ("api", "secret_key"): lambda: secrets.token_urlsafe(32),
        ("api_auth", "jwt_secret"): lambda: secrets.token_urlsafe(48),
    }
    return {key: old.get(*key, fallback="") or make() for key, make in fresh.items()}


def _options(settings: Settings) -> dict[str, dict[str, object]]:
    """Few processes and short waits: the machine has two cores, and a task's overhead is paid about fifty times."""
    home = settings.airflow_home.absolute()
    return {
        "core": {
            "dags_folder": ROOT / "dags",
            "plugins_folder": ROOT / "plugins",
            "executor": "LocalExecutor",
            "parallelism": 4,
            "load_examples": False,
            "simple_auth_manager_users": "admin:admin",
            "simple_auth_manager_passwords_file": home / PASSWORDS,
            "execution_api_server_url": f"{url(settings)}/execution/",
            "min_serialized_dag_update_interval": 5,
            "default_timezone": "utc",
        },
        "database": {"load_default_connections": False},
        "api": {
            "host": LOOPBACK,
            "port": settings.port("airflow"),
            "base_url": url(settings),
            "workers": 1,
            "expose_config": False,
            "instance_name": "Nightfill",
        },
        "api_auth": {},
        "scheduler": {
            "scheduler_idle_sleep_time": 0.2,
            "scheduler_heartbeat_sec": 2,
            "job_heartbeat_sec": 2,
            "task_instance_heartbeat_timeout": 60,
            "orphaned_tasks_check_interval": 20,
            "catchup_by_default": False,
            "enable_health_check": False,
        },
        "dag_processor": {
            "parsing_processes": 1,
            "min_file_process_interval": 60,
            "refresh_interval": 60,
            "dag_file_processor_timeout": 120,
            "dag_bundle_storage_path": home / "bundles",
            "print_stats_interval": 0,
        },
        "triggerer": {"job_heartbeat_sec": 2},
        "logging": {
            "base_log_folder": home / "logs",
            "uvicorn_logging_level": "WARNING",
            "colored_console_log": False,
            "namespace_levels": "http.access=WARNING",
        },
    }
