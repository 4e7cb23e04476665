"""What must hold before a night can start, each with a sentence when it does not. Standard library only."""

import os
import shutil
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from include.cli import holders
from include.cli.java import find_java
from include.cli.setup import ROOT, venv_python
from include.errors import Refused
from include.ports import DEFAULT_BASE, PORTS

GB = 1 << 30
MEMORY_GB, MEMORY_RUNNING_GB = 7.0, 3.0
"""Before the start, and while the stack runs. Spark's server keeps up to 1 GB of the first between two nights."""
DISK_GB, DISK_INSTALLED_GB = 8.0, 3.0
PROBE_SECONDS = 60


@dataclass(frozen=True)
class Machine:
    """The facts that the checks judge, so that a test can give its own."""

    memory_gb: float
    disk_gb: float
    java: Path | None
    busy: Mapping[str, str]
    """Port names to who holds them, without the ports of this stack."""
    installed: bool = False
    running: bool = False
    store: tuple[bool, str] | None = None
    """Whether a store that is not a folder can be used, and the sentence; None for a folder, or before the setup."""


@dataclass(frozen=True)
class Check:
    name: str
    ok: bool
    text: str
    """What was found; for a failed check also what to do."""


def look(var: Path, environ: Mapping[str, str], installed: bool) -> Machine:
    """Read this machine."""
    running, busy = _busy(_base(environ), var)
    return Machine(
        memory_gb=available_memory() / GB,
        disk_gb=shutil.disk_usage(_existing(var)).free / GB,
        java=find_java(environ),
        busy=busy,
        installed=installed,
        running=running,
        store=look_at_store(environ.get("NIGHTFILL_STORE") or "", environ) if installed else None,
    )


def look_at_store(uri: str, environ: Mapping[str, str]) -> tuple[bool, str] | None:
    """Try a store that is reached over the network, in `.venv`'s Python: this one may know no S3."""
    if "://" not in uri or uri.startswith("file://"):
        return None
    command = [str(venv_python()), "-m", "include.store.probe", uri]
    try:
        done = subprocess.run(
            command, cwd=ROOT, env=dict(environ), capture_output=True, text=True, timeout=PROBE_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        return False, f"The store of NIGHTFILL_STORE did not answer within {PROBE_SECONDS} s. See that its server is up."
    said = (done.stdout.strip() or done.stderr.strip()).splitlines()
    return done.returncode == 0, said[-1] if said else f"The store could not be tried (exit code {done.returncode})"


def judge(machine: Machine, may_install_java: bool = False) -> list[Check]:
    """All checks, in the order in which a person would fix them."""
    found = [_memory(machine), _disk(machine), _ports(machine), _java(machine, may_install_java)]
    return found + ([Check("store", *machine.store)] if machine.store else [])


def available_memory(meminfo: Path = Path("/proc/meminfo")) -> int:
    """Bytes that can be used without swapping."""
    for line in meminfo.read_text().splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    return 0


def _memory(machine: Machine) -> Check:
    need = MEMORY_RUNNING_GB if machine.running else MEMORY_GB
    return _enough("memory", machine.memory_gb, need, "available", "Close other programs or take a larger machine")


def _disk(machine: Machine) -> Check:
    need = DISK_INSTALLED_GB if machine.installed else DISK_GB
    return _enough("disk", machine.disk_gb, need, "free", "Free some disk, or put NIGHTFILL_VAR on a larger one")


def _enough(of: str, gigabytes: float, need: float, state: str, todo: str) -> Check:
    found = f"{gigabytes:.1f} GB of {of} are {state}"
    enough = gigabytes >= need
    return Check(of, enough, found if enough else f"{found}, a night needs {need:.0f} GB. {todo}.")


def _ports(machine: Machine) -> Check:
    if not machine.busy:
        return Check("ports", True, "this stack holds its ports" if machine.running else "all ports are free")
    taken = "; ".join(f"port {name} is taken by {who}" for name, who in machine.busy.items())
    return Check("ports", False, f"{taken}. Stop it, or choose other ports with NIGHTFILL_PORT_BASE=<number>.")


def _java(machine: Machine, may_install: bool) -> Check:
    if machine.java is not None:
        return Check("java", True, f"Java is {machine.java}")
    if may_install:
        return Check("java", True, "Java is missing and will be installed with apt-get")
    return Check("java", False, "Java 17 or newer is missing. Install openjdk-17-jre-headless or set JAVA_HOME.")


def _busy(base: int, var: Path, holder: Callable[[int], int | None] = holders.holder) -> tuple[bool, dict[str, str]]:
    """Whether this stack holds a port, and the ports that somebody else holds."""
    running, busy = False, {}
    for name, offset in PORTS.items():
        port = base + offset
        if holders.is_free(port):
            continue
        pid = holder(port)
        if pid is not None and holders.is_member(pid, var):
            running = True
        else:
            busy[f"{port} ({name})"] = "a process of another user" if pid is None else holders.describe(pid)
    return running, busy


def _base(environ: Mapping[str, str]) -> int:
    text = environ.get("NIGHTFILL_PORT_BASE") or str(DEFAULT_BASE)
    if not (text.isdigit() and 1024 <= int(text) <= 65000):
        raise Refused(f"NIGHTFILL_PORT_BASE is '{text}'", "Give a number from 1024 to 65000")
    return int(text)


def _existing(path: Path) -> Path:
    while not path.exists():
        path = path.parent
    return path


def var_folder(root: Path, environ: Mapping[str, str] | None = None) -> Path:
    """Where `Settings.var` will point, known before pydantic is installed."""
    env = os.environ if environ is None else environ
    return Path(env.get("NIGHTFILL_VAR") or root / "var").absolute()
