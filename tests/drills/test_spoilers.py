"""Each spoilt model, made from a toy shop's good one, and the check that tells it from a good one."""

import datetime as dt
import functools
import json
import time
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from include.drills import damage
from include.drills.make import SECONDS, spoil
from include.errors import Refused
from include.evaluation import metrics
from include.jobs.check_bundle import CheckBundle
from include.rollout import contract, graph_scan, registry
from include.rollout.drill import AT_ONCE, DELAYED, Drill, chosen
from include.rollout.freshness import stale
from include.rollout.materialise import materialise
from include.rollout.quality import judge
from include.rollout.spread import is_flat
from include.rollout.verdict import Kind
from include.store.objects import Damaged, FolderStore
from tests import toy_models
from tests.toy_shop import NIGHT, ToyHistory

AFTER = 3
PLACE = {f"p{i}": i for i in range(60)}
WEEK = dt.timedelta(days=7)


@functools.cache
def spoilt(fault: str, form: str = AT_ONCE) -> tuple[Path, str]:
    folder = toy_models.folder() / "spoilt" / f"{fault}-{form}"
    return folder, spoil(Drill(fault, form), toy_models.bundle("pair_ranker"), folder, AFTER)


def serving(folder: Path):
    loaded = tf.saved_model.load(str(folder))

    def ask(**inputs: np.ndarray) -> dict[str, np.ndarray]:
        return {name: value.numpy() for name, value in loaded.signatures["serving_default"](**inputs).items()}

    ask.keeps = loaded  # type: ignore[attr-defined]  # a signature does not hold its variables
    return ask


def tensors(question: dict) -> dict:
    return {name: tf.constant(value) for name, value in contract.inputs_of(question).items()}


def golden(folder: Path) -> tuple[dict, dict]:
    question = contract.golden_questions(folder)[0]
    return tensors(question), question["outputs"]


def sense(answer: dict) -> list[str]:
    products = [[product.decode() for product in row] for row in answer["product"].tolist()]
    return contract.sense_faults(answer["score"].tolist(), products)


@functools.cache
def shown(folder: Path) -> dict[str, list[str]]:
    """What every household of the toy shop is answered."""
    view = ToyHistory().view(NIGHT)
    inputs = view.household_inputs(view.households, 40) | {"exclude_bought": np.zeros(len(view.households), bool)}
    rows = serving(folder)(**{name: tf.constant(value) for name, value in inputs.items()})["product"].tolist()
    return {name: [p.decode() for p in row if p] for name, row in zip(view.households, rows, strict=True)}


def ndcg(folder: Path) -> dict[str, float]:
    bought = ToyHistory().bought(NIGHT + dt.timedelta(days=1), NIGHT + WEEK)
    right = {name: {f"p{i}" for i in bought.get(name, set())} for name in shown(folder)}
    hit = np.array([[p in right[name] for p in (row + [""] * 10)[:10]] for name, row in shown(folder).items()], bool)
    values = metrics.by_query(hit, np.array([len(right[name]) for name in shown(folder)], int))["ndcg@10"]
    return dict(zip(shown(folder), map(float, values), strict=True))


@pytest.mark.parametrize("drill", chosen("all"), ids=lambda drill: drill.mark)
def test_every_spoilt_graph_passes_the_scan_and_is_signed_by_its_own_name(drill):
    """The scan looks for files and Python; none of these faults needs either, also not the counter of a delayed one."""
    folder, name = spoilt(drill.fault, drill.form)
    assert graph_scan.faults(folder / "saved_model.pb") == []
    assert json.loads((folder / "assets.extra" / "nightfill.json").read_text())["name"] == name
    assert all(set(question["outputs"]["model"]) == {name} for question in contract.golden_questions(folder))


@pytest.mark.parametrize("drill", [d for d in chosen("all") if d.fault != "wrong_signature"], ids=lambda drill: drill.mark)
def test_only_the_wrong_signature_differs_from_the_contract(drill):
    assert contract.signature_faults(spoilt(drill.fault, drill.form)[0] / "saved_model.pb") == []


def test_a_wrong_signature_is_named():
    found = contract.signature_faults(spoilt("wrong_signature")[0] / "saved_model.pb")
    assert found == ["input household_features is missing", "input household is not in the contract"]


@pytest.mark.parametrize(
    ("fault", "words"), [("nan", "a score is not finite"), ("constant_scores", "all scores of an answer are equal")]
)
def test_senseless_scores_are_named_by_the_sandbox(fault, words):
    folder, _ = spoilt(fault)
    assert words in sense(serving(folder)(**golden(folder)[0]))


