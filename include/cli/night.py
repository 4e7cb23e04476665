"""`nightfill run`: checks, stack, the plan through Airflow, summary, table."""

import sys

from include.cli import airflow_stack, quarantine, show, stack
from include.cli.driver import Driver
from include.cli.facts import write_summary
from include.cli.failure import Failure
from include.cli.lock import only_one
from include.cli.plan import Calendar, Step, plan
from include.cli.terminal import Screen, table
from include.serving import processes
from include.settings import Settings
from include.store.objects import open_store
from include.store.quarantine import quarantined

OK, FAILED, INTERRUPTED = 0, 1, 130


def run(settings: Settings, dates: Calendar) -> int:
    """Run the recorded nights; returns the exit code. The stack is left up, whatever happens."""
    screen = Screen()
    with only_one(settings.run / "nightfill.lock"):
        try:
            stack.start(settings, screen.say, serving=False)
            screen.say(f"Follow it at {airflow_stack.url(settings)} (user admin; the password: ./nightfill password)")
            api = stack.client(settings)
            driver = Driver(api, settings, screen, wait_serving=lambda: processes.wait_up(settings))
            driver.walk(plan(dates))
            summary = write_summary(api, settings, dates)
        except Failure as failure:
            screen.say(str(failure))
            return FAILED
        except KeyboardInterrupt:
            screen.say("\nInterrupted. Nothing is lost: the stack finishes the DAG run that is under way.")
            screen.say("`make run` continues from here; `make stop` ends the stack.")
            return INTERRUPTED
    screen.say("\n" + show.render(summary))
    screen.say("\n" + finish(settings, summary))
    return FAILED if driver.degraded else OK


def finish(settings: Settings, summary: dict) -> str:  # type: ignore[type-arg]
    """The last lines: where to look."""
    found = [surface["evaluation"] for surface in summary["surfaces"].values()]
    lines = [f"Morning report: {one['address']} ({one['report']})" for one in found if one["report"]]
    return "\n".join([stack.addresses(settings), *lines, f"Summary: {settings.run / 'summary.json'}"])


def dry_run(dates: Calendar) -> str:
    """The plan as a table."""

    def row(number: int, step: Step) -> list[object]:
        conf = " ".join(f"{name}={value}" for name, value in step.conf.items())
        return [number, step.stage, step.dag_id, conf, step.run_id]

    rows = [row(number, step) for number, step in enumerate(plan(dates), 1)]
    return table(["", "stage", "dag", "parameters", "run id"], rows)


def status(settings: Settings) -> int:
    """Print what is up; returns 0 when all of it is, 3 when nothing or not all is (as service scripts do)."""
    for line in quarantine.told(quarantined(open_store(settings.store_uri))):
        print(line)
    found = processes.status(settings)
    if not found:
        print("The stack is not running. `make run` starts it.")
        return 3
    print(table(["process", "state", "pid", "since", "log"], [[p.name, p.state, p.pid, p.description, p.log] for p in found]))
    health = airflow_stack.health(settings)
    print("Airflow: " + (", ".join(f"{name} {state}" for name, state in health.items()) or "does not answer"))
    print(stack.addresses(settings))
    return OK if stack.is_up(settings) else 3


def print_error(text: str) -> None:
    print(f"nightfill: {text}", file=sys.stderr, flush=True)
