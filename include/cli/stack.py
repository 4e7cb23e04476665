"""The local stack as one thing: model servers, gateway and Airflow under one supervisor."""

import json
import os
import signal
import time
from collections.abc import Callable
from typing import Any

from include.canonical import digest
from include.cli import airflow_stack, holders, run_spark
from include.cli.airflow_api import AirflowApi
from include.errors import TryAgain
from include.serving import processes
from include.settings import Settings
from include.words import counted

Say = Callable[[str], None]


def start(settings: Settings, say: Say = print, serving: bool = True) -> float:
    """Bring everything up and healthy; what is up stays as it is. Returns the seconds that it took, 0 when all was up.

    With `serving` false the model servers are started, and not waited for: the history does not need them.
    """
    airflow_stack.refuse_other_database(settings)
    if is_up(settings):
        return 0.0
    began = time.monotonic()
    say("Starting the local stack")
    airflow_stack.configure(settings)
    airflow_stack.migrate(settings)
    mark_children(settings)
    processes.start(settings, [*airflow_stack.programs(settings), *run_spark.programs(settings)])
    airflow_stack.wait_healthy(settings)
    if serving:
        processes.wait_up(settings)
    make_pools(settings)
    seconds = time.monotonic() - began
    (settings.run / "stack.json").write_text(json.dumps({"seconds": round(seconds, 1), "environ": _environ_digest(settings)}))
    say(f"The stack is up after {seconds:.0f} s")
    return seconds


def is_up(settings: Settings) -> bool:
    """Whether every process runs with the settings of now, and Airflow calls itself healthy."""
    if _note(settings).get("environ") != _environ_digest(settings):
        return False
    found = processes.status(settings)
    names = {one.name for one in found}
    return (
        names.issuperset(airflow_stack.COMPONENTS)
        and all(one.state == "RUNNING" for one in found)
        and airflow_stack.is_healthy(settings)
    )


def stop(settings: Settings, say: Say = print) -> bool:
    """End everything that this stack started, jobs of running tasks included. Returns whether anything ran."""
    ran = processes.stop(settings)
    left = _sweep(settings)
    if left:
        say(f"Ended {counted(left, 'process', 'processes')} that tasks had left")
    return ran or bool(left)


def client(settings: Settings) -> AirflowApi:
    return AirflowApi(airflow_stack.url(settings), lambda: airflow_stack.password(settings))


def read_start(settings: Settings) -> float:
    """Seconds that the last start of the stack took; 0 when it is not known."""
    return float(_note(settings).get("seconds", 0.0))


def addresses(settings: Settings) -> str:
    """Where a person looks; the password is asked for, never shown by itself."""
    return (
        f"Airflow: {airflow_stack.url(settings)} (user admin; the password: ./nightfill password)\n"
        f"Morning reports: {airflow_stack.url(settings)}/nightfill/reports\n"
        f"Releases: {airflow_stack.url(settings)}/nightfill/releases"
    )


def _note(settings: Settings) -> dict[str, Any]:
    try:
        return dict(json.loads((settings.run / "stack.json").read_text()))
    except (OSError, ValueError):
        return {}


def _environ_digest(settings: Settings) -> str:
    return digest(dict(settings.environ()))


def mark_children(settings: Settings) -> None:
    """The supervisor inherits this process's variables: leave out what would change Airflow, add the stack's mark."""
    kept = airflow_stack.clean_environ() | {holders.STACK: str(settings.var.absolute())}
    os.environ.clear()
    os.environ.update(kept)


def make_pools(settings: Settings) -> None:
    """Make the pools that the DAGs name; those that are there stay."""
    api = client(settings)
    for name, (slots, description) in airflow_stack.POOLS.items():
        api.put_pool(name, slots, description)
    api.close()


def _sweep(settings: Settings, seconds: float = 15.0) -> int:
    """End marked processes that outlived the supervisor: first asked, then made to. Returns how many there were."""
    var = settings.var.absolute()
    found = holders.members(var)
    for sign in (signal.SIGTERM, signal.SIGKILL):
        until = time.monotonic() + seconds
        _send(holders.members(var), sign)
        while holders.members(var):
            if time.monotonic() > until:
                break
            time.sleep(0.1)
        else:
            return len(found)
    raise TryAgain(f"Processes {holders.members(var)} of the stack do not end", "Wait and run `make stop` again")


def _send(pids: list[int], sign: signal.Signals) -> None:
    for pid in pids:
        try:
            os.kill(pid, sign)
        except ProcessLookupError:
            continue
