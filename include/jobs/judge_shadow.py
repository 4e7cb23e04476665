"""Which version answered better in a finished shadow replay?"""

import datetime as dt
import logging
import math
import sys
from pathlib import Path
from typing import Any

from pydantic import AliasChoices, Field

from include import recipes
from include.errors import Refused
from include.evaluation.horizon import window
from include.jobs.frame import Job, main
from include.nights import parse
from include.rollout import record as records
from include.rollout.freshness import stale
from include.rollout.quality import average, judge
from include.rollout.record import Record
from include.rollout.spread import is_flat
from include.rollout.verdict import Kind, Verdict
from include.serving.answer_log import Answer, read_answers
from include.settings import Settings

MISSED = 0.1
"""Share of shoppers' answers that the shadow may have missed (dropped from its queue)."""
FAILED = 0.01
"""Share of the shadow's questions that may fail before that alone sends the candidate back."""
FLAT = 0.1
"""Share of the shadow's answers that may hold one score for all products, when stable has less than half as many of them."""

log = logging.getLogger("nightfill")


class JudgeShadow(Job):
    """Compare the shadow's answers with stable's, household by household, by what was bought in the night's week.

    The result's `verdict` ({"kind", "reason", "figures"}) is ADVANCE, HOLD or ROLL_BACK.

    Args:
        night, run_id: the night and the run of the shadow replay.
        last: by the end of which night the purchases are known; empty means seven days after the night.
        release: when given, margin and model names come from its record; answers of any other model hold the release.
        margin: relative NDCG@10 that may be lost, without a release.
    """

    work: Path = Path()
    surface: str
    night: str
    run_id: str = Field(validation_alias=AliasChoices("run_id", "run"))
    last: str = ""
    release: str = ""
    margin: float = Field(default=0.02, gt=0, lt=1)

    def run(self) -> dict[str, Any]:
        recipes.require(self.surface)
        night, record = parse(self.night), self._record()
        answers = list(read_answers(Settings.load().answers, self.surface, [night], self.run_id))
        if not answers:
            raise Refused(f"There are no answers of run {self.run_id} for night {night}", "Run the shadow replay first")
        margin = record.margin if record else self.margin
        verdict = self._guard(answers, record) or self._compare(night, answers, margin)
        log.info("%s: %s", verdict.kind, verdict.reason)
        shoppers = [answer for answer in answers if answer.arm != "shadow"]
        return {
            "verdict": verdict.model_dump(mode="json"),
            "requests": len(shoppers),
            "failed_requests": sum(answer.code != "OK" for answer in shoppers),
            "shadow_requests": len(answers) - len(shoppers),
        }

    def _record(self) -> Record | None:
        found = records.find(self.open_store(), self.surface, self.release) if self.release else None
        if self.release and not found:
            raise Refused(f"There is no release {self.release} of {self.surface}", "Open the release first")
        return found

    def _guard(self, answers: list[Answer], record: Record | None) -> Verdict | None:
        """What forbids a comparison, or decides without one."""
        shoppers = [answer for answer in answers if answer.arm == "stable" and answer.code == "OK"]
        shadow = [answer for answer in answers if answer.arm == "shadow"]
        failed = sum(answer.code != "OK" for answer in shadow)
        if len(shadow) < (1 - MISSED) * len(shoppers) or not shoppers:
            return _say(
                Kind.HOLD, f"The shadow was asked {len(shadow)} of {len(shoppers)} questions, too few to compare fairly"
            )
        if failed > FAILED * len(shadow):
            return _say(Kind.ROLL_BACK, f"{failed} of {len(shadow)} of the candidate's answers failed")
        bad = sum(not all(map(math.isfinite, answer.scores)) for answer in shadow)
        if bad:
            return _say(Kind.ROLL_BACK, f"{bad} of {len(shadow)} of the candidate's answers have scores that are not finite")
        flat, usual = (sum(is_flat(answer.scores) for answer in arm) / len(arm) for arm in (shadow, shoppers))
        if flat > max(FLAT, 2 * usual):
            return _say(Kind.ROLL_BACK, f"{flat:.0%} of the candidate's answers have constant scores, {usual:.0%} of stable's")
        if not record or not record.stable:
            return None
        return self._signed("stable", record.stable.name, shoppers) or self._signed("shadow", record.candidate, shadow)

    @staticmethod
    def _signed(arm: str, name: str, answers: list[Answer]) -> Verdict | None:
        others = {answer.model for answer in answers if answer.code == "OK"} - {name}
        if not others:
            return None
        return _say(Kind.HOLD, f"The {arm} arm answered with model {sorted(others)[0] or '?'} instead of {name}")

    def _compare(self, night: dt.date, answers: list[Answer], margin: float) -> Verdict:
        from include.evaluation.searchers import types_of
        from include.features.asof import History
        from include.features.counters import EPOCH
        from include.sources.opening import open_source
        from include.sources.replay import ReplayClock

        first, last = window(night)
        now = parse(self.last) if self.last else last
        bought = ReplayClock(open_source(self.source)).outcomes(first, last, now=now)
        history = History.load(self.open_store(), night)
        view = history.view(night)
        place = {name: i for i, name in enumerate(view.product_ids)}
        stable, shadow = _shown(answers, "stable"), _shown(answers, "shadow")
        first_day = history.rows.as_of(night).first_day
        if reason := stale(stable, shadow, place, lambda i: EPOCH + dt.timedelta(days=int(first_day[i]))):
            return _say(Kind.ROLL_BACK, reason)
        universe = {name for name, inside in zip(view.product_ids, view.universe.tolist(), strict=True) if inside}
        right = {household: products & universe for household, products in bought.items()}
        if recipes.asks_query(self.surface):
            right = _of_type(answers, right, types_of(view.content, view.product_ids).plain)
        return judge(_ndcg(answers, "stable", right), _ndcg(answers, "shadow", right), margin)


