"""May a trained model be registered as a candidate? A pure decision over what was measured on the last matured weeks.

It must beat every rival that its recipe names (the paired difference's interval lies above zero) and may not have lost
more than the recipe's margin to the champion, nor certainly be behind either in a slice that is large enough to be judged.
It must be sound (answers, scores, vocabulary), within its budgets, and not too good to be true. Without evidence the answer
is REFUSE, and a refusal names its gate.
"""

from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict

from include.recipes.recipe import Gates
from include.rollout.verdict import Kind, Verdict
from include.words import counted

MIN_HOUSEHOLDS = 30
MIN_SLICE = 300
"""Answers of a slice that is judged; a smaller one is only shown."""


class Difference(BaseModel):
    """A paired difference of NDCG@10 with its interval, over so many households."""

    model_config = ConfigDict(frozen=True)

    value: float
    low: float
    high: float
    households: int


class Comparison(BaseModel):
    """Of some answers: `rivals` are absolute differences candidate - baseline; `champion` is the relative change against the
    model that answers now, None when there is none.
    """

    model_config = ConfigDict(frozen=True)

    queries: int
    rivals: Mapping[str, Difference] = {}
    champion: Difference | None = None


class Evidence(Comparison):
    """What the gate weeks showed.

    `wrong` counts answers that are empty, not finite, not in order or with a product twice, `flat` those that give every
    product the same score; `lead` is the relative lead over the best simple ranker; `unknown` the share of purchases of
    products without a row in the model; `megabytes` the bundle's size, `cpu_ms` the CPU milliseconds an answer took.
    """

    wrong: int
    flat: int
    lead: float
    unknown: float
    megabytes: float
    cpu_ms: float
    slices: Mapping[str, Comparison] = {}


def judge(evidence: Evidence, gates: Gates) -> Verdict:
    """ADVANCE or REFUSE, with a reason for a person."""
    for name, refuse in _GATES.items():
        if reason := refuse(evidence, gates):
            return Verdict(kind=Kind.REFUSE, reason=f"Gate {name}: {reason}")
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
        return f"Only {counted(fewest, 'household')} to judge by, at least {MIN_HOUSEHOLDS} are needed: no data is never a pass"
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


def _flat(evidence: Evidence, gates: Gates) -> str:
    if not evidence.flat > gates.flat_share * evidence.queries:
        return ""
    return f"{evidence.flat} of {evidence.queries} answers give every product the same score"


def _behind_in_a_slice(evidence: Evidence, gates: Gates) -> str:
    """Certainly behind: the whole interval is below what is allowed."""
    for name, part in evidence.slices.items():
        if part.queries < MIN_SLICE:
            continue
        for rival in gates.beats:
            found = part.rivals[rival]
            if not found.high >= 0:
                return f"behind {rival} for {name}: {found.value:+.4f} [{found.low:+.4f}, {found.high:+.4f}]"
        lost = part.champion
        if lost is not None and not lost.high >= -gates.champion_margin:
            return (
                f"lost more than {gates.champion_margin:.0%} to the champion for {name}: "
                f"{lost.value:+.2%} [{lost.low:+.2%}, {lost.high:+.2%}]"
            )
    return ""


def _too_good(evidence: Evidence, gates: Gates) -> str:
    if evidence.lead <= gates.too_good:
        return ""
    return (
        f"NDCG@10 is {evidence.lead:+.0%} over the best simple ranker, which is too good to be true (limit "
        f"{gates.too_good:+.0%}): look for a feature that knows what comes after its night"
    )


def _unknown(evidence: Evidence, gates: Gates) -> str:
    if evidence.unknown <= gates.unknown_share:
        return ""
    return f"the model has no row for {evidence.unknown:.0%} of what was bought (limit {gates.unknown_share:.0%})"


def _too_large(evidence: Evidence, gates: Gates) -> str:
    if evidence.megabytes <= gates.megabytes:
        return ""
    return f"the bundle has {evidence.megabytes:.1f} MB, more than {gates.megabytes:g}"


def _too_slow(evidence: Evidence, gates: Gates) -> str:
    if evidence.cpu_ms <= gates.cpu_ms:
        return ""
    return f"an answer takes {evidence.cpu_ms:.1f} ms of CPU, more than {gates.cpu_ms:g}"


_GATES = {
    "evidence": _no_data,
    "answers": _wrong_answers,
    "spread of scores": _flat,
    "leak": _too_good,
    "rivals": _beaten_by_rival,
    "champion": _lost_to_champion,
    "slices": _behind_in_a_slice,
    "vocabulary": _unknown,
    "size": _too_large,
    "time": _too_slow,
}
