"""Everything the night needs on this machine: `.venv`, the pinned packages, Java. Standard library only.

It runs under the system's Python before `.venv` exists, and does nothing when all is there.
"""

import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from include.cli.java import find_java, install_java
from include.errors import Refused, TryAgain

ROOT = Path(__file__).resolve().parents[2]
STAMP = ".nightfill-stamp.json"
PYTHON = (3, 11)

Say = Callable[[str], None]


def venv_python(root: Path = ROOT) -> Path:
    return root / ".venv" / "bin" / "python"


def is_ready(root: Path = ROOT) -> bool:
    """Whether `.venv` was completed for exactly this requirements.txt."""
    return read_stamp(root).get("requirements") == _digest(root) and venv_python(root).exists()


def read_stamp(root: Path = ROOT) -> dict[str, object]:
    """What the last complete install wrote: digest of requirements, by which tool, seconds. Empty when none did."""
    try:
        return dict(json.loads((root / ".venv" / STAMP).read_text()))
    except (OSError, ValueError):
        return {}


def ensure(root: Path = ROOT, say: Say = print) -> float:
    """Make `.venv` and find Java, or say why not. Returns the seconds that it took (0 when nothing was to do).

    Raises:
        Refused: Python 3.11 or Java is missing and may not be installed.
        TryAgain: the packages could not be fetched.
    """
    began = time.monotonic()
    if find_java() is None:
        install_java(say)
    if is_ready(root):
        return 0.0
    uv = shutil.which("uv")
    say(f"Installing requirements.txt into .venv with {'uv' if uv else 'pip'}")
    _make_venv(root, uv)
    _install(root, uv)
    seconds = time.monotonic() - began
    stamp = {"requirements": _digest(root), "by": "uv" if uv else "pip", "seconds": round(seconds, 1)}
    beside = root / ".venv" / f"{STAMP}.new"
    beside.write_text(json.dumps(stamp))
    beside.replace(root / ".venv" / STAMP)
    say(f"Installed in {seconds:.0f} s")
    return seconds


def _digest(root: Path) -> str:
    return hashlib.sha256((root / "requirements.txt").read_bytes()).hexdigest()


def _make_venv(root: Path, uv: str | None) -> None:
    if venv_python(root).exists():
        return
    wanted = ".".join(map(str, PYTHON))
    if uv:
        command = [uv, "venv", "--quiet", "--clear", "--python", wanted, str(root / ".venv")]
    else:
        command = [_python(wanted), "-m", "venv", "--clear", str(root / ".venv")]
    _call(
        command, f"Could not make .venv with Python {wanted}", "Install python3.11 and python3.11-venv, or uv, and start again"
    )


def _python(wanted: str) -> str:
    if sys.version_info[:2] == PYTHON:
        return sys.executable
    found = shutil.which(f"python{wanted}")
    if found is None:
        raise Refused(
            f"Python {wanted} is missing (this is {sys.version.split()[0]}) and so is uv",
            f"Install python{wanted}, or uv which brings it, and start again",
        )
    return found


def _install(root: Path, uv: str | None) -> None:
    _call(
        [*installer(str(venv_python(root)), uv), "-r", str(root / "requirements.txt")],
        "The packages of requirements.txt could not be installed",
        "Read the lines above (network, disk or a proxy), and start again; what was fetched is kept",
    )


def installer(python: str, uv: str | None) -> list[str]:
    """The command that installs packages for a Python; what `uv venv` made has no pip."""
    return (
        [uv, "pip", "install", "--quiet", "--python", python] if uv else [python, "-m", "pip", "install", "--progress-bar=off"]
    )


def install_beside(folder: Path, requirements: Path) -> Path:
    """Install into a folder of its own what only a benchmark or a test needs; returns the folder.

    Raises:
        TryAgain: the packages could not be fetched.
    """
    uv = shutil.which("uv")
    if uv is None and importlib.util.find_spec("pip") is None:
        _call([sys.executable, "-m", "ensurepip"], "pip could not be put into .venv", "Install uv, or make .venv anew")
    _call(
        [*installer(sys.executable, uv), "--no-deps", "--target", str(folder), "-r", str(requirements)],
        f"The packages of {requirements} could not be installed",
        "Read the lines above (network, disk or a proxy), and start again",
    )
    return folder


def _call(command: Sequence[str], what: str, todo: str) -> None:
    environ = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
    if subprocess.run(command, env=environ, check=False).returncode != 0:
        raise TryAgain(what, todo)
