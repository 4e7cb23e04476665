"""A search model's weights and one night's products, put together into the tables that are served."""

from collections.abc import Mapping

import numpy as np
import scipy.sparse as sp
import tensorflow as tf

from include.models import search_scoring, text
from include.models.int8_rows import widen
from include.models.product_side import product_side
from include.models.query_tables import QueryTables

TEXT = "text_embedding"
TEXT_SCALE = 20.0
OFFSET = -2.0
"""k and b of the formula before anything is learned: a full match outweighs every popularity, of a type that of a category."""


def untrained(width: int, seed: int) -> dict[str, np.ndarray]:
    """Weights of plain text match: random directions, in which texts without a common piece are nearly orthogonal."""
    table = np.random.default_rng(seed).normal(0, width**-0.5, (text.BUCKETS, width))
    return {
        TEXT: table.astype(np.float32),
        "text_scale": np.array([TEXT_SCALE], np.float32),
        "text_offset": np.array([OFFSET], np.float32),
    }


def text_side(arrays: Mapping[str, np.ndarray], tables: QueryTables) -> dict[str, np.ndarray]:
    """`text_embedding` (with its scale if int8), `types` and `categories` float32 [T, D], `live` float32 [BUCKETS],
    `text_scale` and `text_offset` [1]: k and b."""
    scale = arrays.get(f"{TEXT}_scale")
    wide = arrays[TEXT] if scale is None else widen(arrays[TEXT], scale)
    live = np.zeros(text.BUCKETS, np.float32)
    for texts in (tables.type_text, tables.category_text):
        live[text.pieces_of(texts)[1]] = 1
    found = {name: arrays[name] for name in (TEXT, "text_scale", "text_offset")} | {"live": live}
    found |= {"types": _encoded(tables.type_text, wide), "categories": _encoded(tables.category_text, wide)}
    return found if scale is None else found | {f"{TEXT}_scale": scale}


def search_side(arrays: Mapping[str, np.ndarray], tables: QueryTables) -> dict[str, np.ndarray]:
    """All of a trained model: the text's tables, the dense weights, `features`, `embedding` (with `scale` if int8), `base`."""
    mine = {name: value for name, value in arrays.items() if not name.startswith("text_")}
    side = product_side(mine, tables)
    weights = {name: tf.constant(value) for name, value in side.items() if name.startswith("product_")}
    side["base"] = search_scoring.base(weights, tf.constant(side["features"])).numpy()
    return side | text_side(arrays, tables)


def _encoded(texts: np.ndarray, table: np.ndarray) -> np.ndarray:
    row, bucket = text.pieces_of(texts)
    counts = sp.csr_matrix((np.ones(len(row), np.float32), (row, bucket)), shape=(len(texts), text.BUCKETS))
    return text.unit(tf.constant((counts @ table).astype(np.float32))).numpy()
