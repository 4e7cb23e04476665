"""What int8 must keep to be chosen, and the choice, made once for the same inputs."""

from pydantic import BaseModel, ConfigDict

from include.canonical import dumps
from include.recipes.recipe import Gates
from include.store.document import unpack
from include.store.objects import ABSENT, Conflict, Missing, Store


class Measures(BaseModel):
    """Sizes of the two bundle directories, relative change of NDCG@10, int8 latency over fp32 with its interval."""

    model_config = ConfigDict(frozen=True)

    fp32_bytes: int
    int8_bytes: int
    ndcg_change: float | None
    latency_ratio: float
    latency_low: float
    latency_high: float
    queries: int


class Choice(BaseModel):
    """`chosen` is int8 or fp32; `reason` is for a person."""

    model_config = ConfigDict(frozen=True)

    chosen: str
    reason: str
    measures: Measures


def choose(measures: Measures, gates: Gates) -> Choice:
    """int8 when it is smaller, ranks as well and answers as fast; fp32 when anything is missing or worse."""
    reasons = []
    if measures.ndcg_change is None or measures.queries == 0:
        reasons.append("there was no household to measure its ranking on")
    elif measures.ndcg_change < -gates.compression_ndcg_loss:
        reasons.append(f"NDCG@10 changes by {measures.ndcg_change:+.3%}, allowed is -{gates.compression_ndcg_loss:.1%}")
    if measures.int8_bytes >= measures.fp32_bytes:
        reasons.append(f"it is not smaller ({measures.int8_bytes} bytes against {measures.fp32_bytes})")
    if not measures.latency_high <= gates.compression_latency_ratio:
        reasons.append(
            f"its latency is up to {measures.latency_high:.3f} times that of fp32, allowed is {gates.compression_latency_ratio}"
        )
    if reasons:
        return Choice(chosen="fp32", reason="int8 was not taken: " + "; ".join(reasons), measures=measures)
    size, change = measures.int8_bytes / measures.fp32_bytes, measures.ndcg_change or 0.0
    reason = f"int8 has {size:.0%} of the bytes, NDCG@10 {change:+.3%}, latency {measures.latency_ratio:.3f} of fp32"
    return Choice(chosen="int8", reason=reason, measures=measures)


def recorded(store: Store, surface: str, inputs: str) -> Choice | None:
    """The choice that was made for these inputs, or None."""
    try:
        return Choice.model_validate(unpack(store.read(_key(surface, inputs)), _key(surface, inputs)))
    except Missing:
        return None


def record(store: Store, surface: str, inputs: str, choice: Choice) -> Choice:
    """Keep a choice unless another run was first; returns the one that counts."""
    try:
        store.write(_key(surface, inputs), dumps(choice.model_dump()), expect=ABSENT)
    except Conflict:
        return recorded(store, surface, inputs) or choice
    return choice


def _key(surface: str, inputs: str) -> str:
    return f"models/{surface}/choices/{inputs}.json"
