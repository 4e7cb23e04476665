"""The jobs of a training run hand over by files, tell the truth in the card, and never make a second version."""

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from include.errors import Refused
from include.evaluation.gate_weeks import measure_model
from include.jobs.compress_model import CompressModel
from include.jobs.judge_candidate import JudgeCandidate
from include.jobs.register_candidate import RegisterCandidate
from include.jobs.train_model import TrainModel
from include.models import calibration
from include.models.build import serve
from include.models.export import EXTRA, write_bundle
from include.models.model import Model, digest_arrays
from include.recipes.recipe import Gates, Recipe
from include.rollout import registry
from include.store.objects import open_store
from include.training.job import TrainingJob
from include.training.workspace import write_products
from tests import toy_models
from tests.toy_shop import NIGHT, ToyHistory

SMALL = toy_models.QUICK.model_copy(update={"gates": Gates(beats=("popularity",))})
JOBS = {"train": TrainModel, "compress": CompressModel, "judge": JudgeCandidate, "register": RegisterCandidate}
Results = dict[str, dict[str, Any]]


def fields_at(root: Path) -> dict[str, Any]:
    return {"store": str(root / "store"), "surface": "home", "recipe": "quick", "night": NIGHT, "work": root / "work"}


@pytest.fixture(scope="module", autouse=True)
def toy_recipe() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TrainingJob, "get_recipe", lambda self: SMALL)
        yield


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Results]:
    """One whole run over the assembled toy shop, and what its jobs said. Tests do not change it."""
    root = tmp_path_factory.mktemp("done")
    shutil.copytree(toy_models.workspace()[0].root, root / "work")
    return root, {name: job(**fields_at(root)).run() for name, job in JOBS.items()}


@pytest.fixture
def run(done: tuple[Path, Results], tmp_path: Path) -> dict[str, Any]:
    """Fields of every job, over a copy of that run."""
    shutil.copytree(done[0], tmp_path, dirs_exist_ok=True)
    return fields_at(tmp_path)


def test_vocabulary_scalers_and_weights_come_from_the_training_nights_alone(run: dict[str, Any]) -> None:
    job = TrainModel(**run)
    before = _uncalibrated(job)
    for night in job.windows().gate:
        for kind in ("examples", "products"):
            (run["work"] / kind / f"{night}.parquet").unlink()
    _without_gate_weeks(job)
    job.run()
    assert _uncalibrated(job) == before


def _uncalibrated(job: TrainModel) -> str:
    """Digest of the weights but for the two numbers that are found on the gate weeks."""
    arrays = Model.load(job.bundle_path("fp32") / EXTRA).arrays
    return digest_arrays({name: value for name, value in arrays.items() if name != calibration.NAME})


def _without_gate_weeks(job: TrainModel) -> None:
    about = job.space.read_json("assembled.json", "assemble_examples")
    about["windows"]["gate"] = []
    job.space.write_json("assembled.json", about)


def test_a_training_says_what_its_scores_mean(done: tuple[Path, Results]) -> None:
    told = done[1]["train"]["calibration"]
    for way in ("all", "new"):
        assert told[way]["slope"] > 0
        assert sum(part["answers"] for part in told[way]["bins"]) == told[way]["answers"] > 0


def test_a_run_ends_in_a_registered_candidate_whose_card_is_true(done: tuple[Path, Results]) -> None:
    root, results = done
    run = fields_at(root)
    bundle = registry.find(open_store(run["store"]), "home", results["register"]["version"])
    assert bundle.version == 0
    assert bundle.name == results["register"]["name"] == results["compress"]["name"] == results["judge"]["name"]
    assert bundle.night == str(NIGHT)
    assert bundle.card["gates"] == results["judge"]
    assert bundle.card["compression"] == results["compress"]
    assert bundle.card["training"] == results["train"]
    assert results["judge"]["verdict"] == "ADVANCE"
    assert results["judge"]["metrics"]["ndcg@10"] > results["judge"]["baselines"]["popularity"]["ndcg@10"]
    folder = run["work"] / results["compress"]["chosen"]
    assert results["compress"]["bytes"] == sum(p.stat().st_size for p in (run["work"] / "int8").rglob("*") if p.is_file())
    about = json.loads((folder / "assets.extra" / "nightfill.json").read_text())
    assert (about["name"], about["precision"]) == (bundle.name, results["compress"]["chosen"])


