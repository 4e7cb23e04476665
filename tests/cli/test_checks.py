"""Every check has a sentence that says what was found and what to do."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from include.cli import holders
from include.cli.checks import Machine, judge, look
from include.cli.java import find_java, install_java, java_home
from include.errors import Refused

GOOD = {"memory_gb": 16.0, "disk_gb": 50.0, "java": Path("/usr/bin/java"), "busy": {}}


def failed(**changes: object) -> str:
    found = [check.text for check in judge(Machine(**{**GOOD, **changes})) if not check.ok]  # type: ignore[arg-type]
    assert len(found) == 1
    return found[0]


def test_a_good_machine_passes_everything() -> None:
    assert all(check.ok for check in judge(Machine(**GOOD)))  # type: ignore[arg-type]


def test_too_little_memory_says_how_much_is_needed() -> None:
    assert failed(memory_gb=2.5).startswith("2.5 GB of memory are available, a night needs 7 GB. Close")


def test_a_running_stack_already_has_its_memory() -> None:
    assert all(check.ok for check in judge(Machine(**{**GOOD, "memory_gb": 4.0, "running": True})))  # type: ignore[arg-type]


def test_too_little_disk_says_how_much_is_needed() -> None:
    assert failed(disk_gb=5.0).startswith("5.0 GB of disk are free, a night needs 8 GB. Free")
    assert failed(disk_gb=1.0, installed=True).startswith("1.0 GB of disk are free, a night needs 3 GB")


def test_missing_java_says_which_package() -> None:
    assert "Install openjdk-17-jre-headless" in failed(java=None)


def test_a_taken_port_is_named_with_its_holder(tmp_path: Path) -> None:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        sock.listen()
        port = sock.getsockname()[1]
        machine = look(tmp_path, {"NIGHTFILL_PORT_BASE": str(port)}, installed=True)
    text = next(check.text for check in judge(machine) if check.name == "ports")
    assert f"port {port} (gateway) is taken by " in text
    assert f"(pid {os.getpid()})" in text
    assert "NIGHTFILL_PORT_BASE" in text


def test_a_port_of_our_own_stack_is_not_taken(tmp_path: Path) -> None:
    code = (
        "import socket, time; s = socket.socket(); s.bind(('127.0.0.1', 0)); s.listen(); "
        "print(s.getsockname()[1], flush=True); time.sleep(60)"
    )
    env = os.environ | {holders.STACK: str(tmp_path)}
    with subprocess.Popen([sys.executable, "-c", code], env=env, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        port = child.stdout.readline().strip()
        machine = look(tmp_path, {"NIGHTFILL_PORT_BASE": port}, installed=True)
        assert holders.members(tmp_path) == [child.pid]
        child.kill()
    assert machine.running
    assert not any(busy.startswith(f"{port} ") for busy in machine.busy)  # the ports after it may be anybody's


def test_a_port_base_that_is_no_number_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="from 1024 to 65000"):
        look(tmp_path, {"NIGHTFILL_PORT_BASE": "http"}, installed=True)


def fake_java(folder: Path, version: str) -> Path:
    java = folder / "bin" / "java"
    java.parent.mkdir(parents=True)
    java.write_text(f"#!/bin/sh\necho 'openjdk version \"{version}\" 2024-10-15' >&2\n")
    java.chmod(0o755)
    return java


def test_an_old_java_is_passed_over_for_a_new_one(tmp_path: Path) -> None:
    fake_java(tmp_path / "old", "11.0.2")
    new = fake_java(tmp_path / "jvm" / "java-17", "17.0.13")
    assert find_java({"JAVA_HOME": str(tmp_path / "old"), "PATH": ""}, tmp_path / "jvm") == new
    assert java_home(new) == tmp_path / "jvm" / "java-17"


def test_java_that_may_not_be_installed_is_one_clear_sentence() -> None:
    with pytest.raises(Refused, match=r"Java 17 or newer is missing; Spark needs it\. Install it"):
        install_java(print, {"PATH": "", "NIGHTFILL_NO_APT": "1"})
