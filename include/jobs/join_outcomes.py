"""Join what was shown with what was bought, for all answers that can be judged by the end of a night."""

import datetime as dt
import logging
import sys
import time
from pathlib import Path
from typing import Any

from include import recipes
from include.canonical import digest, dumps
from include.errors import Refused
from include.jobs.frame import Job, main, progress
from include.nights import parse
from include.settings import Settings

TRANSFORM = "judged-1"

log = logging.getLogger("nightfill")


class JoinOutcomes(Job):
    """Judge the answers that have matured by the end of `night` and were not judged on an earlier night.

    Writes partition `judged_<surface>` of the night (also when nothing has matured: it is empty then) and
    <work>/joined.json with the counts. Answers are not lost by a damaged line: it is counted, and the rest is judged.
    """

    work: Path
    surface: str
    night: str

    def run(self) -> dict[str, Any]:
        from include.evaluation import judged
        from include.evaluation.answers import shown
        from include.sources.opening import open_source
        from include.sources.replay import ReplayClock

        recipes.require(self.surface)
        now, store = parse(self.night), self.open_store()
        clock = ReplayClock(open_source(self.source))
        self._within(clock.source.days(), now)
        before = judged.read_judged(store, self.surface, now, before=True)
        found = shown(Settings.load().answers, self.surface, now, judged.keys(before))
        rows, sizes, without = self._judge(found.by_night, clock, now)
        counts = {"read": 0, "damaged": 0, "failed": 0, "doubled": 0, "waiting": 0} | dict(found.counts)
        counts |= {"without_purchase": without, "judged": sum(row["arm"] != "reference" for row in rows), "rows": len(rows)}
        self._publish(rows, sizes)
        result = {"night": self.night, "surface": self.surface, "counts": counts, "nights": sorted(sizes)}
        result["waiting"] = {night.isoformat(): lines for night, lines in sorted(found.waiting.items())}
        self.work.mkdir(parents=True, exist_ok=True)
        (self.work / "joined.json").write_bytes(dumps(result))
        log.info("%s", ", ".join(f"{name} {count}" for name, count in counts.items()))
        return result

    def _judge(self, by_night: dict[dt.date, list], clock: Any, now: dt.date) -> tuple[list[dict], dict[str, int], int]:
        import numpy as np

        from include.evaluation import query_joins
        from include.evaluation.horizon import window
        from include.evaluation.joins import rival_answers, rows_of
        from include.evaluation.searchers import types_of
        from include.features.asof import History
        from include.training.assemble import weekly_purchases

        rows: list[dict] = []
        sizes: dict[str, int] = {}
        without, began = 0, time.time()
        history: Any = History.load(self.open_store(), max(by_night)) if by_night else None
        for done, (night, answers) in enumerate(sorted(by_night.items()), 1):
            view = history.view(night)
            purchases, names = weekly_purchases(history, night, history.first, len(view.product_ids))
            bought = clock.outcomes(*window(night), now=now)
            universe = {name for name, inside in zip(view.product_ids, view.universe.tolist(), strict=True) if inside}
            known = _known(purchases, names)
            households = sorted({answer.household for answer in answers})
            plain = None
            if recipes.asks_query(self.surface):
                plain = types_of(view.content, view.product_ids).plain
                words = np.array(list(plain.values()), object)
                ids = view.product_ids
                rivals = query_joins.rival_answers(night, answers, purchases, names, ids, view.universe, words)
            else:
                rivals = rival_answers(night, households, purchases, names, view.product_ids, view.universe)
            mine, missed = rows_of(night, answers, bought, universe, known, plain)
            theirs, _ = rows_of(night, rivals, bought, universe, known, plain)
            rows += mine + theirs
            sizes[night.isoformat()], without = len(universe), without + missed
            progress(done, len(by_night), "nights judged", began)
        return rows, sizes, without

    def _publish(self, rows: list[dict], sizes: dict[str, int]) -> None:
        from include.evaluation import judged
        from include.evaluation.joins import schema_of, table_of
        from include.features.spec import SPEC
        from include.store.partitions import publish

        schema = schema_of(self.surface)
        table = table_of(rows, schema)
        path = judged.write(table, self.work / "judged.parquet")
        answers = digest([list(key) for key in judged.keys(table)])
        publish(
            self.open_store(),
            judged.dataset(self.surface),
            parse(self.night),
            {"judged.parquet": path},
            rows=len(table),
            columns={field.name: str(field.type) for field in schema},
            inputs={"answers": answers},
            spec=SPEC.digest,
            transform=TRANSFORM,
            meta={"universe": sizes},
        )

    @staticmethod
    def _within(days: tuple[dt.date, dt.date], now: dt.date) -> None:
        if not days[0] <= now <= days[1]:
            raise Refused(
                f"Night {now} is outside the data, which runs from {days[0]} to {days[1]}", "Choose a night within it"
            )


def _known(purchases: Any, names: list[str]) -> dict[str, int]:
    """How many different products each household has bought."""
    import numpy as np

    pairs = np.unique(purchases.household * purchases.shape[1] + purchases.product)
    counts = np.bincount(pairs // max(purchases.shape[1], 1), minlength=len(names))
    return dict(zip(names, counts.tolist(), strict=True))


if __name__ == "__main__":
    sys.exit(main(JoinOutcomes))
