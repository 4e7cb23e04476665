"""Each command of `nightfill` that needs `.venv`."""

import argparse
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from include import recipes
from include.cli import (
    airflow_stack,
    backfill,
    by_hand,
    drill,
    lineage,
    logs,
    night,
    plan_nights,
    quarantine,
    shop,
    stack,
    suite,
    tidy,
    wipe,
)
from include.cli.checks import var_folder
from include.cli.chosen_source import recall
from include.cli.plan import calendar
from include.cli.setup import ROOT
from include.cli.terminal import Screen
from include.nights import parse
from include.settings import Settings


def do(args: argparse.Namespace) -> int:
    """Do the command that was parsed; returns the exit code."""
    settings = recall(Settings.load().model_copy(update={"var": var_folder(ROOT)}))
    return COMMANDS[args.command](settings, args)


def _setup(settings: Settings, args: argparse.Namespace) -> int:
    print(f"Ready: {ROOT / '.venv'}")
    return 0


def _run(settings: Settings, args: argparse.Namespace) -> int:
    recipes.get(args.surface, args.recipe)
    dates = calendar(
        settings.source,
        history_from=args.history_from,
        first_model=args.first_model,
        nights=args.nights,
        surface=args.surface,
        recipe=args.recipe,
    )
    if args.dry_run:
        print(night.dry_run(dates))
        return 0
    return night.run(settings, dates)


def _start(settings: Settings, args: argparse.Namespace) -> int:
    stack.start(settings)
    print(stack.addresses(settings))
    return 0


def _status(settings: Settings, args: argparse.Namespace) -> int:
    return night.status(settings)


def _stop(settings: Settings, args: argparse.Namespace) -> int:
    print("Stopped." if stack.stop(settings) else "Nothing was running.")
    return 0


def _clean(settings: Settings, args: argparse.Namespace) -> int:
    stack.stop(settings)
    return wipe.forget(settings.var, ROOT / ".venv" if args.venv else None)


def _backfill(settings: Settings, args: argparse.Namespace) -> int:
    first, last = parse(args.first).isoformat(), parse(args.last).isoformat()
    stack.start(settings)
    behaviour, at_once = ("completed", "1") if args.again else ("none", "3")  # new nights wait for the night before
    words = ["backfill", "create", "--dag-id", "build_features", "--from-date", first, "--to-date", f"{last}T23:59:59"]
    code = _call_airflow(settings, [*words, "--reprocess-behavior", behaviour, "--max-active-runs", at_once])
    return code or backfill.follow(stack.client(settings), Screen(), first, last)


def _drill(settings: Settings, args: argparse.Namespace) -> int:
    recipes.require(args.surface)
    return drill.run(settings, args.surface, args.fault, args.form)


def _report(settings: Settings, args: argparse.Namespace) -> int:
    print(stack.addresses(settings))
    return 0


def _logs(settings: Settings, args: argparse.Namespace) -> int:
    print("\n".join(logs.find(settings, args.name)))
    return 0


def _password(settings: Settings, args: argparse.Namespace) -> int:
    airflow_stack.configure(settings)
    print(airflow_stack.password(settings))
    return 0


def _airflow(settings: Settings, args: argparse.Namespace) -> int:
    airflow_stack.configure(settings)
    return _call_airflow(settings, args.words)


def _test(settings: Settings, args: argparse.Namespace) -> int:
    return suite.run(Path(sys.executable).parent, args.long, args.words)


def _call_airflow(settings: Settings, words: list[str]) -> int:
    command = [str(Path(sys.executable).parent / "airflow"), *words]
    env = airflow_stack.clean_environ() | airflow_stack.environ(settings)
    env.pop("NIGHTFILL_STACK", None)
    sys.stdout.flush()
    return subprocess.run(command, env=env, check=False).returncode


COMMANDS: dict[str, Callable[[Settings, argparse.Namespace], int]] = {
    "setup": _setup,
    "run": _run,
    "shop": shop.do,
    "start": _start,
    "status": _status,
    "stop": _stop,
    "clean": _clean,
    "plan": plan_nights.run,
    "lineage": lineage.run,
    "backfill": _backfill,
    "drill": _drill,
    **by_hand.COMMANDS,
    "accept": quarantine.accept,
    "tidy": tidy.run,
    "report": _report,
    "logs": _logs,
    "password": _password,
    "airflow": _airflow,
    "test": _test,
}
