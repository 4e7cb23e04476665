"""The `nightfill` command. Only the standard library is imported until `.venv` is there."""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from include.cli import checks, env_file, java, setup, shop_options, surface_options, wipe
from include.errors import NightfillError, Refused

ABOUT = """\
Nightfill restocks an online shop's shelves every night: features, training, canary, morning report.

  ./nightfill run              the recorded nights on a year of purchases, 10 to 20 minutes; continues what was begun
  ./nightfill run --dry-run    only show which DAG runs that would be
  ./nightfill shop --help      the same on your own data: init, check, run
  ./nightfill status           what is up, and where to look
  ./nightfill stop             end everything that `run` left up
"""
SETTINGS = """\
Settings are variables: NIGHTFILL_VAR (folder for everything that is written), NIGHTFILL_STORE (a folder,
or s3://bucket/prefix with the usual AWS_ variables), NIGHTFILL_CACHE (folder of what is fetched from there),
NIGHTFILL_PORT_BASE (first of 20 ports, 18500), NIGHTFILL_SPARK_MASTER, NIGHTFILL_WEBHOOK (told of failures),
NIGHTFILL_SOURCE (JSON: name, households, first, last), NIGHTFILL_NO_APT=1 (never call apt-get).
Everything listens on 127.0.0.1 only. Exit codes: 0 done, 1 a task failed, 2 wrong arguments, 3 not up,
65 refused, 75 try again, 130 interrupted.
"""

NEEDS_SETUP = ("setup", "run", "shop", "start", "backfill", "drill", "airflow", "test")


