"""Training of the search model: it learns, twice the same, from the training window alone; what it cannot learn is refused."""

import datetime as dt
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from include.errors import Refused
from include.evaluation import gate_queries
from include.evaluation.gate_measures import answered, measure_model, measure_rivals, more_figures
from include.evaluation.gate_queries import QueryWeek
from include.evaluation.gate_weeks import GateWeek
from include.features.queries import VARIANTS
from include.features.text import query_of
from include.models.build import serve
from include.models.model import Model
from include.models.query_tables import need_text, query_tables
from include.models.search_side import TEXT
from include.models.tables import ProductTable
from include.models.vocabulary import Vocabulary
from include.training.examples import Examples, ragged
from include.training.fit_search import Asking, SearchNight, fit_search, logits_of
from include.training.query_examples import Types, asked_of, sample_queries
from tests import toy_search
from tests.toy_search import RECIPE, TYPES
from tests.toy_shop import NIGHT, WIDTHS

QUICK = RECIPE.model_copy(update={"epochs": 1, "text_steps": 30})


def gate_weeks() -> list[GateWeek]:
    work, cut = toy_search.workspace()
    return [GateWeek(night, cut.week(night), work.examples(night), work.products(night)) for night in cut.gate]


def test_it_learns_a_toy_shop_and_what_a_query_means() -> None:
    weeks = gate_weeks()
    rivals = measure_rivals(RECIPE, weeks, *toy_search.workspace()[0].weeks())
    model = measure_model(toy_search.text_ranker(), weeks)
    assert model.soundness.wrong == 0 and model.means()["type@1"] > 0.99
    assert model.means()["ndcg@10"] > 1.2 * rivals["popularity"].means()["ndcg@10"]
    assert rivals["recency"].means()["type@1"] == 1.0
    assert len(answered(RECIPE, weeks).household) == len(model.values["ndcg@10"])


def test_every_way_of_asking_is_measured_against_the_same_rivals() -> None:
    found = more_figures(toy_search.text_ranker(), gate_weeks(), toy_search.workspace()[0].weeks())["variants"]
    assert tuple(found) == VARIANTS
    assert all(found[name]["type@1"]["value"] > 0.9 for name in VARIANTS[:-1])
    assert {"popularity", "recency"} == set(found["one_edit"]["differences"])


def test_version_0_finds_the_type_without_training() -> None:
    model = measure_model(toy_search.text_match(), gate_weeks())
    assert model.soundness.wrong == 0 and model.means()["type@1"] > 0.99


def test_the_same_examples_give_the_same_model_name() -> None:
    work, cut = toy_search.workspace()
    names = set()
    for _ in range(2):
        found = fit_search(QUICK, [work.examples(n) for n in cut.train[-1:]], [work.products(n) for n in cut.train[-1:]])
        model = Model(QUICK, found.vocabulary, found.arrays, WIDTHS, "toy")
        names.add(model.name(model.tables(work.products(NIGHT))))
    assert len(names) == 1


def test_training_scores_a_product_as_the_served_graph_does() -> None:
    work, cut = toy_search.workspace()
    model, table = toy_search.text_ranker(), work.products(cut.train[0])
    night = SearchNight(table, model.tables(table), model.arrays)  # type: ignore[arg-type]
    asking = Asking(work.examples(cut.train[0]), night, 3)
    batch = asking.batch(asking.usable[:5], "seed")
    weights, inputs = ({name: tf.constant(value) for name, value in some.items()} for some in (model.arrays, batch))
    logits, label = logits_of(weights, weights[TEXT], night.side, inputs)
    asked = {name: value[batch["owner"]] for name, value in batch.items() if name not in ("query", "owner", "right")}
    answers = serve(model, table).ask(**asked, query=batch["query"])
    assert -np.sort(-logits.numpy())[:, : model.recipe.top_k] == pytest.approx(answers["score"], abs=1e-4)
    assert label.numpy().sum(axis=1).tolist() == np.bincount(batch["right"][:, 0]).tolist()


def test_nothing_to_learn_from_is_refused() -> None:
    work, cut = toy_search.workspace()
    nobody = Examples([], ragged([]), np.zeros((0, 3), np.float32), np.zeros((0, 2), np.float32), ragged([]))
    with pytest.raises(Refused, match="nothing to train on"):
        fit_search(QUICK, [nobody], [work.products(cut.train[0])])


def test_a_catalogue_without_texts_is_refused_in_words() -> None:
    table = toy_search.workspace()[0].products(NIGHT)
    bare = ProductTable(**{**vars(table), "types": np.array([""] * len(table.ids), object)})
    for look in (need_text, lambda one: query_tables(one, Vocabulary(), 16, "trend")):
        with pytest.raises(Refused, match="no text to search in"):
            look(bare)


def test_a_question_is_about_one_type_that_was_bought() -> None:
    for week in gate_weeks():
        types = Types(week.products)
        asked = asked_of(week.examples, types, 2, "seed")
        assert asked == asked_of(week.examples, types, 2, "seed")
        for one in asked:
            bought = week.examples.bought.row(one.household)
            assert one.bought == tuple(p for p in bought.tolist() if query_of(TYPES[p % 9]) == one.plain)
            assert one.plain and one.bought
        assert max(np.bincount([one.household for one in asked])) <= 2


def test_products_of_one_text_share_it() -> None:
    tables = query_tables(toy_search.workspace()[0].products(NIGHT), Vocabulary(), 16, "trend")
    assert tables.type_text[0] == tables.category_text[0] == "" and tables.text_of[0] == 0
    for row, name in enumerate(tables.ids[1:], 1):
        assert tables.type_text[tables.text_of[row]] == query_of(TYPES[int(name[1:]) % 9])


def test_sample_queries_hold_an_empty_one() -> None:
    found = sample_queries(toy_search.workspace()[0].products(NIGHT), 64)
    assert len(found) == 64 and found[2] == "" and all(found[:2])
    assert len(sample_queries(toy_search.workspace()[0].products(NIGHT), 1)) == 1


def test_a_week_without_questions_measures_nothing() -> None:
    weeks = gate_weeks()
    nobody = Examples([], ragged([]), np.zeros((0, 3), np.float32), np.zeros((0, 2), np.float32), ragged([]))
    empty = QueryWeek(GateWeek(weeks[0].night, weeks[0].week, nobody, weeks[0].products), 2)
    found: Any = gate_queries.measure_model(toy_search.text_match(), [empty])["plain"]
    assert len(found.values["ndcg@10"]) == 0 and found.means()["ndcg@10"] == 0.0


def test_training_knows_nothing_after_the_first_gate_night(tmp_path: Path) -> None:
    """Later purchases change no query of training and no text: the weights are the same."""
    from include.training.assemble import assemble
    from include.training.workspace import Workspace
    from tests.toy_shop import FIRST

    honest, cut = toy_search.workspace()

    class Sabotaged(toy_search.WordHistory):
        def __init__(self) -> None:
            super().__init__()
            late = self.events[:, 2] > (cut.gate[0] - FIRST).days
            self.events[late, 1] = 59
            self.events = np.unique(self.events, axis=0)

    assemble(Sabotaged(), RECIPE, cut, FIRST, Workspace(tmp_path))
    for night in cut.train:
        for kind in ("examples", "products"):
            name = f"{kind}/{night}.parquet"
            assert (honest.root / name).read_bytes() == (tmp_path / name).read_bytes()
    assert cut.train[-1] + dt.timedelta(days=7) <= cut.gate[0]
