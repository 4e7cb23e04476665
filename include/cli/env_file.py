"""`nightfill env`: write `.env`, the secrets and choices of docker-compose.yaml. Standard library only.

Every secret is made here by the system's random source; none has a default, and Compose refuses to start without them.
"""

import base64
import os
import secrets
from pathlib import Path

from include.errors import Refused, TryAgain

HEAD = """\
# Written by `nightfill env`. Secrets of one installation: keep it out of version control and out of images.
# To change a password later, change it where it is stored too (database, Grafana, Airflow); see docs/production.md.
"""

TOKENS = {
    "POSTGRES_PASSWORD": "superuser of PostgreSQL; only the init job uses it",
    "AIRFLOW_DB_PASSWORD": "role airflow of the metadata database",
    "REDIS_PASSWORD": "the Celery broker",
    "AIRFLOW_SECRET_KEY": "signs Airflow's web sessions",
    "AIRFLOW_JWT_SECRET": "signs the tokens with which components and tasks call the API server",
    "AIRFLOW_ADMIN_PASSWORD": "user admin of Airflow's pages",
    "SPARK_SECRET": "shared by Spark's master, worker and drivers",
    "S3_SECRET_KEY": "secret key of the S3 server's one identity",
    "GRAFANA_ADMIN_PASSWORD": "user admin of Grafana",
}
"""Variable -> what it opens. Each is 32 random bytes, in letters, digits, - and _ only: safe in a URL and in JSON."""

CPU = {"COMPOSE_PROFILES": "serving-cpu", "JOBS_FLAVOUR": "cpu", "WORKER_QUEUES": "default,gpu"}
GPU = {"COMPOSE_PROFILES": "serving-gpu,gpu", "JOBS_FLAVOUR": "gpu", "WORKER_QUEUES": "default"}
"""With a GPU, serving and training have containers of their own; without one, the worker takes the gpu queue as well."""


def names() -> set[str]:
    """Every variable that the file sets."""
    return {*TOKENS, *CPU, "AIRFLOW_FERNET_KEY", "S3_ACCESS_KEY"}


def text(gpu: bool = False) -> str:
    """The file's lines, with new secrets."""
    lines = [HEAD]
    lines += [f"{name}={value}" for name, value in (GPU if gpu else CPU).items()]
    for name, what in TOKENS.items():
        lines += [f"# {what}", f"{name}={secrets.token_urlsafe(32)}"]
    lines += ["# encrypts connections in the metadata database", f"AIRFLOW_FERNET_KEY={_fernet_key()}"]
    lines += ["# access key of the S3 server's one identity", f"S3_ACCESS_KEY={secrets.token_hex(10)}"]
    return "\n".join(lines) + "\n"


def write(path: Path, gpu: bool = False) -> None:
    """Write the file with mode 600; it never exists with wider permissions and is never overwritten.

    Raises:
        Refused: there is one already, or a link of that name.
        TryAgain: the disk did not take it.
    """
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            os.fchmod(file.fileno(), 0o600)
            file.write(text(gpu))
            file.flush()
            os.fsync(file.fileno())
    except FileExistsError:
        raise Refused(
            f"{path} is there already, and its passwords are in use", "Keep it, or move it away and run `make env` again"
        ) from None
    except OSError as error:
        path.unlink(missing_ok=True)
        raise TryAgain(f"Could not write {path}: {error.strerror}", "Free some disk space and run it again") from error


def _fernet_key() -> str:
    return base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()
