"""A search of values of a recipe that is asked with queries: its trials are trained and measured as its candidates are."""

import datetime as dt
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from include import recipes
from include.jobs.choose_trial import ChooseTrial
from include.jobs.run_trial import RunTrial
from include.jobs.suggest_trials import SuggestTrials
from include.recipes.space import Among
from include.tuning.search import Search
from tests import toy_search
from tests.toy_shop import NIGHT

TOY = toy_search.RECIPE.model_copy(update={"epochs": 1})
SPACE = {"epochs": Among(values=(1, 2))}


@pytest.fixture(autouse=True)
def toy_recipe(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Search, "get_recipe", lambda self: TOY)
    monkeypatch.setattr(Search, "space", SPACE)
    monkeypatch.setattr(recipes, "get", lambda surface, name: TOY)


def test_a_search_of_the_text_ranker_ends_in_values_and_their_gain_over_plain_queries(tmp_path: Path) -> None:
    shutil.copytree(toy_search.workspace()[0].root, tmp_path / "work")
    night = NIGHT + dt.timedelta(days=7 * TOY.gate_weeks)
    asked: dict[str, Any] = {"surface": "search", "recipe": "quick", "night": night, "way": "grid", "trials": 2, "minutes": 10}
    asked |= {"store": str(tmp_path / "store"), "work": tmp_path / "work"}
    places = {name: asked[name] for name in ("store", "work")}
    ended = []
    for number in (1, 2):
        specs = SuggestTrials(**asked, number=number).run()["trials"]
        ended += [RunTrial.model_validate(json.loads(json.dumps(spec)) | places).run() for spec in specs]
    assert [(one["state"], one["values"]["epochs"]) for one in ended] == [("done", 1), ("done", 2)]
    found = ChooseTrial(**asked).run()
    assert found["best"]["value"] == max(one["value"] for one in ended) and found["own"]["value"] == ended[0]["value"]
    assert found["gain"]["value"] == pytest.approx(found["best"]["value"] - found["own"]["value"], abs=1e-4)
