"""Go on from the model of an earlier night instead of from nothing: a few epochs over the newest weeks.

The start is the newest registered model of an earlier night, so that a night that is run again starts from the same one. Its
scalers are kept, or its weights would mean something else. Rows of an embedding go by name: what the start knew keeps its row,
and a product that is new begins with zeros, which leaves what its type and category say, since the three are summed.
"""

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from include.errors import Refused
from include.models.export import EXTRA
from include.models.int8_rows import widen
from include.models.model import FILES, Model
from include.models.pair_ranker import SCALERS
from include.models.product_side import EMBEDDINGS
from include.models.vocabulary import Vocabulary
from include.recipes.recipe import Recipe
from include.rollout import registry
from include.store.objects import Store

RATE = 0.3
"""Learning rate over that of a full training: the weights are near where they should be."""
FIELDS = {"product_embedding": "products", "type_embedding": "types", "category_embedding": "categories"}


@dataclass(frozen=True)
class Start:
    """The model that is gone on from: its registered name, its own night, and the night of the last full training before."""

    name: str
    night: dt.date
    full: dt.date
    model: Model

    def scalers(self) -> dict[str, np.ndarray]:
        return {name: self.model.arrays[name] for name in SCALERS}

    def vocabulary(self, now: Vocabulary) -> Vocabulary:
        """All that either knows."""
        known = self.model.vocabulary
        return Vocabulary.of(*((*getattr(known, field), *getattr(now, field)) for field in FIELDS.values()))

    def unknown(self, products: Iterable[str]) -> float:
        """Share of products that it does not know."""
        numbers = self.model.vocabulary.numbers("products", list(products))
        return float((numbers == 0).mean()) if len(numbers) else 0.0

    def give(self, weights: Mapping[str, tf.Variable], vocabulary: Vocabulary) -> None:
        """Its weights, embeddings in the rows of another vocabulary."""
        for name, variable in weights.items():
            variable.assign(self._rows(name, vocabulary) if name in EMBEDDINGS else self.model.arrays[name])

    def _rows(self, name: str, vocabulary: Vocabulary) -> np.ndarray:
        stored, field = self.model.arrays[name], FIELDS[name]
        old = widen(stored, self.model.arrays[f"{name}_scale"]) if stored.dtype == np.int8 else stored
        number = self.model.vocabulary.numbers(field, getattr(vocabulary, field))
        return np.concatenate([old[:1], np.where(number[:, None] > 0, old[number], 0)]).astype(np.float32)

    def shorter(self, recipe: Recipe) -> Recipe:
        """The recipe of the training that goes on from it."""
        return recipe.model_copy(update={"epochs": recipe.warm_epochs, "learning_rate": recipe.learning_rate * RATE})


def newest(store: Store, surface: str, recipe: Recipe, night: dt.date, spec: str) -> Start | None:
    """What a model of this night could go on from: same recipe, same features, an earlier night."""
    listed = [one for one in registry.versions(store, surface) if one["night"] < str(night)]
    for entry in sorted(listed, key=lambda one: (one["night"], one["version"]), reverse=True):
        start = load(store, surface, entry["name"])
        if start.model.recipe.name == recipe.name:
            return start if start.model.recipe.digest == recipe.digest and start.model.spec == spec else None
    return None


def load(store: Store, surface: str, name: str) -> Start:
    """A registered model. Raises Refused when it cannot be read."""
    bundle = registry.find(store, surface, name)
    files = {file.path.removeprefix(f"{EXTRA}/"): file.sha256 for file in bundle.manifest.files}
    if missing := [one for one in FILES if one not in files]:
        raise Refused(f"Model {name} has no {missing[0]}", "Train without a start")
    model = Model.from_files({one: store.fetch(files[one]) for one in FILES})
    meta = bundle.manifest.meta
    night = dt.date.fromisoformat(meta["night"])
    return Start(name, night, dt.date.fromisoformat(meta["full"]) if "full" in meta else night, model)
