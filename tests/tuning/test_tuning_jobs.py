"""The jobs of a search on the toy shop: what has ended is not repeated, what was killed goes on, nothing is used unasked."""

import datetime as dt
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from include import recipes
from include.errors import Refused
from include.evaluation.gate_weeks import Measured
from include.jobs import run_trial
from include.jobs.assemble_examples import AssembleExamples
from include.jobs.assemble_trials import AssembleTrials
from include.jobs.choose_trial import ChooseTrial
from include.jobs.run_trial import Limited, RunTrial
from include.jobs.suggest_trials import SuggestTrials
from include.models.vocabulary import Vocabulary
from include.recipes.space import Among, Between
from include.store.objects import open_store
from include.training.fit import Trained
from include.training.job import TrainingJob
from include.training.windows import windows
from include.tuning import chosen
from include.tuning.job import TuningJob
from include.tuning.rounds import ROUNDS
from include.tuning.search import Search
from tests import toy_models
from tests.toy_shop import FIRST, NIGHT, RECIPE

SPACE = {"learning_rate": Between(low=1e-3, high=3e-2), "epochs": Among(values=(1, 2))}
TOY = RECIPE.model_copy(update={"epochs": 1})
LATER = NIGHT + dt.timedelta(days=7 * RECIPE.gate_weeks)


@pytest.fixture(autouse=True)
def toy_recipe(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Search, "get_recipe", lambda self: TOY)
    monkeypatch.setattr(Search, "space", SPACE)
    monkeypatch.setattr(recipes, "get", lambda surface, name: TOY)


@pytest.fixture
def asked(tmp_path: Path) -> dict[str, Any]:
    """Fields of every job, over a copy of the assembled toy shop."""
    shutil.copytree(toy_models.workspace()[0].root, tmp_path / "work")
    fields = {"surface": "home", "recipe": "quick", "night": LATER, "way": "random", "trials": 3, "minutes": 10}
    return fields | {"store": str(tmp_path / "store"), "work": tmp_path / "work"}


