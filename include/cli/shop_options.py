"""The words of `nightfill shop`. Only the standard library: they are parsed before `.venv` is there."""

import argparse
import os

ABOUT = """\
Your own shop: its files, read as a mapping file says, through the whole night with no code.

  nightfill shop init DATA     look at the files and write DATA/nightfill.yaml, a commented mapping with guesses
  nightfill shop check DATA    show what the mapping makes of the files, and every line that it would reject; writes nothing
  nightfill shop run DATA      the recorded nights on the last weeks of the data, up to the morning report

DATA is a folder or s3://bucket/prefix with CSV, JSON lines or Parquet files, for example one a day.
"""
SAMPLE = 200_000


def add(shop: argparse.ArgumentParser) -> None:
    """Add init, check and run to the parser of `nightfill shop`."""
    shop.description, shop.formatter_class = ABOUT, argparse.RawDescriptionHelpFormatter
    verbs = shop.add_subparsers(dest="verb", metavar="VERB", required=True)
    init = _verb(verbs, "init", "write a commented mapping file next to the data, with guesses from its header")
    init.add_argument("--zone", default="", help="the shop's time zone, for example Europe/London (nobody can guess it)")
    init.add_argument("--force", action="store_true", help="write over a mapping file that is there")
    check = _verb(verbs, "check", "show what the mapping makes of a sample of the data; nothing is written")
    check.add_argument(
        "--lines", type=int, default=SAMPLE, help=f"how many lines to read, spread over the files ({SAMPLE:,}; 0 for all)"
    )
    run = _verb(verbs, "run", "check all of the data, start the stack and run the recorded nights on it")
    run_options(run, "last weeks of the data")


def run_options(run: argparse.ArgumentParser, model: str) -> None:
    """What `nightfill run` and `nightfill shop run` are told. `model` says which night the first model has by default."""
    nights = os.environ.get("NIGHTS") or "3"
    run.add_argument("--nights", type=int, default=nights, help="single nights after the history (default 3, or $NIGHTS)")
    run.add_argument(
        "--history-from", default="", metavar="DATE", help="first night of the history (default: first day of the data)"
    )
    run.add_argument("--first-model", default="", metavar="DATE", help=f"night of the first model (default: {model})")
    run.add_argument("--surface", default="home", help="which shelf (default home)")
    run.add_argument("--recipe", default="quick", help="which recipe to train (default quick)")
    run.add_argument("--dry-run", action="store_true", help="show the plan and do nothing")


def _verb(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]", name: str, text: str) -> argparse.ArgumentParser:
    verb = verbs.add_parser(name, help=text, description=text[0].upper() + text[1:] + ".")
    verb.add_argument("data", metavar="DATA", help="folder with the shop's files, or s3://bucket/prefix")
    verb.add_argument("--mapping", default="", metavar="FILE", help="the mapping file (default: DATA/nightfill.yaml)")
    return verb
