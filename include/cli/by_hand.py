"""`nightfill pin|unpin|freeze|unfreeze|rollback SURFACE`: said first, confirmed, then done."""

import argparse
import getpass
import sys
import time
from collections.abc import Callable

from include import recipes
from include.cli import stack
from include.cli.airflow_api import DONE, AirflowApi
from include.errors import Refused, TryAgain
from include.nights import moment
from include.rollout import registry, rollback, switches
from include.settings import Settings
from include.store.objects import Store, open_store


def pin(settings: Settings, args: argparse.Namespace) -> int:
    store, stable = _open(settings, args)
    if stable is None:
        raise Refused(f"Nothing is stable on {args.surface}", f"Run start_{args.surface} first")
    if agreed(args, f"{args.surface} stays on version {stable}; releases of any other end with HOLD."):
        switches.pin(store, args.surface, stable, who(), args.why, moment(args.until))
    return 0


def unpin(settings: Settings, args: argparse.Namespace) -> int:
    store, _ = _open(settings, args)
    if agreed(args, f"Other versions of {args.surface} may be released again."):
        switches.unpin(store, args.surface, who())
    return 0


def freeze(settings: Settings, args: argparse.Namespace) -> int:
    store, _ = _open(settings, args)
    if agreed(args, f"No release of {args.surface} begins, and one that is under way ends with HOLD."):
        switches.freeze(store, args.surface, who(), args.why, moment(args.until))
    return 0


def unfreeze(settings: Settings, args: argparse.Namespace) -> int:
    store, _ = _open(settings, args)
    if agreed(args, f"Releases of {args.surface} may begin again."):
        switches.unfreeze(store, args.surface, who())
    return 0


def go_back(settings: Settings, args: argparse.Namespace) -> int:
    """Trigger rollback_<surface> and follow it to its end."""
    store, _ = _open(settings, args)
    going = rollback.plan(store, args.surface, args.version)
    said = (
        f"Version {going.after.version} of night {going.after.night} answers on {args.surface} instead of version "
        f"{going.before.version}, and the surface stays pinned to it until `nightfill unpin {args.surface}`."
    )
    if not agreed(args, said):
        return 0
    if not stack.is_up(settings):
        raise TryAgain("The stack is not up, and Airflow does the roll-back", "Run `nightfill start`, then ask again")
    values = {"version": going.after.version, "epoch": going.before.epoch, "why": args.why, "by": who()}
    return follow(stack.client(settings), f"rollback_{args.surface}", values)


def follow(api: AirflowApi, dag_id: str, values: dict[str, object], period: float = 1.0) -> int:
    """Ask for a run and wait for its end; 0 when it did what was asked."""
    run_id = f"by_hand__{time.strftime('%Y-%m-%dT%H-%M-%S', time.gmtime())}"
    api.trigger(dag_id, run_id, values)
    print(f"Airflow runs {dag_id} {run_id}")
    while (state := (api.run(dag_id, run_id) or {"state": "failed"})["state"]) not in DONE:
        time.sleep(period)
    if state == "success":
        print("Done.")
        return 0
    failed = [task["task_id"] for task in api.tasks(dag_id, run_id) if task["state"] == "failed"]
    print(f"It failed: read `nightfill logs {'.'.join([dag_id, *failed[:1]])}`", file=sys.stderr)
    return 1


def agreed(args: argparse.Namespace, said: str, ask: Callable[[str], str] = input) -> bool:
    """Say what will happen; whether it shall. Raises Refused when nobody is there to ask, or gives no reason."""
    print(said)
    if args.dry_run:
        print("Nothing was done (--dry-run).")
        return False
    if len(getattr(args, "why", "yes").strip()) < 3:
        raise Refused("There is no reason", 'Give one, for example --why "the shelf shows dog food"')
    if args.yes:
        return True
    if not sys.stdin.isatty():
        raise Refused("Nobody is there to confirm", "Give --yes, or --dry-run to look only")
    if ask("Do it? [y/N] ").strip().lower() in ("y", "yes"):
        return True
    print("Nothing was done.")
    return False


def who() -> str:
    """The name that the switch is set under."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "somebody"


def _open(settings: Settings, args: argparse.Namespace) -> tuple[Store, int | None]:
    recipes.require(args.surface)
    store = open_store(settings.store_uri)
    stable = registry.stable(store, args.surface)
    return store, stable.version if stable else None


COMMANDS = {"pin": pin, "unpin": unpin, "freeze": freeze, "unfreeze": unfreeze, "rollback": go_back}
