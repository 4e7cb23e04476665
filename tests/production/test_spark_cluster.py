"""Spark's master and worker as docker-compose.yaml starts them: a driver with the secret works, another does not."""

import os
import secrets
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from include.cli.java import find_java, java_home
from include.settings import ROOT
from tests.features.spark_shop import assert_like_the_reference, build, land
from tests.ports import free_port
from tests.production.compose_file import services

pytestmark = [pytest.mark.slow, pytest.mark.long, pytest.mark.skipif(find_java() is None, reason="Java 17 is missing")]

DRIVER = """
import sys
from pathlib import Path
from include.features.spark_session import open_session
session = open_session(sys.argv[1], "512m", Path(sys.argv[2]))
print("sum", session.range(0, 1000, 1, 2).selectExpr("sum(id)").collect()[0][0])
session.stop()
"""


def environment(secret: str) -> dict[str, str]:
    import pyspark

    java = find_java()
    assert java and pyspark.__file__
    conf = services()["spark-master"]["environment"]["SPARK_CONF_DIR"].replace("/opt/nightfill", str(ROOT))
    told = {"SPARK_CONF_DIR": conf, "_SPARK_AUTH_SECRET": secret, "SPARK_HOME": str(Path(pyspark.__file__).parent)}
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    return os.environ | told | {"JAVA_HOME": str(java_home(java)), "PATH": path, "PYTHONPATH": str(ROOT)}


def answers(port: int) -> bool:
    try:
        return urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=2).status == 200
    except OSError:
        return False


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """(the master's URL, the secret) of a master with two workers, healthy by the health checks of the production file."""
    folder, secret = tmp_path_factory.mktemp("spark"), secrets.token_urlsafe(32)
    port, pages = free_port(), [free_port() for _ in range(3)]
    url = f"spark://127.0.0.1:{port}"
    deploy = "org.apache.spark.deploy"
    master = [f"{deploy}.master.Master", "--host", "127.0.0.1", "--port", str(port), "--webui-port", str(pages[0])]
    limits = ["--cores", "1", "--memory", "2g"]
    workers = [
        [f"{deploy}.worker.Worker", "--host", "127.0.0.1", "--webui-port", str(page), *limits, "--work-dir", str(folder), url]
        for page in pages[1:]
    ]
    running = []
    try:
        for words, page in zip((master, *workers), pages, strict=True):
            with (folder / f"{page}.log").open("w") as log:
                command = [str(Path(sys.executable).parent / "spark-class"), *words]
                running.append(subprocess.Popen(command, env=environment(secret), stdout=log, stderr=subprocess.STDOUT))
            until = time.monotonic() + 90
            while not answers(page):
                assert time.monotonic() < until, (folder / f"{page}.log").read_text()[-2000:]
                time.sleep(0.3)
        yield url, secret
    finally:
        for process in reversed(running):
            process.terminate()
            process.wait(30)


def drive(url: str, secret: str, folder: Path, seconds: float) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-c", DRIVER, url, str(folder)]
    return subprocess.run(
        command, cwd=ROOT, env=environment(secret), capture_output=True, text=True, timeout=seconds, check=False
    )


def test_a_driver_with_the_secret_gets_executors(cluster: tuple[str, str], tmp_path: Path) -> None:
    done = drive(*cluster, tmp_path, 180)
    assert "sum 499500" in done.stdout, done.stderr[-2000:]


def test_a_driver_without_the_secret_gets_nothing(cluster: tuple[str, str], tmp_path: Path) -> None:
    try:
        done = drive(cluster[0], secrets.token_urlsafe(32), tmp_path, 45)
    except subprocess.TimeoutExpired:
        return  # it goes on asking; it was not let in
    assert done.returncode != 0 and "sum" not in done.stdout


def test_two_workers_make_the_rows_of_the_reference(cluster: tuple[str, str], tmp_path: Path) -> None:
    url, secret = cluster
    store, lines = land(tmp_path)
    told = environment(secret) | {"NIGHTFILL_SPARK_MASTER": url, "NIGHTFILL_SPARK_MEMORY": "1g"}
    report = build(store, tmp_path / "work", told)
    assert report["ok"], report
    assert_like_the_reference(tmp_path / "work", lines)
