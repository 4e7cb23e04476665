"""Every fault by name: what is done to a good bundle, and what is written."""

import secrets
from pathlib import Path

from include.canonical import digest
from include.drills import answers, slow, tables, weights
from include.drills.spoilt import Change, Spoilt, load, unchanged, write
from include.rollout.drill import AT_ONCE, DELAYED, Drill

SECONDS = {AT_ONCE: 1.5, DELAYED: 0.5}
"""How long a slow model takes: far beyond what the sandbox allows, or what shoppers notice and the gateway's patience bears."""
RENAMED = {"household_features": "household"}


def spoil(drill: Drill, good_dir: Path, folder: Path, after: int = 0) -> str:
    """Write the spoilt bundle of one drill, and return its model name. `corrupt` is damaged later, in the store.

    Args:
        good_dir: a bundle that serves well.
        after: how many requests a delayed fault waits for.

    Raises:
        Refused: this model cannot be spoilt in that way.
    """
    name = digest({"drill": drill.mark, "once": secrets.token_hex(16)})[:16]  # every drill has files of its own
    good = load(good_dir)
    if drill.fault in VARIABLES:
        VARIABLES[drill.fault](good)
    renamed = RENAMED if drill.fault == "wrong_signature" else {}
    write(good_dir, Spoilt(good, name, _change(drill), after if drill.form == DELAYED else 0, renamed), folder)
    return name


VARIABLES = {"bad_ranking": weights.bad_ranking, "stale_vocabulary": tables.stale_vocabulary}


def _change(drill: Drill) -> Change:
    if drill.fault == "slow":
        return slow.slow(SECONDS[drill.form])
    return {"nan": answers.nan, "constant_scores": answers.constant_scores}.get(drill.fault, unchanged)
