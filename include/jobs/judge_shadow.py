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
from include.rollout.quality import judge
from include.rollout.record import Record
from include.rollout.verdict import Kind, Verdict
from include.serving.answer_log import Answer, read_answers
from include.settings import Settings

MISSED = 0.1
"""Share of shoppers' answers that the shadow may have missed (dropped from its queue)."""
FAILED = 0.01
"""Share of the shadow's questions that may fail before that alone sends the candidate back."""

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
        if self.surface not in recipes.surfaces():
            raise Refused(f"There is no surface '{self.surface}'", f"Choose one of {', '.join(recipes.surfaces())}")
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
        from include.features.asof import History
        from include.sources.opening import open_source
        from include.sources.replay import ReplayClock

        first, last = window(night)
        now = parse(self.last) if self.last else last
        bought = ReplayClock(open_source(self.source)).outcomes(first, last, now=now)
        view = History.load(self.open_store(), night).view(night)
        universe = {name for name, inside in zip(view.product_ids, view.universe.tolist(), strict=True) if inside}
        right = {household: products & universe for household, products in bought.items()}
        return judge(_ndcg(answers, "stable", right), _ndcg(answers, "shadow", right), margin)


def _ndcg(answers: list[Answer], arm: str, right: dict[str, set[str]]) -> dict[str, float]:
    """NDCG@10 by household of one arm's answers; a failed answer of the shadow counts 0."""
    import numpy as np

    from include.evaluation import metrics

    rows = {answer.household: answer for answer in answers if answer.arm == arm and right.get(answer.household)}
    kept = [answer for answer in rows.values() if answer.code == "OK" or arm == "shadow"]
    hit = np.array([[p in right[a.household] for p in (a.products + [""] * 10)[:10]] for a in kept], bool).reshape(-1, 10)
    values = metrics.by_query(hit, np.array([len(right[answer.household]) for answer in kept], int))["ndcg@10"]
    return {answer.household: float(value) for answer, value in zip(kept, values, strict=True)}


def _say(kind: Kind, reason: str) -> Verdict:
    return Verdict(kind=kind, reason=reason)


if __name__ == "__main__":
    sys.exit(main(JudgeShadow))
