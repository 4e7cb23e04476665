"""The jobs of a training run on a surface with queries: from assembled files to a registered candidate."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from include.jobs.compress_model import CompressModel
from include.jobs.judge_candidate import JudgeCandidate
from include.jobs.register_candidate import RegisterCandidate
from include.jobs.train_model import TrainModel
from include.models.build import serve
from include.models.export import write_bundle
from include.rollout import registry
from include.store.objects import open_store
from include.training.job import TrainingJob
from include.training.query_examples import sample_queries
from tests import toy_search
from tests.toy_shop import NIGHT

QUICK = toy_search.RECIPE.model_copy(update={"epochs": 2})
JOBS = {"train": TrainModel, "compress": CompressModel, "judge": JudgeCandidate, "register": RegisterCandidate}


@pytest.fixture(autouse=True)
def toy_recipe() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TrainingJob, "get_recipe", lambda self: QUICK)
        yield


def test_a_run_ends_in_a_candidate_that_beat_version_0(tmp_path: Path) -> None:
    work, _ = toy_search.workspace()
    shutil.copytree(work.root, tmp_path / "work")
    store = open_store(str(tmp_path / "store"))
    model, table = toy_search.text_match(), work.products(NIGHT)
    asked = work.questions()
    asked["query"] = sample_queries(table, len(asked["exclude_bought"]))
    served = serve(model, table)
    write_bundle(model, served, str(NIGHT), asked, tmp_path / "first")
    registry.register(store, "search", tmp_path / "first", served.model_name, {"night": str(NIGHT)}, {})
    registry.promote(store, "search", 0, NIGHT, "first")
    fields: dict[str, Any] = {
        "store": str(tmp_path / "store"),
        "surface": "search",
        "recipe": "quick",
        "night": NIGHT,
        "work": tmp_path / "work",
    }
    done = {name: job(**fields).run() for name, job in JOBS.items()}
    assert done["judge"]["verdict"] == "ADVANCE", done["judge"]["reason"]
    assert done["judge"]["champion_version"] == 0 and done["judge"]["champion_change"]["low"] > 0
    assert set(done["judge"]["variants"]) == {"plain", "one_edit", "half_word", "other_order", "category"}
    assert done["judge"]["metrics"]["type@1"] > 0.99
    assert done["compress"]["chosen"] in ("int8", "fp32") and done["compress"]["bytes"] < done["compress"]["fp32_bytes"] / 2
    bundle = registry.find(store, "search", done["register"]["version"])
    assert bundle.version == 1 and bundle.card["gates"]["variants"] == done["judge"]["variants"]
