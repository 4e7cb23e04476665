"""`nightfill shop`: a shop's own files, from a mapping file to the morning report."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from include import recipes
from include.cli import night
from include.cli.chosen_source import choose
from include.cli.plan import calendar
from include.errors import Refused
from include.settings import Settings, SourceSpec

if TYPE_CHECKING:
    from include.sources.shop.look import Look


def do(settings: Settings, args: argparse.Namespace) -> int:
    """Do one verb; returns the exit code."""
    return {"init": _init, "check": _check, "run": _run}[args.verb](settings, args)


def _init(settings: Settings, args: argparse.Namespace) -> int:
    from include.sources.shop.guess import guess
    from include.sources.shop.places import open_place

    path = mapping_path(args)
    if path.exists() and not args.force:
        raise Refused(f"{path} is there already", "Edit it, or write it anew with --force")
    text, said = guess(open_place(args.data), args.zone)
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise Refused(f"{path} cannot be written: {error.strerror}", "Give another place with --mapping") from error
    print("\n".join(said))
    print(f"\nWrote {path}. Read it, correct it, then: nightfill shop check {args.data}")
    return 0


def _check(settings: Settings, args: argparse.Namespace) -> int:
    from include.sources.shop.look import refuse_unusable

    if args.lines < 0:
        raise Refused("--lines is below 0", "Give a number of lines, or 0 for all")
    found = _look(args, args.lines)
    refuse_unusable(found)
    print(f"\nUsable. The whole night: nightfill shop run {args.data}")
    return 0


def _run(settings: Settings, args: argparse.Namespace) -> int:
    from include.sources.shop.look import refuse_unusable

    recipes.get(args.surface, args.recipe)
    found = _look(args, 0)
    refuse_unusable(found)
    ends = found.days()
    assert ends is not None  # refuse_unusable saw a purchase
    source = spec(args).model_copy(update={"first": args.history_from or str(ends[0]), "last": str(ends[1])})
    dates = calendar(
        source,
        first_model=args.first_model,
        nights=args.nights,
        surface=args.surface,
        recipe=args.recipe,
    )
    if dates.history_from < ends[0]:
        raise Refused(f"The history cannot start on {dates.history_from}: the data starts on {ends[0]}", "Give a later date")
    if args.dry_run:
        print("\n" + night.dry_run(dates))
        return 0
    return night.run(choose(settings, source), dates)


def _look(args: argparse.Namespace, lines: int) -> "Look":
    """Read, and print what was understood."""
    from include.sources.shop.look import describe, look
    from include.sources.shop.mapping_file import read_mapping
    from include.sources.shop.places import open_place

    mapping, place = read_mapping(mapping_path(args)), open_place(args.data)
    found = look(place, mapping, lines)
    print(describe(found, place.where))
    return found


def spec(args: argparse.Namespace) -> SourceSpec:
    """The source that the words name, with absolute paths: jobs run in folders of their own."""
    data = args.data if "://" in args.data else str(Path(args.data).absolute())
    return SourceSpec(name="shop", folder=data, mapping=str(mapping_path(args).absolute()))


def mapping_path(args: argparse.Namespace) -> Path:
    """The mapping file: as given, or beside the data.

    Raises:
        Refused: the data is in a bucket and no file is given; or the folder does not exist.
    """
    if args.mapping:
        return Path(args.mapping)
    if "://" in args.data:
        raise Refused("A mapping file for data in a bucket lies on this machine", "Give it with --mapping FILE")
    if not Path(args.data).is_dir():
        raise Refused(f"There is no folder {args.data}", "Give the folder that holds the shop's files")
    return Path(args.data) / "nightfill.yaml"
