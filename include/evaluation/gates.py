"""Hold a candidate against the baselines and the champion on the last matured weeks."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from include.evaluation import intervals
from include.evaluation.gate_weeks import GateWeek, Measured, households
from include.recipes.recipe import Gates
from include.rollout.candidate_gate import Difference, Evidence, judge
from include.rollout.verdict import Verdict

METRIC = "ndcg@10"


def compare(
    candidate: Measured,
    rivals: Mapping[str, Measured],
    champion: Measured | None,
    weeks: list[GateWeek],
    gates: Gates,
    asked: list[str] | None = None,
) -> tuple[Verdict, dict[str, Any]]:
    """The verdict, and what it rests on: metrics, baselines, intervals by household.

    Args:
        asked: the household of each answer, when that is not every household of the weeks once.
    """
    asked = households(weeks) if asked is None else asked
    values = candidate.values[METRIC]
    evidence = Evidence(
        queries=len(asked),
        wrong=candidate.wrong,
        rivals={name: _difference(asked, values, rival.values[METRIC]) for name, rival in rivals.items()} if asked else {},
        champion=_change(asked, values, champion.values[METRIC]) if champion and asked else None,
    )
    figures = {
        "metrics": candidate.means(),
        "baselines": {name: rival.means() for name, rival in rivals.items()},
        "champion": champion.means() if champion else None,
        "interval": intervals.mean(asked, values).rounded() if asked else None,
        "differences": {name: difference.model_dump() for name, difference in evidence.rivals.items()},
        "champion_change": evidence.champion.model_dump() if evidence.champion else None,
        "queries": len(asked),
        "households": len(set(asked)),
        "nights": [str(week.night) for week in weeks],
    }
    return judge(evidence, gates), figures


def _difference(asked: list[str], values: np.ndarray, rival: np.ndarray) -> Difference:
    return Difference.model_validate(intervals.paired_difference(asked, values, rival).rounded())


def _change(asked: list[str], values: np.ndarray, champion: np.ndarray) -> Difference:
    """Relative to the champion; a champion that never hits leaves nothing to lose."""
    if champion.sum() <= 0:
        return Difference(value=0.0, low=0.0, high=0.0, households=len(set(asked)))
    return Difference.model_validate(intervals.relative_change(asked, values, champion).rounded())
