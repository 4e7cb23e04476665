"""`nightfill tidy`: list what nothing needs any more, with its bytes; delete it when that is wanted."""

import argparse
from collections import Counter

from include import recipes
from include.cli.by_hand import agreed
from include.cli.lock import only_one
from include.cli.terminal import table
from include.errors import Refused
from include.rollout import retention
from include.rollout.retention import Machine, Plan
from include.settings import Settings
from include.store.objects import open_store
from include.words import counted


def run(settings: Settings, args: argparse.Namespace) -> int:
    """Not beside a running `nightfill run`: the same lock keeps them apart."""
    settings = _chosen(settings, args)
    store, machine = open_store(settings.store_uri), machine_of(settings)
    with only_one(settings.run / "nightfill.lock"):
        going = retention.plan(store, machine, recipes.surfaces(), nights=settings.keep_nights, days=settings.keep_days)
        print(listing(going))
        if going.empty or not agreed(args, f"All of it is deleted: {size(going.bytes)}."):
            return 0
        retention.apply(store, machine, going)
        print(f"Deleted {size(going.bytes)}.")
    return 0


def machine_of(settings: Settings) -> Machine:
    """The folders of this machine that are tidied."""
    return Machine(answers=settings.answers, work=settings.var / "work", jobs=settings.run / "jobs")


def listing(going: Plan) -> str:
    """What goes, a line for each dataset, surface and night of answers."""
    said = [f"Partitions and models stay this time: {going.busy}."] if going.busy else []
    if going.young:
        hours = retention.GRACE / 3600
        said.append(f"{size(going.young)} that nothing names are younger than {hours:.0f} hours and stay: a run may name them.")
    if going.empty:
        return "\n".join(["There is nothing to delete: everything is young, or in use.", *said])
    return "\n".join([table(["what", "of", "count", "", "bytes"], _rows(going)), *said])


def _rows(going: Plan) -> list[list[object]]:
    rows: list[list[object]] = []
    for name in sorted({part.dataset for part in going.parts}):
        nights = [part.night for part in going.parts if part.dataset == name]
        rows.append(["partitions", name, len(nights), f"{nights[0]} to {nights[-1]}", ""])
    for surface in sorted({one.surface for one in going.versions}):
        mine = [str(one.version) for one in going.versions if one.surface == surface]
        rows.append(["models", surface, len(mine), f"versions {', '.join(mine[:8])}{' ...' if len(mine) > 8 else ''}", ""])
    count, total = Counter[str](), Counter[str]()
    for one in going.objects.values():
        count[one.of] += 1
        total[one.of] += one.bytes
    rows += [["objects", of or "no manifest", count[of], "", size(total[of])] for of in sorted(count)]
    for what, found in (("answers", going.answers), ("run folders", going.runs)):
        if found:
            rows.append([what, "this machine", len(found), "", size(sum(found.values()))])
    if going.unfinished:
        rows.append(["uploads", "never ended", len(going.unfinished), "", size(sum(going.unfinished))])
    return rows


def size(count: int) -> str:
    """Bytes for a person."""
    for step, unit in ((1 << 30, "GB"), (1 << 20, "MB"), (1 << 10, "kB")):
        if count >= step:
            return f"{count / step:.1f} {unit}"
    return counted(count, "byte")


def _chosen(settings: Settings, args: argparse.Namespace) -> Settings:
    asked = {"keep_nights": args.keep_nights, "keep_days": args.keep_days}
    try:
        return Settings.model_validate(
            settings.model_dump() | {name: value for name, value in asked.items() if value is not None}
        )
    except ValueError as error:
        raise Refused(
            "At least 35 nights and 14 days are kept: the nightly measures read them", "Give larger numbers"
        ) from error
