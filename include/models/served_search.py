"""What a model looks like that is asked with a query: the inputs of include/models/serving.py, and one more.

query string [B]: what was typed, any bytes; an empty one asks for the household's shelf
"""

import abc
from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from include.models import candidates, search_scoring, text
from include.models.query_tables import QueryTables
from include.models.search_side import TEXT
from include.models.serving import Served

NOT_DENSE = (TEXT, f"{TEXT}_scale", "types", "categories", "live", "features", "embedding", "scale", "base")
"""Product-side tables; everything else on the product side of a search model is a dense weight."""


class ServedSearch(Served):
    """Scores of every row from the text; subclasses add what they know besides."""

    def __init__(
        self, name: str, tables: QueryTables, widths: Mapping[str, int], top_k: int, side: Mapping[str, np.ndarray]
    ) -> None:
        """`side`: what include/models/search_side.py makes."""
        self.side = {key: tf.Variable(value, trainable=False) for key, value in side.items()}
        self.text_of = tf.Variable(tables.text_of, trainable=False)
        super().__init__(name, tables, widths, top_k)

    @staticmethod
    def _inputs(widths: Mapping[str, int]) -> list[tf.TensorSpec]:
        return [*Served._inputs(widths), tf.TensorSpec([None], tf.string, "query")]

    @abc.abstractmethod
    def known(self, product: Any, features: Any, household: Any) -> tuple[tf.Tensor, tf.Tensor]:
        """Scores float32 [B, R] without the text, and the rows of the history slots int32 [B, H]."""

    def choose(self, product: Any, features: Any, household: Any, exclude: Any, query: Any = None) -> Any:
        scores, rows = self.known(product, features, household)
        shut = search_scoring.closed(rows, exclude, tf.shape(self.text_of)[0])
        return search_scoring.answer(scores + self.match(query), shut, self.top_k)

    def match(self, query: tf.Tensor) -> tf.Tensor:
        """The text's part of the score [B, R]: each different text is compared once."""
        asked = text.encode(query, self.side[TEXT], self.side.get(f"{TEXT}_scale"), self.side["live"])
        match = search_scoring.text_match(self.side, asked, self.side["types"], self.side["categories"])
        return tf.gather(match, self.text_of, axis=1)

    def _answer(  # type: ignore[no-untyped-def,override]
        self, history_product, history_features, household_features, exclude_bought, query
    ):
        checks = self._checks(history_product, history_features, household_features, exclude_bought)
        fits = tf.debugging.assert_equal(
            tf.shape(query), tf.shape(exclude_bought), message="query does not fit history_product"
        )
        with tf.control_dependencies([*checks, fits]):
            query = tf.identity(query)
        rows, score = self.choose(history_product, history_features, household_features, exclude_bought, query)
        name = tf.fill([tf.shape(history_product)[0]], self.model_name)
        return {"product": tf.gather(self.ids, rows), "score": score, "model": name}


class ServedTextMatch(ServedSearch):
    """Version 0: popularity among the products whose text matches. Popularity is below 1, so the better match comes first."""

    def __init__(
        self, name: str, tables: QueryTables, widths: Mapping[str, int], top_k: int, side: Mapping[str, np.ndarray]
    ) -> None:
        popular = tables.recent / (1.0 + tables.recent.max(initial=0.0))
        super().__init__(name, tables, widths, top_k, {**side, "base": popular.astype(np.float32)})

    def known(self, product: Any, features: Any, household: Any) -> tuple[tf.Tensor, tf.Tensor]:
        rows = candidates.rows(self.row_of, product)
        base = self.side["base"]
        return tf.broadcast_to(base[None, :], [tf.shape(rows)[0], tf.shape(base)[0]]), rows


class ServedTextRanker(ServedSearch):
    """The trained model, its product and text embeddings as float32 or as int8 rows with a scale for each half."""

    def known(self, product: Any, features: Any, household: Any) -> tuple[tf.Tensor, tf.Tensor]:
        weights = {key: tf.convert_to_tensor(value) for key, value in self.side.items() if key not in NOT_DENSE}
        side = search_scoring.Side(self.side["features"], self.side["base"], self.row_of, self._inner, self._taste)
        return search_scoring.personal(weights, side, product, features, household)

    def _inner(self, rows: tf.Tensor) -> tf.Tensor:
        table = self.side["embedding"]
        values = tf.gather(table, rows)[..., : table.shape[1] // 2]
        if "scale" not in self.side:
            return values
        return tf.cast(values, tf.float32) * tf.gather(self.side["scale"], rows)[..., :1]

    def _taste(self, user: tf.Tensor) -> tf.Tensor:
        """Every row is scored, so here an int8 table is widened; its scale is applied to the products."""
        table = self.side["embedding"]
        outer = tf.convert_to_tensor(table)[:, table.shape[1] // 2 :]
        if "scale" not in self.side:
            return tf.matmul(user, outer, transpose_b=True)
        return tf.matmul(user, tf.cast(outer, tf.float32), transpose_b=True) * self.side["scale"][None, :, 1]
