"""What each part of `two_stage` brings: trained again without it, and measured on the validation weeks beside the whole.

The whole is trained on WEEKS, fewer than the recipe has: it is trained as often as there are parts.
"""

from collections.abc import Iterator
from typing import Any

from benchmarks.models.ours import ours
from benchmarks.models.parts import WHOLE, Part
from benchmarks.models.protocol import CUT_OFF, VALID, fold, measure

PLAN = frozenset(f"{kind}_share" for kind in ("display", "end_cap", "mailer", "front_page", "mailer_coupon"))
WEEKS = 20
PARTS = (
    WHOLE,
    Part("product factors", factors=True),
    Part("type and category of kin", texts=True),
    Part("promotions of the coming week", PLAN),
    Part("promotions of the week before", frozenset(f"{name}_before" for name in PLAN)),
    Part("habit interval", frozenset(("gap_mean", "gap_spread", "overdue", "due"))),
    Part("head and loss of new products by themselves", fit={"NEW": 0.0}, alone=True),
    Part("pairs weighed by NDCG instead of a softmax", fit={"EVERY": "listwise"}),
    Part("average of the weights", fit={"AVERAGED": 1.0}),
    Part("older half of the training weeks", recipe={"train_weeks": WEEKS // 2}),
)


def ablation() -> Iterator[dict[str, Any]]:
    """By part left out and task: NDCG@10 without it, and what the whole leads by, paired by household."""
    cut, whole = fold(CUT_OFF[VALID]), {}
    for part in PARTS:
        changes = {"train_weeks": WEEKS, **part.recipe}
        found = measure(ours(cut, "two_stage", plan=True, part=part, **changes), cut, VALID)
        whole = whole or found
        for task, one in found.items():
            lead = whole[task].lead(one).rounded()
            print(f"#   without {part.name}, {task}: {one.mean():.4f}, lead {lead}", flush=True)
            yield {"part": part.name, "task": task, "value": round(one.mean(), 4), "lead": lead}
