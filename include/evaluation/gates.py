"""Hold a candidate against the baselines and the champion on the last matured weeks, all of them and by slices."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from include.evaluation import intervals
from include.evaluation.gate_weeks import Measured
from include.evaluation.slices import Answered
from include.recipes.recipe import Gates
from include.rollout.candidate_gate import MIN_SLICE, Comparison, Difference, Evidence, judge
from include.rollout.verdict import Verdict

METRIC = "ndcg@10"
SOUNDNESS = ("wrong", "flat", "lead", "unknown", "megabytes", "cpu_ms")


def compare(
    candidate: Measured,
    rivals: Mapping[str, Measured],
    champion: Measured | None,
    answered: Answered,
    gates: Gates,
    unknown: float,
    megabytes: float,
) -> tuple[Verdict, dict[str, Any]]:
    """The verdict, and what it rests on: metrics, baselines, intervals by household.

    Args:
        unknown: share of purchases of products that the model has no row for.
        megabytes: size of the bundle.
    """
    asked, values = answered.household, candidate.values[METRIC]
    against = {name: rival.values[METRIC] for name, rival in rivals.items()}
    stable = champion.values[METRIC] if champion else None
    best = max((float(rival.sum()) for rival in against.values()), default=0.0)
    evidence = Evidence(
        **_comparison(asked, values, against, stable, np.ones(len(asked), bool)).model_dump(),
        wrong=candidate.soundness.wrong,
        flat=candidate.soundness.flat,
        lead=float(values.sum()) / best - 1 if best > 0 else 0.0,
        unknown=unknown,
        megabytes=megabytes,
        cpu_ms=1000 * candidate.cpu / max(len(asked), 1),
        slices={
            name: _comparison(asked, values, against, stable, part)
            for name, part in answered.slices().items()
            if part.sum() >= MIN_SLICE
        },
    )
    figures = {
        "metrics": candidate.means(),
        "baselines": {name: rival.means() for name, rival in rivals.items()},
        "champion": champion.means() if champion else None,
        "interval": intervals.mean(asked, values).rounded() if asked else None,
        "differences": {name: difference.model_dump() for name, difference in evidence.rivals.items()},
        "champion_change": evidence.champion.model_dump() if evidence.champion else None,
        "slices": {name: part.model_dump() for name, part in evidence.slices.items()},
        "soundness": {name: round(getattr(evidence, name), 3) for name in SOUNDNESS},
        "queries": len(asked),
        "households": len(set(asked)),
        "nights": sorted(set(answered.night)),
    }
    return judge(evidence, gates), figures


def _comparison(
    asked: list[str], values: np.ndarray, rivals: Mapping[str, np.ndarray], champion: np.ndarray | None, part: np.ndarray
) -> Comparison:
    """Of the answers of a part, bool [Q]; without any there is nothing to compare."""
    names, own = [name for name, inside in zip(asked, part, strict=True) if inside], values[part]
    if not names:
        return Comparison(queries=0)
    return Comparison(
        queries=len(names),
        rivals={name: _difference(names, own, rival[part]) for name, rival in rivals.items()},
        champion=None if champion is None else _change(names, own, champion[part]),
    )


def _difference(asked: list[str], values: np.ndarray, rival: np.ndarray) -> Difference:
    return Difference.model_validate(intervals.paired_difference(asked, values, rival).rounded())


def _change(asked: list[str], values: np.ndarray, champion: np.ndarray) -> Difference:
    """Relative to the champion; a champion that never hits leaves nothing to lose."""
    if champion.sum() <= 0:
        return Difference(value=0.0, low=0.0, high=0.0, households=len(set(asked)))
    return Difference.model_validate(intervals.relative_change(asked, values, champion).rounded())
