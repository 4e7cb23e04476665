"""Where Spark runs. The stack keeps one Spark Connect server, so that a task opens a session instead of starting a JVM.

NIGHTFILL_SPARK_MASTER chooses otherwise: `local[*]` starts Spark within each job, spark://host:port is a cluster.
"""

import contextlib
import os
import secrets
from pathlib import Path

from include.settings import Settings

CONNECT = "sc://"
LOCAL = "local[*]"
"""What a job by hand takes when nothing is said."""

TOKEN = "SPARK_CONNECT_AUTHENTICATE_TOKEN"
"""The variable in which Spark's server and its client look for their shared secret."""


def is_own(settings: Settings) -> bool:
    """Whether the stack runs a server of its own."""
    return not settings.spark_master


def master(settings: Settings) -> str:
    """What the tasks of the stack are told. Spark sends a token without TLS to `localhost` alone, so it is called by name."""
    return settings.spark_master or f"{CONNECT}localhost:{settings.port('spark')}"


def token(settings: Settings) -> str:
    """The secret of this stack's server, made when it is first asked for; a file of mode 600, as Airflow's passwords are."""
    path = _folder(settings) / "token"
    if not path.exists():
        beside = path.with_name(f".token.{os.getpid()}")
        with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(secrets.token_urlsafe(32))
        with contextlib.suppress(FileExistsError):
            os.link(beside, path)  # the first one stays
        beside.unlink()
    return path.read_text()


def config_folder(settings: Settings) -> Path:
    """Where the server reads its settings; nothing in it is secret."""
    folder = _folder(settings) / "conf"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _folder(settings: Settings) -> Path:
    folder = settings.run.absolute() / "spark"
    folder.mkdir(parents=True, exist_ok=True)
    return folder
