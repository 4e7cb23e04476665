"""A private PostgreSQL for a test: a cluster of its own in a temporary folder, on loopback, with a random password."""

import contextlib
import os
import pwd
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from include.cli.java import NO_APT
from tests.ports import free_port


@dataclass(frozen=True)
class Server:
    """Where it listens, and its superuser's password."""

    binaries: Path
    port: int
    password: str

    def url(self, user: str, password: str, database: str) -> str:
        return f"postgresql://{user}:{password}@127.0.0.1:{self.port}/{database}"

    def psql(self, *words: str, **environ: str) -> "subprocess.CompletedProcess[str]":
        """Run psql as superuser, as the init job does."""
        said = {"PGHOST": "127.0.0.1", "PGPORT": str(self.port), "PGUSER": "postgres", "PGPASSWORD": self.password}
        command = [str(self.binaries / "psql"), "--no-psqlrc", "--quiet", *words]
        return subprocess.run(command, env=os.environ | said | environ, capture_output=True, text=True, check=False)


def why_not() -> str:
    """Why there can be no server here; empty when there can. Debian's package is installed where that needs no question."""
    if binaries():
        return ""
    apt = shutil.which("apt-get")
    if apt is None or os.environ.get(NO_APT) or os.geteuid() != 0:
        return "no PostgreSQL server is installed and apt-get may not be used (Debian: apt-get install postgresql)"
    environ = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    for words in (["update", "-qq"], ["install", "-y", "-qq", "--no-install-recommends", "postgresql"]):
        subprocess.run([apt, *words], env=environ, stdout=subprocess.DEVNULL, check=False)
    return "" if binaries() else "Debian's package postgresql could not be installed"


def binaries() -> Path | None:
    """The folder with initdb and pg_ctl of the newest server that is installed."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: float(path.parts[-3]))
    on_path = shutil.which("initdb")
    return found[-1].parent if found else Path(on_path).resolve().parent if on_path else None


@contextlib.contextmanager
def running() -> Iterator[Server]:
    """Make a cluster, run it while the block lasts, and delete it. The server refuses to be root, so root becomes postgres."""
    found = binaries()
    assert found
    user = "postgres" if os.geteuid() == 0 else None
    folder = Path(tempfile.mkdtemp(prefix="nightfill-postgres-"))
    server = Server(found, free_port(), secrets.token_urlsafe(24))
    (folder / "password").write_text(server.password)
    if user:
        for path in (folder, folder / "password"):
            shutil.chown(path, user)
    groups: dict[str, object] = {"user": user, "group": pwd.getpwnam(user).pw_gid, "extra_groups": []} if user else {}
    data, options = folder / "data", f"-p {server.port} -h 127.0.0.1 -k {folder} -F"

    def call(*words: str) -> None:
        subprocess.run(words, cwd=folder, check=True, stdout=subprocess.DEVNULL, timeout=60, **groups)  # type: ignore[call-overload]

    secret = f"--pwfile={folder / 'password'}"
    try:
        call(str(found / "initdb"), "-D", str(data), "--username=postgres", "--auth=scram-sha-256", secret, "--no-sync")
        call(str(found / "pg_ctl"), "-D", str(data), "-o", options, "-l", str(folder / "log"), "-w", "start")
        try:
            yield server
        finally:
            call(str(found / "pg_ctl"), "-D", str(data), "-m", "fast", "-w", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