def test_the_same_run_again_makes_no_second_version(done: tuple[Path, Results], run: dict[str, Any]) -> None:
    first, second = done[1], {name: job(**run).run() for name, job in JOBS.items()}
    assert second["register"] == first["register"]
    assert second["compress"]["reused"] and not first["compress"]["reused"]
    assert second["train"]["name"] == first["train"]["name"]
    assert len(registry.versions(open_store(run["store"]), "home")) == 1


def with_champion(run: dict[str, Any], model: Model) -> dict[str, Any]:
    """Fields of a run in whose store a model answers."""
    run = run | {"store": run["store"] + "-with-champion"}
    store, folder = open_store(run["store"]), run["work"] / "champion"
    served = serve(model, toy_models.workspace()[0].products(NIGHT))
    write_bundle(model, served, str(NIGHT), toy_models.workspace()[0].questions(), folder)
    version = registry.register(store, "home", folder, served.model_name, {"night": str(NIGHT)}, {})
    registry.promote(store, "home", version, NIGHT, "first")
    return run


def test_a_champion_of_another_recipe_is_asked_on_the_product_side_that_it_reads(
    run: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    job = JudgeCandidate(**with_champion(run, toy_models.two_stage()))
    right = measure_model(toy_models.two_stage(), job.gate_weeks()).means()
    for night in job.windows().gate:
        write_products(replace(job.space.products(night), factors=None), job.space.root / "products" / f"{night}.parquet")
    asked: list[Any] = []
    monkeypatch.setattr("include.jobs.judge_candidate.read_history", lambda *known: asked.append(known) or ToyHistory())
    judged = job.run()
    assert judged["champion"]["ndcg@10"] == pytest.approx(right["ndcg@10"])
    assert asked[0][1:3] == (NIGHT, toy_models.COLUMNS)


def test_the_champion_is_asked_on_the_tables_of_each_gate_night(run: dict[str, Any]) -> None:
    judged = JudgeCandidate(**with_champion(run, toy_models.popularity())).run()
    assert judged["champion_version"] == 0
    assert judged["champion"]["ndcg@10"] == pytest.approx(judged["baselines"]["popularity"]["ndcg@10"], abs=0.02)
    assert judged["champion_change"]["low"] > 0


def test_without_gate_weeks_nothing_is_registered(run: dict[str, Any]) -> None:
    _without_gate_weeks(TrainModel(**run))
    judged = JudgeCandidate(**run).run()
    assert judged["verdict"] == "REFUSE"
    assert "no data is never a pass" in judged["reason"]
    with pytest.raises(Refused, match="no data is never a pass"):
        RegisterCandidate(**run).run()


def test_the_gates_must_have_judged_this_very_bundle(run: dict[str, Any]) -> None:
    gate = json.loads((run["work"] / "gate.json").read_text())
    (run["work"] / "gate.json").write_text(json.dumps(gate | {"name": "0" * 16}))
    with pytest.raises(Refused, match="the gates judged 0000"):
        RegisterCandidate(**run).run()


def test_a_recipe_that_nobody_can_build_is_refused() -> None:
    odd = toy_models.popularity()
    recipe = Recipe(surface="home", name="odd", model="oracle")
    with pytest.raises(Refused, match="names a model 'oracle'"):
        serve(type(odd)(recipe, odd.vocabulary, {}, odd.widths, "toy"), toy_models.workspace()[0].products(NIGHT))
