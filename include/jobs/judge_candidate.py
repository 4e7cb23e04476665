"""The gates: the candidate against champion and baselines on the last matured weeks, each as known on its own night."""

import sys
import time
from dataclasses import replace
from typing import Any

from include.evaluation.gate_measures import answered, measure_model, measure_rivals, more_figures, unknown_share
from include.evaluation.gate_weeks import GateWeek, Measured
from include.evaluation.gates import compare
from include.features.reading import read_history
from include.jobs.frame import log, main
from include.models.export import EXTRA
from include.models.model import FILES, Model
from include.models.tables import ProductTable
from include.rollout import registry
from include.rollout.verdict import Kind
from include.training.assemble import product_table, with_factors
from include.training.job import TrainingJob, chosen_bundle


class JudgeCandidate(TrainingJob):
    """Result: {verdict: ADVANCE | REFUSE, reason, name, metrics, baselines, champion, interval, differences,
    champion_change, slices, soundness, champion_version, queries, households, nights, seconds}; with queries also `variants`.
    """

    def run(self) -> dict[str, Any]:
        started = time.time()
        folder, about = chosen_bundle(self.space)
        weeks = self.gate_weeks()
        recipe, model = self.get_recipe(), Model.load(folder / EXTRA)
        candidate = measure_model(model, weeks)
        log.info("candidate %s: %s", about["name"], candidate.means())
        rivals = measure_rivals(recipe, weeks, *self.space.weeks())
        for name, rival in rivals.items():
            log.info("%s: %s", name, rival.means())
        version, champion = self._champion(weeks)
        megabytes = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6
        verdict, figures = compare(
            candidate, rivals, champion, answered(recipe, weeks), recipe.gates, unknown_share(model, weeks), megabytes
        )
        result = {
            "verdict": verdict.kind.value,
            "reason": verdict.reason,
            "name": about["name"],
            **figures,
            **more_figures(model, weeks, self.space.weeks()),
            "champion_version": version,
            "seconds": round(time.time() - started, 1),
        }
        log.log(20 if verdict.kind is Kind.ADVANCE else 40, "%s: %s", verdict.kind, verdict.reason)
        self.space.write_json("gate.json", result)
        return result

    def _champion(self, weeks: list[GateWeek]) -> tuple[int | None, Measured | None]:
        """The stable version's weights on the gate nights' tables."""
        store = self.open_store()
        pointer = registry.stable(store, self.surface)
        if pointer is None:
            return None, None
        bundle = registry.find(store, self.surface, pointer.version)
        files = {file.path.removeprefix(f"{EXTRA}/"): file.sha256 for file in bundle.manifest.files}
        model = Model.from_files({name: store.fetch(files[name]) for name in FILES if name in files})
        measured = measure_model(model, self._as_read_by(model, weeks))
        log.info("champion, version %d: %s", pointer.version, measured.means())
        return pointer.version, measured

    def _as_read_by(self, champion: Model, weeks: list[GateWeek]) -> list[GateWeek]:
        """The weeks with the product side that the champion reads: recipes of a surface may differ in it, and these were
        assembled for the candidate's."""
        its, assembled = champion.recipe, self.get_recipe()
        same = its.columns.product == assembled.columns.product and its.factors in (0, assembled.factors)
        if same or "product_mean" not in champion.arrays:  # version 0 reads no columns of products
            return weeks
        log.info("champion: recipe %s reads other columns of products than %s", its.name, assembled.name)
        history, (purchases, _) = read_history(self.open_store(), self.night, its.columns, self.source), self.space.weeks()

        def table(week: GateWeek) -> ProductTable:
            return with_factors(product_table(history.view(week.night), purchases, week.week), purchases, week.week, its)

        return [replace(week, products=table(week)) for week in weeks]


if __name__ == "__main__":
    sys.exit(main(JudgeCandidate))