def _question(answer: Answer) -> str:
    """What an answer is paired by: the household, and what it asked for where it typed something."""
    return f"{answer.household}\0{answer.query}" if answer.query else answer.household


def _of_type(answers: list[Answer], right: dict[str, set[str]], plain: dict[str, str]) -> dict[str, set[str]]:
    """What is right for each question: the products of the meant type that its household bought."""
    found = {}
    for answer in answers:
        bought = right.get(answer.household, set())
        found[_question(answer)] = {product for product in bought if answer.meant and plain.get(product) == answer.meant}
    return found


def _shown(answers: list[Answer], arm: str) -> dict[str, list[str]]:
    """Products by question of one arm's good answers."""
    return {_question(answer): answer.products for answer in answers if answer.arm == arm and answer.code == "OK"}


def _ndcg(answers: list[Answer], arm: str, right: dict[str, set[str]]) -> dict[str, float]:
    """NDCG@10 by household of one arm's answers; a failed answer of the shadow counts 0.

    The questions of a household are averaged.
    """
    import numpy as np

    from include.evaluation import metrics

    rows = {_question(answer): answer for answer in answers if answer.arm == arm and right.get(_question(answer))}
    kept = [answer for answer in rows.values() if answer.code == "OK" or arm == "shadow"]
    hit = np.array([[p in right[_question(a)] for p in (a.products + [""] * 10)[:10]] for a in kept], bool).reshape(-1, 10)
    values = metrics.by_query(hit, np.array([len(right[_question(answer)]) for answer in kept], int))["ndcg@10"]
    return average((answer.household, float(value)) for answer, value in zip(kept, values, strict=True))


def _say(kind: Kind, reason: str) -> Verdict:
    return Verdict(kind=kind, reason=reason)


if __name__ == "__main__":
    sys.exit(main(JudgeShadow))
