"""May a trained model be registered as a candidate? A pure decision over what was measured on the last matured weeks.

It must beat every rival that its recipe names (the paired difference's interval lies above zero) and may not have lost
more than the recipe's margin to the champion. Without evidence the answer is REFUSE.
"""

from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict

from include.recipes.recipe import Gates
from include.rollout.verdict import Kind, Verdict

MIN_HOUSEHOLDS = 30


class Difference(BaseModel):
    """A paired difference of NDCG@10 with its interval, over so many households."""

    model_config = ConfigDict(frozen=True)

    value: float
    low: float
    high: float
    households: int


class Evidence(BaseModel):
    """What the gate weeks showed.

    `wrong` counts answers that are empty, not finite, not in order or with a product twice; `rivals` are absolute
    differences candidate - baseline; `champion` is the relative change against the model that answers now, None when
    there is none.
    """

    model_config = ConfigDict(frozen=True)

    queries: int
    wrong: int = 0
    rivals: Mapping[str, Difference] = {}
    champion: Difference | None = None


def judge(evidence: Evidence, gates: Gates) -> Verdict:
    """ADVANCE or REFUSE, with a reason for a person."""
    for refuse in (_no_data, _wrong_answers, _beaten_by_rival, _lost_to_champion):
        if reason := refuse(evidence, gates):
            return Verdict(kind=Kind.REFUSE, reason=reason)
    beaten = ", ".join(f"{name} by {evidence.rivals[name].value:+.4f}" for name in gates.beats)
    champion = "there is no champion yet"
    if evidence.champion:
        champion = f"against the champion {evidence.champion.value:+.2%} (at worst {evidence.champion.low:+.2%})"
    return Verdict(kind=Kind.ADVANCE, reason=f"NDCG@10 beats {beaten}; {champion}; {evidence.queries} household-weeks")


def _no_data(evidence: Evidence, gates: Gates) -> str:
    missing = [name for name in gates.beats if name not in evidence.rivals]
    if missing:
        return f"No comparison with {', '.join(missing)}: no data is never a pass"
    fewest = min(
        [d.households for d in evidence.rivals.values()] + ([evidence.champion.households] if evidence.champion else [])
    )
    if evidence.queries == 0 or fewest < MIN_HOUSEHOLDS:
        return f"Only {fewest} households to judge by, at least {MIN_HOUSEHOLDS} are needed: no data is never a pass"
    return ""


def _wrong_answers(evidence: Evidence, gates: Gates) -> str:
    return f"{evidence.wrong} of {evidence.queries} answers are empty, not finite or out of order" if evidence.wrong else ""


def _beaten_by_rival(evidence: Evidence, gates: Gates) -> str:
    for name in gates.beats:
        rival = evidence.rivals[name]
        if not rival.low > 0:
            return f"NDCG@10 does not beat {name}: difference {rival.value:+.4f} [{rival.low:+.4f}, {rival.high:+.4f}]"
    return ""


def _lost_to_champion(evidence: Evidence, gates: Gates) -> str:
    champion = evidence.champion
    if champion is None or champion.low > -gates.champion_margin:
        return ""
    return (
        f"NDCG@10 may have lost more than {gates.champion_margin:.0%} to the champion: "
        f"{champion.value:+.2%} [{champion.low:+.2%}, {champion.high:+.2%}]"
    )
