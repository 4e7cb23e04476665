"""`search`: a query and a household; which of the products that match will it buy in the coming week?

The data hold no queries: ours are made from the texts of product types, and called synthetic (include/features/queries.py).
Both rivals are told the type that is meant; the candidate has to read it from the query.
"""

from include.recipes.recipe import Gates, Recipe

RECIPES = (
    Recipe(surface="search", name="popularity", model="text_match", query=True),
    Recipe(
        surface="search",
        name="quick",
        model="text_ranker",
        query=True,
        history_slots=768,
        embedding=16,
        epochs=3,
        batch=32,
        learning_rate=3e-3,
        gates=Gates(beats=("popularity", "recency")),
    ),
)
