"""The production file's Airflow, as processes: PostgreSQL, Redis, FAB, the Celery worker, and a night through all of them."""

import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator

import pytest

from include.cli.airflow_api import AirflowApi
from include.cli.setup import install_beside
from include.settings import ROOT
from include.store.objects import open_store
from include.store.partitions import list_nights
from tests.ports import free_port
from tests.production import compose_file, postgres
from tests.production.processes import Production
from tests.store.s3_server import S3Server

pytestmark = pytest.mark.long

SOURCE = {"households": 60, "first": "2017-05-01"}
COMPONENTS = ("api-server", "scheduler", "dag-processor", "triggerer", "worker")
NIGHT = "2017-05-01"


@pytest.fixture(scope="module")
def secret() -> dict[str, str]:
    return {name: value for name, value in compose_file.environment().items() if "PASSWORD" in name or "SECRET" in name}


@pytest.fixture(scope="module")
def redis(secret: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """A Redis with the file's password, as its container starts it."""
    if shutil.which("redis-server") is None:
        pytest.skip("no Redis server is installed (Debian: apt-get install redis-server)")
    folder, port = tmp_path_factory.mktemp("redis"), free_port()
    config = folder / "redis.conf"
    config.write_text(f"bind 127.0.0.1\nport {port}\nrequirepass {secret['REDIS_PASSWORD']}\nappendonly yes\ndir {folder}\n")
    process = subprocess.Popen(["redis-server", str(config)], stdout=subprocess.DEVNULL)
    yield port
    process.terminate()
    process.wait(30)


@pytest.fixture(scope="module")
def database(secret: dict[str, str]) -> Iterator[int]:
    if reason := postgres.why_not():
        pytest.skip(reason)
    with postgres.running() as server:
        made = server.psql("--file=docker/roles.sql", AIRFLOW_DB_PASSWORD=secret["AIRFLOW_DB_PASSWORD"])
        assert made.returncode == 0, made.stderr
        yield server.port


@pytest.fixture(scope="module")
def production(redis: int, database: int, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Production]:
    folder, s3, api, health, logs = tmp_path_factory.mktemp("production"), S3Server(), free_port(), free_port(), free_port()
    (folder / "airflow").mkdir()
    moved = {
        "postgres:5432": f"127.0.0.1:{database}",
        "redis:6379": f"127.0.0.1:{redis}",
        "http://s3:8333": s3.environ()["AWS_ENDPOINT_URL"],
        "api-server:8080": f"127.0.0.1:{api}",
        "8080": str(api),
        "spark://spark-master:7077": "local[2]",
        "/var/lib/nightfill": str(folder / "var"),
        "/opt/airflow/logs": str(folder / "logs"),
        "/opt/nightfill/": f"{ROOT}/",
        "10.213.9.20": "127.0.0.1",
    }
    found = Production(folder, moved, install_beside(folder / "packages", ROOT / "docker/requirements-production.txt"))
    before = dict(os.environ)
    own = {"NIGHTFILL_SOURCE": json.dumps(SOURCE), "AIRFLOW__METRICS__OTEL_ON": "false"}
    own |= {
        "AIRFLOW__SCHEDULER__SCHEDULER_HEALTH_CHECK_SERVER_PORT": str(health),
        "AIRFLOW__LOGGING__WORKER_LOG_SERVER_PORT": str(logs),
    }
    for service in (*COMPONENTS, "airflow-init", "make-bucket", "prepare-serving"):
        compose_file.services()[service]["environment"] |= own
    try:
        for job in ("airflow-init", "make-bucket", "prepare-serving"):
            found.once(job)
        os.environ |= {name: found.environ("worker")[name] for name in found.environ("worker") if name.startswith("AWS")}
        found.start(*COMPONENTS)
        yield found
    finally:
        found.stop()
        s3.stop()
        compose_file.compose.cache_clear()
        os.environ.clear()
        os.environ.update(before)


@pytest.fixture(scope="module")
def night(production: Production, secret: dict[str, str]) -> dict[str, object]:
    """One night of build_features, asked for by the first admin through the API server."""
    base = production.environ("worker")["AIRFLOW__CORE__EXECUTION_API_SERVER_URL"].removesuffix("/execution/")
    api = AirflowApi(base, lambda: secret["AIRFLOW_ADMIN_PASSWORD"], patience=180)
    _until(lambda: api.dag("build_features"), 180)
    api.unpause("build_features")
    api.trigger("build_features", "through_celery", {"start": NIGHT})
    _until(lambda: api.run("build_features", "through_celery")["state"] in ("success", "failed"), 900)
    return {"run": api.run("build_features", "through_celery"), "tasks": api.tasks("build_features", "through_celery")}


def _until(done, seconds):  # type: ignore[no-untyped-def]
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end, "nothing came in time"
        time.sleep(2)


def test_a_night_runs_on_the_celery_worker(production: Production, night: dict[str, dict[str, str]]) -> None:
    assert night["run"]["state"] == "success", production.said("worker")[-3000:]
    assert {task["state"] for task in night["tasks"]} <= {"success", "skipped"}  # type: ignore[attr-defined]
    done = sum(task["state"] == "success" for task in night["tasks"])  # type: ignore[attr-defined, index]
    ended = [line for line in production.said("worker").splitlines() if "execute_workload" in line and " succeeded in " in line]
    assert done >= 6 and len(ended) >= done


def test_the_night_lies_in_the_bucket(production: Production, night: dict[str, object]) -> None:
    store = open_store(production.environ("worker")["NIGHTFILL_STORE"])
    assert [str(found) for found in list_nights(store, "features")] == [NIGHT]


def test_no_secret_is_in_what_the_processes_wrote(
    production: Production, night: dict[str, object], secret: dict[str, str]
) -> None:
    written = [path for path in production.folder.rglob("*") if path.is_file() and production.packages not in path.parents]
    texts = {path: path.read_bytes() for path in written}
    assert [(name, path.name) for name, value in secret.items() for path, text in texts.items() if value.encode() in text] == []


def test_every_component_is_alive_at_the_end(production: Production, night: dict[str, object]) -> None:
    assert [name for name, process in production.running.items() if process.poll() is not None] == []
