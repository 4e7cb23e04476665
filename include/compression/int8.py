"""The int8 twin of a model: its embedding rows stored in a quarter of the bytes, all else untouched."""

from include.models.int8_rows import quantise
from include.models.model import Model
from include.models.product_side import EMBEDDINGS
from include.models.search_side import TEXT


def compress(model: Model) -> Model:
    """The same model with int8 embedding rows."""
    arrays = dict(model.arrays)
    for name in (name for name in (*EMBEDDINGS, TEXT) if name in arrays):
        arrays[name], arrays[f"{name}_scale"] = quantise(arrays[name])
    return model.with_arrays(arrays, "int8")
