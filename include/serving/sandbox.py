"""A model server for one check: started, asked, ended. No shopper ever reaches it."""

import contextlib
import fcntl
import os
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator

from include.errors import TryAgain
from include.serving.programs import server_command, server_environment
from include.serving.replica import Replica
from include.settings import ROOT, Settings


@contextlib.contextmanager
def running_server(settings: Settings, name: str = "sandbox", seconds: float = 120.0) -> Iterator[Replica]:
    """Run a server while the block lasts, with whatever its config file asks for. Deploy bundles to the replica inside.

    Where the topology has a sandbox that always runs, that one is emptied and taken for the block: by one check at a time.

    Raises:
        TryAgain: it ended or did not answer in time; the message has the end of its log.
    """
    replica = Replica(name, settings)
    replica.prepare()
    if settings.places and settings.places.sandbox == "server":
        with _taken(replica, seconds):
            yield replica
        return
    log_file = settings.var / "logs" / f"{name}.log"
    log_file.parent.mkdir(parents=True, exist_ok=True)
    with log_file.open("ab") as log:
        process = subprocess.Popen(
            server_command(settings, name),
            cwd=ROOT,
            env=os.environ | server_environment(),
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        _wait(replica, process, log_file.absolute(), seconds)
        yield replica
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextlib.contextmanager
def _taken(replica: Replica, seconds: float) -> Iterator[None]:
    """The sandbox that always runs, for one check alone. It is left empty, whatever the candidate did to it."""
    until = time.monotonic() + seconds
    with (replica.folder / "lock").open("a") as lock:
        while not _locked(lock.fileno()):
            if time.monotonic() > until:
                raise TryAgain(f"Another check holds the {replica.name} server", "Wait until it has ended and run it again")
            time.sleep(0.1)
        replica.write_config({})
        while not answers(replica):
            if time.monotonic() > until:
                raise TryAgain(
                    f"The {replica.name} server did not answer in {seconds:g} s", f"See the log of the {replica.name} container"
                )
            time.sleep(0.1)
        try:
            yield
        finally:
            replica.write_config({})


def _locked(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def answers(replica: Replica) -> bool:
    """Whether a server listens there: any HTTP answer will do."""
    try:
        with urllib.request.urlopen(f"{replica.rest}/v1/models", timeout=2):
            return True
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False


def _wait(replica: Replica, process: "subprocess.Popen[bytes]", log_file: object, seconds: float) -> None:
    until = time.monotonic() + seconds
    while not answers(replica):
        if process.poll() is not None:
            raise TryAgain(f"The {replica.name} server ended with code {process.returncode}", f"See the end of {log_file}")
        if time.monotonic() > until:
            raise TryAgain(f"The {replica.name} server did not answer in {seconds:g} s", f"See the end of {log_file}")
        time.sleep(0.1)
