"""A trained model as plain arrays, and how it is put together with any night's products.

This is what a bundle keeps in assets.extra/weights.npz and vocabulary.json, so that gates can ask a model as of an
earlier night. Nothing here is unpickled, and no Keras file is read.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from include.canonical import digest
from include.errors import Refused
from include.models.factor_tables import factor_tables
from include.models.query_tables import query_tables
from include.models.tables import NightTables, ProductTable, night_tables
from include.models.vocabulary import Vocabulary
from include.recipes.recipe import Recipe

EXPORT_VERSION = 1
PRECISIONS = ("fp32", "int8")


@dataclass(frozen=True)
class Model:
    """Weights by name, and what is needed to read them.

    widths: number of features by side (history, product, household); spec: digest of the feature spec;
    precision: how the embedding rows are stored, here and in the served graph; start: name of the model that its training
    went on from, if it did.
    """

    recipe: Recipe
    vocabulary: Vocabulary
    arrays: Mapping[str, np.ndarray]
    widths: Mapping[str, int]
    spec: str
    precision: str = "fp32"
    start: str = ""
    _cache: dict[str, str] = field(default_factory=dict, compare=False, repr=False)

    def tables(self, products: ProductTable) -> NightTables:
        """A night's products as this model reads them."""
        hot_by = "recent" if self.recipe.model == "popularity" else "trend"
        make = query_tables if self.recipe.query else factor_tables if self.recipe.factors else night_tables
        return make(products, self.vocabulary, self.recipe.hot_products, hot_by)

    def name(self, tables: NightTables) -> str:
        """16 hex digits: the digest of weights, product-side tables, vocabulary, spec, export version and answer length."""
        if "weights" not in self._cache:
            self._cache["weights"] = digest_arrays(self.arrays)
        return digest(
            {
                "weights": self._cache["weights"],
                "tables": digest_arrays(vars(tables)),
                "vocabulary": digest(self.vocabulary.model_dump(mode="json")),
                "spec": self.spec,
                "export": EXPORT_VERSION,
                "precision": self.precision,
                "model": self.recipe.model,
                "top_k": self.recipe.top_k,
                **({"shortlist": self.recipe.shortlist} if self.recipe.factors else {}),
                **({"start": self.start} if self.start else {}),
            }
        )[:16]

    def with_arrays(self, arrays: Mapping[str, np.ndarray], precision: str) -> "Model":
        return replace(self, arrays=arrays, precision=precision, _cache={})

    def save(self, folder: Path) -> None:
        """Write weights.npz, vocabulary.json and model.json."""
        folder.mkdir(parents=True, exist_ok=True)
        np.savez(folder / "weights.npz", **dict(self.arrays))  # type: ignore[arg-type]
        (folder / "vocabulary.json").write_text(self.vocabulary.model_dump_json())
        about = {
            "recipe": self.recipe.model_dump(mode="json"),
            "widths": dict(self.widths),
            "spec": self.spec,
            "precision": self.precision,
            "export": EXPORT_VERSION,
            **({"start": self.start} if self.start else {}),
        }
        (folder / "model.json").write_text(json.dumps(about, indent=1, sort_keys=True))

    @classmethod
    def load(cls, folder: Path) -> "Model":
        """Read what `save` wrote.

        Raises:
            Refused: a file is missing or unreadable, or a newer version wrote it.
        """
        return cls.from_files({name: folder / name for name in FILES})

    @classmethod
    def from_files(cls, files: Mapping[str, Path]) -> "Model":
        """As `load`, from files that may lie anywhere (a store's objects). Raises Refused."""
        try:
            about = json.loads(files["model.json"].read_bytes())
            if about["export"] > EXPORT_VERSION or about["precision"] not in PRECISIONS:
                raise Refused(
                    f"The model was exported by a newer version ({about['export']}, {about['precision']})", "Upgrade Nightfill"
                )
            with np.load(files["weights.npz"], allow_pickle=False) as arrays:
                weights = {key: arrays[key] for key in arrays.files}
            vocabulary = Vocabulary.model_validate_json(files["vocabulary.json"].read_bytes())
            recipe = Recipe.model_validate(about["recipe"])
        except (OSError, KeyError, ValueError) as error:
            raise Refused(f"The model cannot be read: {error}", "Train it again, or restore the bundle") from error
        return cls(recipe, vocabulary, weights, about["widths"], about["spec"], about["precision"], about.get("start", ""))


FILES = ("weights.npz", "vocabulary.json", "model.json")


def digest_arrays(arrays: Mapping[str, np.ndarray]) -> str:
    """One digest of named arrays: names, types, shapes and values."""
    parts = {}
    for name, value in arrays.items():
        flat = "\0".join(map(str, value)).encode() if value.dtype == object else np.ascontiguousarray(value).tobytes()
        parts[name] = digest({"type": str(value.dtype), "shape": list(value.shape), "bytes": digest(flat)})
    return digest(parts)
