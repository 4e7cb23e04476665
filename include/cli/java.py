"""Java for Spark: find one that is new enough, or install it where that is allowed. Standard library only."""

import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from include.errors import Refused

OLDEST = 17
PACKAGE = "openjdk-17-jre-headless"
NO_APT = "NIGHTFILL_NO_APT"


def find_java(environ: Mapping[str, str] | None = None, jvms: Path = Path("/usr/lib/jvm")) -> Path | None:
    """The first `java` that is 17 or newer: JAVA_HOME, PATH, then the system's own folder."""
    return next(
        (java for java in _candidates(os.environ if environ is None else environ, jvms) if _version(java) >= OLDEST), None
    )


def java_home(java: Path) -> Path:
    """What JAVA_HOME must be for a `java`."""
    return java.resolve().parents[1]


def install_java(say: Callable[[str], None], environ: Mapping[str, str] | None = None) -> Path:
    """Install Java by apt-get as root or with a sudo that does not ask.

    Raises:
        Refused: this is not allowed here, or it did not work.
    """
    env = os.environ if environ is None else environ
    missing = Refused(
        f"Java {OLDEST} or newer is missing; Spark needs it",
        f"Install it (Debian: sudo apt-get install {PACKAGE}) or set JAVA_HOME, and start again",
    )
    apt = _apt(env)
    if apt is None:
        raise missing
    say(f"Installing {PACKAGE} with apt-get")
    for command in ([*apt, "update", "-qq"], [*apt, "install", "-y", "-qq", "--no-install-recommends", PACKAGE]):
        subprocess.run(command, env={**env, "DEBIAN_FRONTEND": "noninteractive"}, stdout=subprocess.DEVNULL, check=False)
    java = find_java(env)
    if java is None:
        raise missing
    return java


def may_install(environ: Mapping[str, str]) -> bool:
    """Whether Java can be installed without asking anybody."""
    return _apt(environ) is not None


def _candidates(environ: Mapping[str, str], jvms: Path) -> Iterator[Path]:
    if home := environ.get("JAVA_HOME"):
        yield Path(home) / "bin" / "java"
    if found := shutil.which("java", path=environ.get("PATH")):
        yield Path(found)
    yield from sorted(jvms.glob("*/bin/java"))


def _version(java: Path) -> int:
    """The major version; 0 when it does not start."""
    try:
        out = subprocess.run([java, "-version"], capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return 0
    found = re.search(r'version "(\d+)', out.stderr + out.stdout)
    return int(found.group(1)) if found else 0


def _apt(environ: Mapping[str, str]) -> list[str] | None:
    apt = shutil.which("apt-get", path=environ.get("PATH"))
    if apt is None or environ.get(NO_APT):
        return None
    if os.geteuid() == 0:
        return [apt]
    sudo = shutil.which("sudo", path=environ.get("PATH"))
    if sudo and subprocess.run([sudo, "-n", "true"], capture_output=True, check=False).returncode == 0:
        return [sudo, "-n", apt]
    return None
