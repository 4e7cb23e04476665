"""`search`: a query and a household; which of the products that match will it buy in the coming week?

The data hold no queries: ours are made from the texts of product types, and called synthetic (include/features/queries.py).
Both rivals are told the type that is meant; the candidate has to read it from the query.
"""

from include.recipes.columns import PROMOTED, Columns
from include.recipes.recipe import Gates, Recipe
from include.recipes.space import Among, Between, Space

RECIPES = (
    Recipe(surface="search", name="popularity", model="text_match", query=True),
    Recipe(
        surface="search",
        name="quick",
        model="text_ranker",
        query=True,
        columns=Columns(product=PROMOTED),
        train_weeks=16,
        history_slots=768,
        embedding=16,
        epochs=2,
        batch=32,
        learning_rate=3e-3,
        gates=Gates(beats=("popularity", "recency")),
    ),
)

SPACES: dict[str, Space] = {
    "quick": {
        "learning_rate": Between(low=5e-4, high=1e-2),
        "embedding": Among(values=(8, 16, 32)),
        "hidden": Among(values=((32, 16), (64, 32), (128, 64))),
        "epochs": Among(values=(2, 3, 4)),
        "batch": Among(values=(16, 32, 64)),
    },
}
