"""Which of two versions answers better: a paired comparison by household.

Both versions answered the same households. With s_i and c_i the NDCG@10 of stable and candidate for household i, the
relative change is R = mean(c) / mean(s) - 1. Its standard error is that of a ratio estimator by linearisation (Cochran,
Sampling Techniques, 3rd ed., section 6.4): sd(c_i - (1 + R) s_i) / (mean(s) sqrt(n)), n households. The interval is
R +- t(n - 1) times that. With margin m:

    lower > 0    better          ADVANCE
    lower > -m   non-inferior    ADVANCE
    upper < 0    worse           ROLL_BACK
    else         cannot tell     HOLD

The unit is the household: its answers are averaged first, since two answers to one household are not two witnesses.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import sqrt
from statistics import NormalDist, fmean

from include.rollout.verdict import Kind, Verdict
from include.words import counted

MIN_HOUSEHOLDS = 30
CONFIDENCE = 0.95


@dataclass(frozen=True)
class Change:
    """Relative change of a mean with its interval, over `households` pairs. `relative` is False when stable's mean is 0."""

    households: int
    stable: float
    candidate: float
    change: float
    lower: float
    upper: float
    relative: bool = True


def average(rows: Iterable[tuple[str, float]]) -> dict[str, float]:
    """Mean value by household, from (household, value) rows."""
    values: dict[str, list[float]] = {}
    for household, value in rows:
        values.setdefault(household, []).append(value)
    return {household: fmean(all_of) for household, all_of in values.items()}


def compare(stable: Mapping[str, float], candidate: Mapping[str, float], confidence: float = CONFIDENCE) -> Change:
    """The relative change from stable to candidate over the households that both have.

    With a mean of 0 for stable there is no relative change; then the absolute one is returned.

    Raises:
        ValueError: fewer than two households in common.
    """
    pairs = [(stable[household], candidate[household]) for household in sorted(stable.keys() & candidate.keys())]
    n = len(pairs)
    if n < 2:
        raise ValueError(f"{n} households in common, at least 2 are needed")
    mean_s, mean_c = fmean(s for s, _ in pairs), fmean(c for _, c in pairs)
    scale, slope = (mean_s, mean_c / mean_s) if mean_s > 0 else (1.0, 1.0)
    change = (mean_c - mean_s) / scale
    residuals = [c - slope * s for s, c in pairs]
    centre = fmean(residuals)
    error = sqrt(sum((r - centre) ** 2 for r in residuals) / (n - 1) / n) / scale
    half = t_quantile(0.5 + confidence / 2, n - 1) * error
    return Change(n, mean_s, mean_c, change, change - half, change + half, mean_s > 0)


def judge(stable: Mapping[str, float], candidate: Mapping[str, float], margin: float, metric: str = "NDCG@10") -> Verdict:
    """The verdict over two maps from household to metric."""
    common = len(stable.keys() & candidate.keys())
    if common < MIN_HOUSEHOLDS:
        return Verdict(
            kind=Kind.HOLD,
            reason=f"Both versions answered only {counted(common, 'household')}, at least {MIN_HOUSEHOLDS} are needed",
            figures={"households": common},
        )
    change = compare(stable, candidate)
    figures = {name: getattr(change, name) for name in ("households", "stable", "candidate", "change", "lower", "upper")}
    if not change.relative:
        return _without_baseline(change, metric, figures)
    return Verdict(kind=_kind(change, margin), reason=_sentence(change, margin, metric), figures=figures | {"margin": margin})


def t_quantile(p: float, freedom: int) -> float:
    """Quantile of Student's t by the Cornish-Fisher expansion (Abramowitz and Stegun 26.7.5), within 0.01 from 10 degrees."""
    z = NormalDist().inv_cdf(p)
    terms = (z, (z**3 + z) / 4, (5 * z**5 + 16 * z**3 + 3 * z) / 96, (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384)
    return sum(term / freedom**i for i, term in enumerate(terms))


def _kind(change: Change, margin: float) -> Kind:
    if change.lower > -margin:
        return Kind.ADVANCE
    return Kind.ROLL_BACK if change.upper < 0 else Kind.HOLD


def _sentence(change: Change, margin: float, metric: str) -> str:
    if change.lower > 0:
        word = "The candidate is better"
    elif change.lower > -margin:
        word = f"The candidate is not worse than stable by more than the margin of {margin:.1%}"
    elif change.upper < 0:
        word = "The candidate is worse"
    else:
        word = f"The evidence cannot tell whether the candidate is worse by more than the margin of {margin:.1%}"
    return (
        f"{word}: {metric} {change.candidate:.4f} against {change.stable:.4f}, {change.change:+.1%} "
        f"(95 % interval {change.lower:+.1%} to {change.upper:+.1%}) over {change.households} households"
    )


def _without_baseline(change: Change, metric: str, figures: dict) -> Verdict:
    text = f"{metric} of stable is 0 for all {change.households} households, of the candidate {change.candidate:.4f}"
    if change.lower > 0:
        return Verdict(kind=Kind.ADVANCE, reason=f"The candidate is better: {text}", figures=figures)
    return Verdict(kind=Kind.HOLD, reason=f"The evidence cannot tell: {text}", figures=figures)
