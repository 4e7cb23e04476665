"""The stack's Spark server: the same rows as the reference, for who has its token, and what a job says when it is gone."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from include import spark_server
from include.cli.run_spark import programs
from include.errors import EXIT_TRY_AGAIN
from include.serving import processes
from include.settings import ROOT, Settings
from tests.features.plain_etl import Purchase
from tests.features.spark_shop import assert_like_the_reference, build, land
from tests.ports import free_base


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Purchase]]:
    return land(tmp_path_factory.mktemp("shop"))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> "Iterator[tuple[Settings, subprocess.Popen[bytes]]]":
    settings = Settings(var=tmp_path_factory.mktemp("var"), port_base=free_base(), spark_memory="1g")
    (program,) = programs(settings)
    process = subprocess.Popen(program.command, cwd=program.directory, env=os.environ | program.environment)
    yield settings, process
    process.kill()
    process.wait()


def job(settings: Settings, shop: tuple[Path, list[Purchase]], work: Path, **environment: str) -> dict[str, Any]:
    return build(shop[0], work, settings.environ() | {"NIGHTFILL_SPARK_MASTER": spark_server.master(settings)} | environment)


@pytest.mark.slow
def test_a_task_gets_the_rows_of_the_reference_from_the_server(server, shop, tmp_path):
    report = job(server[0], shop, tmp_path / "work")
    assert report["ok"], report
    assert_like_the_reference(tmp_path / "work", shop[1])


@pytest.mark.slow
def test_who_has_not_the_token_gets_nothing(server, shop, tmp_path):
    report = job(server[0], shop, tmp_path / "work", **{spark_server.TOKEN: "another"})
    assert not report["ok"] and report["code"] == 65
    assert "is not this stack's" in report["error"]["what"]


@pytest.mark.slow
def test_the_token_is_in_no_setting_and_no_command_line(server):
    settings, process = server
    secret = spark_server.token(settings)
    assert len(secret) > 30 and spark_server.token(settings) == secret
    path = settings.run / "spark" / "token"
    assert path.stat().st_mode & 0o077 == 0
    assert secret not in Path(f"/proc/{process.pid}/cmdline").read_text()
    assert all(secret not in file.read_text() for file in (settings.run / "spark" / "conf").iterdir())


@pytest.mark.slow
def test_a_server_that_ends_in_the_middle_is_a_reason_to_try_again(server, shop, tmp_path, monkeypatch):
    server[1].kill()
    server[1].wait()
    code = (
        "import include.features.spark_session as s; s.PATIENCE = 1.0\n"
        "from include.errors import TryAgain\n"
        f"try: s.open_session('{spark_server.master(server[0])}', '1g', None)\n"
        "except TryAgain as error: print(error)"
    )
    told = os.environ | server[0].environ()
    said = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=told, capture_output=True, text=True, check=False)
    assert "does not answer" in said.stdout and "nightfill logs spark" in said.stdout, said.stderr


def built(work: Path) -> dict[str, bytes]:
    return {str(path.relative_to(work)): path.read_bytes() for path in (work / "features").rglob("*.parquet")}


@pytest.mark.long
def test_after_a_server_that_was_killed_in_mid_job_the_retry_gives_the_same_bytes(shop, tmp_path):
    """The stack's supervisor starts the server again; the task ends as one to try again, and its retry waits for the server."""
    settings = Settings(var=tmp_path / "var", port_base=free_base(), spark_memory="1g")
    processes.start(settings, programs(settings), local=False)
    try:
        assert job(settings, shop, tmp_path / "whole")["ok"]
        with ThreadPoolExecutor(1) as pool:
            disturbed = pool.submit(job, settings, shop, tmp_path / "work")
            while not (tmp_path / "work" / "features.part" / "spark" / "shelf.arrow").exists():
                assert not disturbed.done()
                time.sleep(0.005)
            (server,) = processes.status(settings)
            os.kill(server.pid, signal.SIGKILL)
            report = disturbed.result()
        assert report["code"] == EXIT_TRY_AGAIN and "does not answer" in report["error"]["what"], report
        assert not (tmp_path / "work" / "features").exists(), "nothing half-done is there"
        assert job(settings, shop, tmp_path / "work")["ok"]
        (another,) = processes.status(settings)
        assert another.pid != server.pid
    finally:
        processes.stop(settings)
    assert built(tmp_path / "work") == built(tmp_path / "whole")
    assert_like_the_reference(tmp_path / "work", shop[1])


def test_a_stack_with_a_cluster_has_no_server_of_its_own(tmp_path):
    assert programs(Settings(var=tmp_path, spark_master="spark://master:7077")) == []
    assert spark_server.master(Settings(var=tmp_path, spark_master="local[2]")) == "local[2]"


def test_the_stack_tells_its_tasks_of_its_server(tmp_path):
    settings = Settings(var=tmp_path, port_base=20000)
    assert [program.name for program in programs(settings)] == ["spark"]
    assert spark_server.master(settings) == "sc://localhost:20004"
