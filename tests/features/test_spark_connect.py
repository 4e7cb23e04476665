"""The stack's Spark server: the same rows as the reference, for who has its token, and what a job says when it is gone."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from include import spark_server
from include.cli.run_spark import programs
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


def test_a_stack_with_a_cluster_has_no_server_of_its_own(tmp_path):
    assert programs(Settings(var=tmp_path, spark_master="spark://master:7077")) == []
    assert spark_server.master(Settings(var=tmp_path, spark_master="local[2]")) == "local[2]"


def test_the_stack_tells_its_tasks_of_its_server(tmp_path):
    settings = Settings(var=tmp_path, port_base=20000)
    assert [program.name for program in programs(settings)] == ["spark"]
    assert spark_server.master(settings) == "sc://localhost:20004"
