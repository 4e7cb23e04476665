"""Start, stop and look at the local stack: one supervisor that restarts what dies."""

import contextlib
import http.client
import os
import socket
import subprocess
import sys
import time
import xmlrpc.client
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from include.errors import Refused, TryAgain
from include.serving.files import swap_file
from include.serving.gateway import Gateway
from include.serving.programs import Program, local_programs
from include.serving.replica import Replica
from include.serving.sandbox import answers
from include.serving.supervisor_config import config, socket_path
from include.serving.topology import REPLICAS
from include.settings import LOOPBACK, PORTS, ROOT, Settings

ENDING = 6
"""The supervisor's fault code while it shuts down."""


@dataclass(frozen=True)
class ProcessStatus:
    """One supervised process: `state` as the supervisor says it (RUNNING, STARTING, BACKOFF, FATAL, STOPPED ...)."""

    name: str
    state: str
    pid: int
    description: str
    log: Path


def start(settings: Settings, extra: Sequence[Program] = (), local: bool = True) -> None:
    """Bring the local stack up, and return when the supervisor has it. What runs already and is unchanged goes on running.

    Args:
        extra: programs beside the local ones (Airflow); leave none out on a second call, for those are ended.
        local: whether servers and gateway run at all.

    Raises:
        Refused: a port is taken by somebody else.
        TryAgain: the supervisor did not come up.
    """
    programs = [*(local_programs(settings) if local else ()), *extra]
    for name in REPLICAS:
        Replica(name, settings).prepare()
    for folder in (settings.run, settings.var / "logs", settings.reports):
        folder.mkdir(parents=True, exist_ok=True)
    path = settings.run / "supervisord.conf"
    if running(settings):
        swap_file(path, config(settings, programs), mode=0o600)
        _update(settings)
        return
    check_ports(settings)
    swap_file(path, config(settings, programs), mode=0o600)
    command = [sys.executable, "-m", "supervisor.supervisord", "-c", str(path.absolute())]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env=_environment())
    if done.returncode or not _until(lambda: running(settings), 15.0):
        said = (done.stderr or done.stdout).strip().splitlines() or ["it said nothing"]
        raise TryAgain(f"The supervisor did not start: {said[0][:300]}", f"See {settings.var / 'logs' / 'supervisord.log'}")


def wait_up(settings: Settings, seconds: float = 180.0) -> None:
    """Return when every replica and the gateway answer. Raises TryAgain with the name of what does not."""
    until = time.monotonic() + seconds
    waiting = [Replica(name, settings) for name in REPLICAS]
    gateway = Gateway(settings)
    while True:
        waiting = [replica for replica in waiting if not answers(replica)]
        if not waiting and gateway.ready():
            return
        dead = [one for one in status(settings) if one.state == "FATAL"]
        if dead or time.monotonic() > until:
            what = ", ".join([one.name for one in dead] or [replica.name for replica in waiting] or ["envoy"])
            raise TryAgain(f"The local stack is not up: {what} does not answer", f"See the logs in {settings.var / 'logs'}")
        time.sleep(0.2)


def stop(settings: Settings, seconds: float = 60.0) -> bool:
    """End the local stack, the supervisor last. Returns False when nothing was running.

    Raises:
        TryAgain: it did not end in time.
    """
    pid = _pid(settings)
    if not running(settings):
        return False
    with _rpc(settings) as rpc:
        rpc.supervisor.shutdown()
    if not _until(lambda: not running(settings) and (pid is None or not psutil.pid_exists(pid)), seconds):
        raise TryAgain(f"The supervisor (pid {pid}) did not end in {seconds:g} s", "Wait and run `nightfill stop` again")
    return True


def running(settings: Settings) -> bool:
    """Whether the supervisor of this `var` answers."""
    try:
        with _rpc(settings) as rpc:
            return bool(rpc.supervisor.getState()["statename"] in ("RUNNING", "RESTARTING"))
    except TryAgain:
        return False


def status(settings: Settings) -> list[ProcessStatus]:
    """Every supervised process; [] when the stack is down."""
    try:
        with _rpc(settings) as rpc:
            found = rpc.supervisor.getAllProcessInfo()
    except TryAgain:
        return []
    return [
        ProcessStatus(one["name"], one["statename"], one["pid"], one["description"], Path(one["stdout_logfile"]))
        for one in found
    ]


def restart(settings: Settings, name: str) -> None:
    """End one process and start it again. Raises Refused when there is no such process."""
    with _rpc(settings) as rpc:
        try:
            with contextlib.suppress(xmlrpc.client.Fault):
                rpc.supervisor.stopProcess(name)
            rpc.supervisor.startProcess(name)
        except xmlrpc.client.Fault as error:
            raise Refused(
                f"'{name}' cannot be started ({error.faultString})", "See `nightfill status` for the names"
            ) from error


def check_ports(settings: Settings, names: Sequence[str] = tuple(PORTS)) -> None:
    """Raises Refused with the names of the ports that somebody else has taken."""
    taken = [f"{settings.port(name)} ({name})" for name in names if _taken(settings.port(name))]
    if taken:
        raise Refused(
            f"Ports that Nightfill needs are taken: {', '.join(taken)}",
            "End what uses them, or set NIGHTFILL_PORT_BASE to a free range of 20 ports",
        )


def _taken(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return True
    return False


def _update(settings: Settings) -> None:
    """Take a changed config file over: new programs start, gone ones end, changed ones restart, the rest is not touched."""
    with _rpc(settings) as rpc:
        added, changed, removed = rpc.supervisor.reloadConfig()[0]
        for name in [*removed, *changed]:
            rpc.supervisor.stopProcessGroup(name)
            rpc.supervisor.removeProcessGroup(name)
        for name in [*added, *changed]:
            rpc.supervisor.addProcessGroup(name)
        for one in rpc.supervisor.getAllProcessInfo():
            if one["statename"] in ("STOPPED", "EXITED", "FATAL"):
                rpc.supervisor.startProcess(one["name"], False)


def _pid(settings: Settings) -> int | None:
    try:
        return int((settings.run / "supervisord.pid").read_text())
    except (OSError, ValueError):
        return None


@contextlib.contextmanager
def _rpc(settings: Settings) -> Iterator[Any]:
    """The supervisor's XML-RPC over its socket. Raises TryAgain when nobody listens there."""
    from supervisor.xmlrpc import SupervisorTransport  # pulls in the whole package: only where it is needed

    transport = SupervisorTransport(None, None, f"unix://{socket_path(settings)}")
    try:
        yield xmlrpc.client.ServerProxy(f"http://{LOOPBACK}", transport=transport)
    except (OSError, http.client.HTTPException) as error:
        raise TryAgain(f"The supervisor does not answer ({error})", "Run `nightfill start`") from error
    except xmlrpc.client.Fault as error:
        if error.faultCode != ENDING:
            raise
        raise TryAgain("The supervisor is ending", "Wait a few seconds and try again") from error
    finally:
        transport.close()


def _environment() -> dict[str, str]:
    return os.environ | {"PYTHONPATH": str(ROOT)}


def _until(done: Any, seconds: float) -> bool:
    until = time.monotonic() + seconds
    while not done():
        if time.monotonic() > until:
            return False
        time.sleep(0.1)
    return True
