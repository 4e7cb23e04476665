"""The toy shop with words: types that one can ask for, and search models made on it once a process."""

import datetime as dt
import functools
from pathlib import Path

import numpy as np

from include.models.build import serve
from include.models.export import write_bundle
from include.models.model import Model
from include.models.search_side import untrained
from include.models.vocabulary import Vocabulary
from include.recipes.recipe import Gates, Recipe
from include.training.assemble import assemble
from include.training.fit import Trained
from include.training.fit_search import fit_search
from include.training.query_examples import sample_queries
from include.training.windows import Windows, windows
from include.training.workspace import Workspace
from tests.toy_models import folder, question
from tests.toy_shop import FIRST, NIGHT, WIDTHS, ToyHistory, ToyView

TYPES = (
    "HAMBURGER BUNS",
    "CHEDDAR CHEESE",
    "GOAT CHEESE",
    "ORANGE JUICE",
    "DARK RYE BREAD",
    "TOOTH PASTE",
    "GREEN TEA",
    "DOG FOOD",
    "",
)
CATEGORIES = ("BAKERY & BREAD", "DAIRY/CHEESE", "")
RECIPE = Recipe(
    surface="search", name="quick", model="text_ranker", query=True, train_weeks=4, gate_weeks=2, hot_products=16,
    history_slots=40, embedding=4, hidden=(16, 8), epochs=4, batch=16, learning_rate=0.01, text=32, gate_queries=2,
    text_steps=300,
    gates=Gates(beats=("popularity",)),
)  # fmt: skip
POPULARITY = RECIPE.model_copy(update={"name": "popularity", "model": "text_match"})


class WordHistory(ToyHistory):
    """As the toy shop; product i has type i % 9 and category i % 3."""

    def view(self, night: dt.date) -> ToyView:
        view, numbers = super().view(night), np.arange(self.products)
        view.content = {
            "type": np.array([TYPES[i % len(TYPES)] for i in numbers], object),
            "category": np.array([CATEGORIES[i % len(CATEGORIES)] for i in numbers], object),
        }
        return view


@functools.cache
def workspace() -> tuple[Workspace, Windows]:
    """The toy shop with words, assembled."""
    work, cut = Workspace(folder() / "search"), windows(NIGHT, FIRST, RECIPE.train_weeks, RECIPE.gate_weeks)
    counts = assemble(WordHistory(), RECIPE, cut, FIRST, work)
    about = {"windows": cut.model_dump(mode="json"), "inputs": {"features": "toy"}, "spec": "toy", **counts}
    work.write_json("assembled.json", about)
    return work, cut


@functools.cache
def trained() -> Trained:
    work, cut = workspace()
    return fit_search(RECIPE, [work.examples(night) for night in cut.train], [work.products(night) for night in cut.train])


def text_ranker() -> Model:
    return Model(RECIPE, trained().vocabulary, trained().arrays, WIDTHS, "toy")


def text_match() -> Model:
    return Model(POPULARITY, Vocabulary(), untrained(RECIPE.text, RECIPE.seed), WIDTHS, "toy")


@functools.cache
def bundle(kind: str) -> Path:
    """An exported bundle of `text_match`, `text_ranker` or `text_int8`."""
    from include.compression.int8 import compress

    work, _ = workspace()
    model = {"text_match": text_match, "text_ranker": text_ranker, "text_int8": lambda: compress(text_ranker())}[kind]()
    asked = work.questions()
    asked["query"] = sample_queries(work.products(NIGHT), len(asked["exclude_bought"]))
    path = folder() / kind
    write_bundle(model, serve(model, work.products(NIGHT)), str(NIGHT), asked, path)
    return path


def asked(*queries: str | bytes, seed: int = 0) -> dict[str, np.ndarray]:
    """Inputs of the signature for a household with a full history for each of these queries."""
    raw = [query if isinstance(query, bytes) else query.encode() for query in queries]
    return question(len(queries), seed=seed) | {"query": np.array(raw, object)}
