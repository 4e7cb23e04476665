"""From a model and a night's products to what answers: the one list of builders that recipes name."""

from include.errors import Refused
from include.models.model import Model
from include.models.product_side import product_side
from include.models.serving import Served, ServedPairRanker, ServedPopularity
from include.models.tables import ProductTable


def serve(model: Model, products: ProductTable) -> Served:
    """A model that answers with the product side of one night.

    Raises:
        Refused: the recipe names a model that nobody builds.
    """
    tables = model.tables(products)
    name = model.name(tables)
    if model.recipe.model == "popularity":
        return ServedPopularity(name, tables, model.widths, model.recipe.top_k)
    if model.recipe.model == "pair_ranker":
        return ServedPairRanker(name, tables, model.widths, model.recipe.top_k, product_side(model.arrays, tables))
    raise Refused(f"Recipe {model.recipe.name} names a model '{model.recipe.model}'", "Use popularity or pair_ranker")