@pytest.fixture
def fits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Trainings that take no time, and the learning rates of those that are begun: the higher the better."""
    begun: list[float] = []
    empty = Trained({}, Vocabulary(), [[0.0]], 0.0)

    def fit(recipe: Any, *given: Any) -> Trained:
        begun.append(recipe.learning_rate)
        return empty

    def measured(model: Any, weeks: list[Any]) -> Measured:
        return Measured({"ndcg@10": np.full(sum(len(week.examples) for week in weeks), model.recipe.learning_rate)}, 0.0)

    monkeypatch.setitem(run_trial.FITS, "pair_ranker", fit)
    monkeypatch.setattr(run_trial, "measure_model", measured)
    return begun


def search(asked: dict[str, Any], rounds: int = ROUNDS) -> list[dict[str, Any]]:
    """As the DAG walks: each round is suggested, then its trials are run."""
    ended = []
    for number in range(1, rounds + 1):
        specs = SuggestTrials(**asked, number=number).run()["trials"]
        places = {name: asked[name] for name in ("store", "work")}
        ended += [RunTrial.model_validate(json.loads(json.dumps(spec)) | places).run() for spec in specs]
    return ended


def test_a_search_ends_in_a_table_and_the_best_values_and_walked_again_it_repeats_no_trial(
    asked: dict[str, Any], fits: list[float]
) -> None:
    ended = search(asked)
    assert [trial["state"] for trial in ended] == ["done"] * 3 and len(fits) == 3
    result = ChooseTrial(**asked).run()
    assert result["best"]["value"] == max(trial["value"] for trial in ended)
    assert result["own"]["values"] == {"learning_rate": TOY.learning_rate, "epochs": 1}
    assert result["gain"]["low"] <= result["gain"]["value"] <= result["gain"]["high"]
    assert (asked["work"] / "trials.md").read_text() == result["table"] and result["table"].count("\n") == 5
    assert search(asked) == [] and len(fits) == 3
    assert ChooseTrial(**asked).run()["best"] == result["best"]


def test_a_search_that_is_killed_between_trials_goes_on_with_the_others(asked: dict[str, Any], fits: list[float]) -> None:
    specs = SuggestTrials(**asked, number=1).run()["trials"]
    (asked["work"] / "trials").mkdir()
    places = {name: asked[name] for name in ("store", "work")}
    RunTrial.model_validate(specs[0] | places).run()
    again = SuggestTrials(**asked, number=1).run()
    assert again["planned"] == len(specs) and again["trials"] == specs[1:]
    search(asked)
    assert len(fits) == 3


def test_a_trial_that_was_killed_goes_on_from_its_checkpoint_and_is_measured_as_a_candidate(
    asked: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    (spec, *_) = SuggestTrials(**asked, number=1).run()["trials"]
    trial = RunTrial.model_validate(spec | {name: asked[name] for name in ("store", "work")})
    steps: list[int] = []

    def killed(self: Limited, state: Any, losses: list[float], at_once: bool = False) -> None:
        steps.append(len(losses))
        super(Limited, self).save(state, losses, at_once=True)
        if steps == [1, 2, 3]:
            raise KeyboardInterrupt

    monkeypatch.setattr(Limited, "save", killed)
    with pytest.raises(KeyboardInterrupt):
        trial.run()
    assert trial.study().trial(0) is None
    ended = trial.run()
    assert ended["state"] == "done" and ended["low"] <= ended["value"] <= ended["high"]
    values = np.load(open_store(asked["store"]).fetch(ended["answers"]), allow_pickle=False)
    assert values.mean() == pytest.approx(ended["value"], abs=1e-5) and ended["value"] > 0.1
    assert steps == list(range(1, len(steps) + 1)), "no step twice"
    assert not (asked["work"] / "trials" / "0.npz").exists()


def test_the_budget_ends_a_training_and_then_the_search(asked: dict[str, Any], fits: list[float]) -> None:
    ended = search(asked | {"minutes": 1e-4})
    assert ended[0]["state"] == "out of time" and "minutes were over" in ended[0]["reason"]
    assert len(fits) <= 1 and len(ended) == 1
    with pytest.raises(Refused, match="more minutes"):
        ChooseTrial(**asked | {"minutes": 1e-4}).run()
    assert len(search(asked)) == 2, "with more minutes it goes on"


def test_a_training_that_fails_for_its_values_is_told_and_the_search_goes_on(
    asked: dict[str, Any], fits: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*given: Any) -> None:
        raise Refused("The loss became nan in epoch 1", "Look for odd values")

    monkeypatch.setitem(run_trial.FITS, "pair_ranker", fail)
    assert {trial["state"] for trial in search(asked)} == {"failed"}


def test_the_next_night_starts_from_this_nights_best_and_time_never_leaks_back(
    asked: dict[str, Any], fits: list[float]
) -> None:
    search(asked)
    values = ChooseTrial(**asked).run()["best"]["values"]
    first = [spec["values"] for spec in SuggestTrials(**asked | {"night": LATER + dt.timedelta(1)}, number=1).run()["trials"]]
    assert values in first[:2]
    store = open_store(asked["store"])
    assert chosen.latest(store, "home", "quick", LATER - dt.timedelta(1)) is None
    before = SuggestTrials(**asked | {"night": LATER - dt.timedelta(1), "way": "grid"}, number=1).run()["trials"]
    assert values not in [spec["values"] for spec in before] or values["learning_rate"] == TOY.learning_rate


def test_trials_are_assembled_for_the_night_on_which_the_gate_weeks_begin(
    asked: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []
    monkeypatch.setattr(AssembleExamples, "run", lambda self: seen.append(self) or {})
    AssembleTrials(**asked).run()
    gates_of_the_night = windows(LATER, FIRST, RECIPE.train_weeks, RECIPE.gate_weeks).gate
    assert seen[0].night == min(gates_of_the_night) and not seen[0].tuned
    trials = windows(seen[0].night, FIRST, RECIPE.train_weeks, RECIPE.gate_weeks)
    assert max(trials.gate) + dt.timedelta(days=7) <= min(gates_of_the_night), "a label of validation ends before the gates"


def test_tuned_values_are_used_where_they_are_asked_for_and_named(asked: dict[str, Any], fits: list[float]) -> None:
    search(asked)
    values = ChooseTrial(**asked).run()["best"]["values"]
    fields = {name: asked[name] for name in ("store", "surface", "recipe", "night", "work")}
    assert AssembleExamples(**fields).get_recipe() == TOY
    job = AssembleExamples(**fields, tuned=True)
    assert job.get_recipe().learning_rate == values["learning_rate"]
    assert TrainingJob(**fields).get_recipe() == TOY, "the toy shop was assembled without"
    about = json.loads((asked["work"] / "assembled.json").read_text()) | job._chosen[1]
    (asked["work"] / "assembled.json").write_text(json.dumps(about))
    assert TrainingJob(**fields).get_recipe() == job.get_recipe()
    assert about["tuned"]["night"] == str(LATER) and about["tuned"]["study"].startswith("tuning/home/quick/")


def test_without_a_search_or_with_another_recipe_tuned_is_refused(
    asked: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    store = open_store(asked["store"])
    with pytest.raises(Refused, match="No search of home/quick"):
        chosen.tuned(store, TOY, LATER)
    kept = chosen.Chosen(recipe=TOY.digest, study="s", values={"epochs": 2}, value=0.3)
    chosen.keep(store, "home", "quick", LATER, kept)
    assert chosen.tuned(store, TOY, LATER)[0].epochs == 2
    with pytest.raises(Refused, match="has changed since"):
        chosen.tuned(store, TOY.model_copy(update={"train_weeks": 3}), LATER)
    chosen.keep(store, "home", "quick", LATER, kept.model_copy(update={"values": {"name": "evil"}}))
    with pytest.raises(Refused, match="does not take"):
        chosen.tuned(store, TOY, LATER)


@pytest.mark.parametrize("text", [b"[]", b"{", b'{"nights": 3}', b'{"nights": {"x": {}}}', b'{"nights": {"2017-01-01": {}}}'])
def test_a_damaged_document_is_refused(asked: dict[str, Any], text: bytes) -> None:
    store = open_store(asked["store"])
    store.write("tuned/home/quick.json", text)
    with pytest.raises(Refused):
        chosen.latest(store, "home", "quick", LATER)
    study = TuningJob(**asked).study()
    store.write(f"{study.key}/round-1.json", b'{"trials": [{"number": -1, "values": {}}]}')
    with pytest.raises(Refused, match="no planned"):
        study.before()


@pytest.mark.parametrize(
    "wrong",
    [{"number": -1}, {"number": 1000}, {"values": 3}, {"values": {"name": "x"}}, {"minutes": -1}, {"way": "x"}, {"more": 1}],
)
def test_a_trial_with_hostile_fields_is_refused(asked: dict[str, Any], wrong: dict[str, Any]) -> None:
    with pytest.raises((ValidationError, Refused)):
        RunTrial.model_validate(asked | {"number": 0, "values": {"epochs": 1}} | wrong).run()