@pytest.mark.parametrize("fault", ["nan", "constant_scores"])
def test_a_delayed_fault_is_a_good_model_until_its_counter_has_come_so_far(fault):
    folder, name = spoilt(fault, DELAYED)
    ask, (inputs, right) = serving(folder), golden(folder)
    for _ in range(AFTER):
        answer = ask(**inputs)
        texts = {key: np.vectorize(bytes.decode, otypes=[object])(answer[key]) for key in ("product", "model")}
        assert contract.answer_faults(answer | texts, right, name) == [] and sense(answer) == []
    late = ask(**inputs)
    assert not np.isfinite(late["score"]).all() if fault == "nan" else is_flat(late["score"][0].tolist())
    again = serving(folder)(**inputs)
    assert sense(again) == [], "another process counts from nothing"


def test_a_slow_model_takes_longer_than_the_sandbox_allows(monkeypatch):
    folder, _ = spoilt("slow")
    ask, (inputs, _) = serving(folder), golden(folder)
    ask(**inputs)
    began = time.perf_counter()
    ask(**inputs)
    allowed = CheckBundle.model_fields["p99_ms"].default / 1000
    assert SECONDS[AT_ONCE] > 2 * allowed and time.perf_counter() - began > allowed


def test_a_delayed_slow_model_is_quick_until_then():
    folder, _ = spoilt("slow", DELAYED)
    ask, (inputs, _) = serving(folder), golden(folder)
    taken = []
    for _ in range(AFTER + 1):
        began = time.perf_counter()
        ask(**inputs)
        taken.append(time.perf_counter() - began)
    assert min(taken[:AFTER]) < 0.1 < taken[AFTER]


def test_a_ranking_upside_down_is_worse_by_what_was_bought():
    good, bad = toy_models.bundle("pair_ranker"), spoilt("bad_ranking")[0]
    verdict = judge(ndcg(good), ndcg(bad), 0.02)
    assert verdict.kind is Kind.ROLL_BACK and Drill("bad_ranking", AT_ONCE).named(verdict.reason)
    assert sense(serving(bad)(**golden(bad)[0])) == [], "nothing but its quality is wrong"


def test_a_ranking_upside_down_can_be_made_of_int8_too():
    folder = toy_models.folder() / "spoilt" / "int8"
    spoil(Drill("bad_ranking", AT_ONCE), toy_models.bundle("int8"), folder)
    assert judge(ndcg(toy_models.bundle("int8")), ndcg(folder), 0.02).kind is Kind.ROLL_BACK


def test_tables_of_an_earlier_night_are_told_by_what_is_never_answered():
    good, old = shown(toy_models.bundle("pair_ranker")), shown(spoilt("stale_vocabulary")[0])
    reason = stale(good, old, PLACE, lambda i: f"day {i}")
    assert Drill("stale_vocabulary", AT_ONCE).named(reason)
    assert stale(good, good, PLACE, str) == ""


@pytest.mark.parametrize("fault", ["bad_ranking"])
def test_popularity_cannot_be_spoilt_like_a_trained_model(fault, tmp_path):
    with pytest.raises(Refused, match="Promote a trained model first"):
        spoil(Drill(fault, AT_ONCE), toy_models.bundle("popularity"), tmp_path / "out")


@pytest.fixture
def registered(tmp_path):
    store = FolderStore(tmp_path / "store")
    registry.register(store, "home", toy_models.bundle("pair_ranker"), "a" * 16, {}, {})
    folder, name = spoilt("corrupt")
    registry.register(store, "home", folder, name, {"drill": "corrupt at_once"}, {})
    return store, registry.find(store, "home", name)


def test_damaged_bytes_are_found_when_the_bundle_is_fetched(registered, tmp_path):
    store, bundle = registered
    materialise(store, bundle, tmp_path / "before")
    damage.corrupt(store, bundle)
    with pytest.raises(Damaged) as found:
        materialise(store, bundle, tmp_path / "after")
    assert Drill("corrupt", AT_ONCE).named(str(found.value))


def test_damaging_one_bundle_damages_no_other(registered, tmp_path):
    store, bundle = registered
    damage.corrupt(store, bundle)
    materialise(store, registry.find(store, "home", "a" * 16), tmp_path / "good")
    with pytest.raises(Refused, match="is not one to be damaged"):
        damage.corrupt(store, registry.find(store, "home", "a" * 16))
