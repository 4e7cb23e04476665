"""A pair ranker's weights and one night's products, put together into the tables that are served."""

from collections.abc import Mapping

import numpy as np

from include.models.int8_rows import quantise, widen
from include.models.tables import NightTables

EMBEDDINGS = ("product_embedding", "type_embedding", "category_embedding")
CUT = 8.0
"""Standardised features are cut at this many standard deviations."""


def product_side(arrays: Mapping[str, np.ndarray], tables: NightTables) -> dict[str, np.ndarray]:
    """Dense weights by name, `features` [R, P] standardised, `embedding` [R, 2 D] summed over product, type, category.

    When the weights' embeddings are int8, so is the summed table, with its own `scale` [R, 2].
    """
    dense = {name: value for name, value in arrays.items() if not name.startswith(EMBEDDINGS)}
    embedding = np.add.reduce([_rows(arrays, name, tables) for name in EMBEDDINGS]).astype(np.float32)
    embedding[0] = 0
    features = (tables.features - arrays["product_mean"]) / arrays["product_deviation"]
    dense["features"] = np.clip(features, -CUT, CUT).astype(np.float32)
    if f"{EMBEDDINGS[0]}_scale" in arrays:
        stored, scale = quantise(embedding)
        return dense | {"embedding": stored, "scale": scale}
    return dense | {"embedding": embedding}


def _rows(arrays: Mapping[str, np.ndarray], name: str, tables: NightTables) -> np.ndarray:
    number = getattr(tables, name.removesuffix("_embedding"))
    rows = arrays[name][number]
    scale = arrays.get(f"{name}_scale")
    return rows if scale is None else widen(rows, scale[number])
