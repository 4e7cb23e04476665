"""Parts of `two_stage` that can be left out, to see what each of them brings.

Features are set to 0 in training and in the questions alike, so that they say nothing; products without texts are all of one
type and category, so that kin says no more than how much the household buys at all.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from include.recipes.recipe import Recipe

if TYPE_CHECKING:
    from include.models.tables import ProductTable
    from include.training.examples import Examples, Parts


@dataclass(frozen=True)
class Part:
    """Columns of the slots and of the products, the product factors, the texts, constants of fit_two_stage, the last layer that
    orders new products when they are asked for alone, and values of the recipe."""

    name: str
    columns: frozenset[str] = frozenset()
    factors: bool = False
    texts: bool = False
    fit: Mapping[str, float | str] = field(default_factory=dict, hash=False)
    alone: bool = False
    recipe: Mapping[str, int] = field(default_factory=dict, hash=False)

    def history(self, features: np.ndarray, recipe: Recipe) -> np.ndarray:
        return self._without(features, recipe.columns.history)

    def examples(self, night: "Parts", recipe: Recipe) -> "Parts":
        return Less(night, self, recipe)

    def table(self, table: "ProductTable", recipe: Recipe) -> "ProductTable":
        changes = {"features": self._without(table.features, recipe.columns.product)}
        if self.factors and table.factors is not None:
            changes["factors"] = np.zeros_like(table.factors)
        if self.texts:
            changes |= {name: np.full(len(table.ids), "", object) for name in ("types", "categories")}
        return replace(table, **changes)

    def weights(self, arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Of a trained model. Where `alone` is left out, new products asked for alone are ordered as beside the slots."""
        one = ("hot_out", "hot_skip", "hot_offset") if self.alone else ()
        return dict(arrays) | {name: np.repeat(arrays[name][..., :1], arrays[name].shape[-1], axis=-1) for name in one}

    @contextmanager
    def constants(self) -> Iterator[None]:
        """Training with other constants."""
        from include.training import fit_two_stage

        before = {name: getattr(fit_two_stage, name) for name in self.fit}
        try:
            vars(fit_two_stage).update(self.fit)
            yield
        finally:
            vars(fit_two_stage).update(before)

    def _without(self, features: np.ndarray, names: tuple[str, ...]) -> np.ndarray:
        left_out = [place for place, name in enumerate(names) if name in self.columns]
        features = features.copy() if left_out else features
        features[..., left_out] = 0
        return features


@dataclass(frozen=True)
class Less:
    """One night's examples without a part."""

    night: "Parts"
    left_out: Part
    recipe: Recipe

    @property
    def parts(self) -> int:
        return self.night.parts

    def part(self, number: int) -> "Examples":
        whole = self.night.part(number)
        return replace(whole, history_features=self.left_out.history(whole.history_features, self.recipe))


WHOLE = Part("nothing")