def parser() -> argparse.ArgumentParser:
    """The whole command line."""
    top = argparse.ArgumentParser(
        "nightfill", description=ABOUT, epilog=SETTINGS, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = top.add_subparsers(dest="command", metavar="COMMAND", required=True)

    def add(name: str, text: str) -> argparse.ArgumentParser:
        return commands.add_parser(name, help=text, description=text)

    add("setup", "make .venv from requirements.txt and find or install Java; does nothing when all is there")
    add("check", "look at memory, disk, ports, Java and a store in a bucket, one sentence each")
    run = add("run", "set up, start the stack and run the recorded nights through Airflow")
    shop_options.run_options(run, "2017-10-22")
    shop_options.add(add("shop", "your own shop: init a mapping file, check it, run the night on it"))
    add("start", "only start the stack: model servers, gateway, Airflow")
    add("status", "say what is up and where to look")
    add("stop", "end the stack and every job that it started")
    clean = add("clean", "stop, and delete everything that was written under var (models and history too)")
    clean.add_argument("--venv", action="store_true", help="delete .venv as well")
    nights = add("plan", "say what build_features would do for each night, and why; nothing is done")
    nights.add_argument("first", nargs="?", default="", help="first night, YYYY-MM-DD (default: all that the source holds)")
    nights.add_argument("last", nargs="?", default="", help="last night (default: the first)")
    nights.add_argument("--json", action="store_true", help="spans, nights, counts and seconds as JSON")
    lineage = add("lineage", "what an answer came from, back to the purchases; or what an input was used for (--forward)")
    lineage.add_argument("what", help="answers/home/NIGHT, models/home/VERSION, releases/home/ID, events/NIGHT, digest/HEX ...")
    lineage.add_argument("--household", default="", help="only the answers to this household, and the purchases behind them")
    lineage.add_argument("--request", default="", help="only the answer to this request")
    lineage.add_argument("--forward", action="store_true", help="what was made from it, up to the answers")
    lineage.add_argument("--ids", action="store_true", help="also whose answer it is and what was bought: personal")
    lineage.add_argument("--bytes", action="store_true", help="read every file on the way and check its digest")
    lineage.add_argument("--json", action="store_true", help="as JSON")
    lineage.add_argument("--dot", action="store_true", help="as a picture for Graphviz")
    backfill = add("backfill", "build the features of a range of nights through `airflow backfill create`")
    backfill.add_argument("first", help="first night, YYYY-MM-DD")
    backfill.add_argument("last", help="last night, YYYY-MM-DD")
    backfill.add_argument("--again", action="store_true", help="also nights that were built before (changes no byte)")
    drill = add("drill", "spoil a copy of the stable model and see that its release keeps it from every shopper")
    drill.add_argument(
        "fault", help="bad_ranking, nan, slow, corrupt, wrong_signature, stale_vocabulary, constant_scores, or all"
    )
    drill.add_argument("--form", default="", help="at_once, or delayed until after shadow; default: all that the fault has")
    drill.add_argument("--surface", default="home", help="which shelf (default home)")
    surface_options.add(add)
    add("report", "print the addresses of the Airflow page and of the morning report")
    logs = add("logs", "print the newest log of a task (train_model, build_features.land_events) or of a process (envoy)")
    logs.add_argument("name")
    env = add("env", "write .env, the secrets of docker-compose.yaml, with random values and mode 600; never overwrites")
    env.add_argument("--gpu", action="store_true", help="for a host with an NVIDIA GPU: serve and train on it")
    add("password", "print the password of the Airflow page's user admin")
    airflow = add("airflow", "call the airflow command inside this stack, for example: nightfill airflow dags list")
    airflow.add_argument("words", nargs=argparse.REMAINDER)
    test = add("test", "style, types and all tests; arguments after -- go to pytest")
    test.add_argument("--long", action="store_true", help="the soaks, races and whole-year runs instead")
    test.add_argument("words", nargs="*")
    return top


def main(argv: Sequence[str] | None = None) -> int:
    """Do one command; returns the exit code."""
    words = list(sys.argv[1:] if argv is None else argv)
    args = parser().parse_args(words)
    try:
        return _do(args, words)
    except NightfillError as error:
        print(f"nightfill: {error}", file=sys.stderr)
        return 65 if isinstance(error, Refused) else 75
    except KeyboardInterrupt:
        print("\nnightfill: interrupted; run it again to continue", file=sys.stderr)
        return 130
    except BrokenPipeError:  # whoever read our output has enough, as in `nightfill status | head -1`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _do(args: argparse.Namespace, words: list[str]) -> int:
    if args.command == "check":
        return check(say_all=True)
    if args.command == "env":
        env_file.write(setup.ROOT / ".env", args.gpu)
        print("Wrote .env (mode 600). Next: docker compose build && docker compose up --detach")
        return 0
    if _starts_stack(args) and (code := check(say_all=False)):
        return code
    if args.command == "clean" and not setup.venv_python().exists():
        return wipe.forget(checks.var_folder(setup.ROOT), None)
    if args.command in NEEDS_SETUP:
        setup.ensure()
    elif not setup.venv_python().exists():
        print("Nothing is set up yet. `make run` does it.")
        return 0 if args.command == "stop" else 3
    if Path(sys.prefix) != setup.ROOT / ".venv":
        python = str(setup.venv_python())
        sys.stdout.flush()
        os.execv(python, [python, "-m", "include.cli", *words])
    from include.cli import commands

    return commands.do(args)


def _starts_stack(args: argparse.Namespace) -> bool:
    starts = args.command in ("run", "start", "drill") or (args.command == "shop" and args.verb == "run")
    return starts and not getattr(args, "dry_run", False)


def check(say_all: bool) -> int:
    """Print the checks (only the failed ones unless `say_all`); returns 0 when all hold, 65 when not."""
    may_install = java.may_install(os.environ)
    machine = checks.look(checks.var_folder(setup.ROOT), os.environ, setup.is_ready())
    found = checks.judge(machine, may_install)
    for one in found:
        if say_all or not one.ok:
            print(f"{'ok ' if one.ok else 'NO '} {one.name}: {one.text}", file=sys.stdout if one.ok else sys.stderr)
    return 0 if all(one.ok for one in found) else 65


if __name__ == "__main__":
    sys.exit(main())
