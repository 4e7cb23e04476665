"""What every model of a surface looks like when it is served: a tf.Module with the signature `serving_default`.

Inputs:  history_product int32 [B, H] (-1 = empty slot), history_features float32 [B, H, F],
         household_features float32 [B, G], exclude_bought bool [B]
Outputs: product string [B, K] ("" where there are fewer than K), score float32 [B, K] descending (calibration.py says
         what it means), model string [B]
"""

import abc
from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
import tensorflow as tf

from include.models import calibration, candidates, formulas, scoring
from include.models.tables import NightTables


class Served(tf.Module):
    """A model with one night's product side inside. Subclasses say how rows are chosen."""

    def __init__(self, name: str, tables: NightTables, widths: Mapping[str, int], top_k: int) -> None:
        super().__init__(name="served")
        self.model_name, self.top_k = name, top_k
        self.row_of = _variable(tables.row_of)
        self.hot = _variable(tables.hot)
        self.hot_place = _variable(tables.hot_place)
        self.ids = tf.constant(list(tables.ids), tf.string)
        self.widths = dict(widths)
        self.signature = tf.function(self._answer, input_signature=self._inputs(widths))

    @staticmethod
    def _inputs(widths: Mapping[str, int]) -> list[tf.TensorSpec]:
        return [
            tf.TensorSpec([None, None], tf.int32, "history_product"),
            tf.TensorSpec([None, None, widths["history"]], tf.float32, "history_features"),
            tf.TensorSpec([None, widths["household"]], tf.float32, "household_features"),
            tf.TensorSpec([None], tf.bool, "exclude_bought"),
        ]

    def _checks(self, product: Any, features: Any, household: Any, exclude: Any) -> list[tf.Operation]:
        """Shapes that do not belong together are refused, also by a model that reads only some of the inputs."""
        shape = tf.shape(product)
        wanted = {
            "history_features": (features, tf.concat([shape, [self.widths["history"]]], axis=0)),
            "household_features": (household, tf.stack([shape[0], self.widths["household"]])),
            "exclude_bought": (exclude, shape[:1]),
        }
        return [
            tf.debugging.assert_equal(tf.shape(value), expected, message=f"{name} does not fit history_product")
            for name, (value, expected) in wanted.items()
        ]

    @abc.abstractmethod
    def choose(self, product: Any, features: Any, household: Any, exclude: Any) -> tuple[tf.Tensor, tf.Tensor]:
        """Rows int32 [B, K] and scores float32 [B, K], best first."""

    def _answer(self, history_product, history_features, household_features, exclude_bought):  # type: ignore[no-untyped-def]
        with tf.control_dependencies(self._checks(history_product, history_features, household_features, exclude_bought)):
            history_product = tf.identity(history_product)
        rows, score = self.choose(history_product, history_features, household_features, exclude_bought)
        name = tf.fill([tf.shape(history_product)[0]], self.model_name)
        return {"product": tf.gather(self.ids, rows), "score": self.calibrated(score, exclude_bought), "model": name}

    def calibrated(self, score: tf.Tensor, exclude_bought: tf.Tensor) -> tf.Tensor:
        """What is answered for scores [B, K]: themselves, where nobody knows what they mean."""
        return score

    def ask(self, **inputs: np.ndarray) -> dict[str, np.ndarray]:
        """Answer one batch in this process; keys and shapes as the signature's."""
        return {key: value.numpy() for key, value in self.signature(**{k: tf.constant(v) for k, v in inputs.items()}).items()}


class ServedPopularity(Served):
    """The same list for everybody, without what is in the history when asked for new products only."""

    def __init__(self, name: str, tables: NightTables, widths: Mapping[str, int], top_k: int) -> None:
        self.popularity = _variable(tables.recent[tables.hot].astype(np.float32))
        super().__init__(name, tables, widths, top_k)

    def choose(self, product: Any, features: Any, household: Any, exclude: Any) -> tuple[tf.Tensor, tf.Tensor]:
        hot, batch = self.hot, tf.shape(product)[0]
        seen = candidates.in_history(self.hot_place, candidates.rows(self.row_of, product), hot)
        closed = tf.logical_or(tf.logical_and(seen, exclude[:, None]), hot[None, :] == 0)
        score = tf.where(closed, candidates.NOTHING, self.popularity[None, :])
        return candidates.best(score, tf.broadcast_to(hot[None, :], [batch, tf.shape(hot)[0]]), self.top_k)


class ServedRanker(Served):
    """A ranker with its two product tables as float32, or its embedding as int8 rows with a scale for each half."""

    def __init__(
        self, name: str, tables: NightTables, widths: Mapping[str, int], top_k: int, product_side: Mapping[str, np.ndarray]
    ) -> None:
        """`product_side`: weights by name, `embedding` [R, 2 D] float32 or int8, `features` [R, P], `scale` [R, 2] if int8."""
        self.weights = {key: _variable(value) for key, value in product_side.items()}
        self.type, self.category = _variable(tables.type), _variable(tables.category)
        self.types, self.categories = int(tables.type.max()) + 1, int(tables.category.max()) + 1
        super().__init__(name, tables, widths, top_k)

    def sides(self) -> tuple[scoring.Weights, scoring.Products]:
        """Dense weights, and the product side as a formula reads it."""
        dense = {key: tf.convert_to_tensor(value) for key, value in self.weights.items() if key not in TABLES}
        return dense, scoring.Products(
            features=self.weights["features"],
            type=self.type,
            category=self.category,
            types=self.types,
            categories=self.categories,
            hot=self.hot,
            hot_place=self.hot_place,
            row_of=self.row_of,
            embed=partial(self.embedded, "embedding", "scale"),
        )

    def calibrated(self, score: tf.Tensor, exclude_bought: tf.Tensor) -> tf.Tensor:
        found = self.weights.get(calibration.NAME)
        return score if found is None else calibration.log_odds(found, score, exclude_bought)

    def embedded(self, table: str, scale: str, rows: tf.Tensor) -> scoring.Embedded:
        """Rows are gathered as they are stored and widened after: an int8 table is never widened whole."""
        values = tf.gather(self.weights[table], rows)
        if scale not in self.weights:
            return scoring.Embedded(values, None)
        return scoring.Embedded(tf.cast(values, tf.float32), tf.gather(self.weights[scale], rows))


class ServedPairRanker(ServedRanker):
    """A ranker over own history and hot products, by one of include/models/formulas.py."""

    def __init__(
        self,
        name: str,
        tables: NightTables,
        widths: Mapping[str, int],
        top_k: int,
        product_side: Mapping[str, np.ndarray],
        model: str,
    ) -> None:
        self.score = formulas.score_of(model)
        super().__init__(name, tables, widths, top_k, product_side)

    def choose(self, product: Any, features: Any, household: Any, exclude: Any) -> tuple[tf.Tensor, tf.Tensor]:
        return scoring.answer(self.score(*self.sides(), product, features, household, exclude), self.hot, self.top_k)


TABLES = ("features", "embedding", "scale", "outer", "outer_scale")
"""Product-side tables of a served ranker, as far as it has them; everything else in `product_side` is a dense weight."""


def _variable(value: np.ndarray) -> tf.Variable:
    return tf.Variable(value, trainable=False)
