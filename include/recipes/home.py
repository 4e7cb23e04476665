"""`home`: what will this household buy in the coming week?"""

from typing import Any

from include.recipes.columns import PROMOTED, Columns
from include.recipes.recipe import Recipe
from include.recipes.space import Among, Between, Space


def _small(name: str, **more: Any) -> Recipe:
    """A recipe of include/models/formulas.py: trained in under a minute on some hundred households, to compare with."""
    values = {"embedding_rate": 0.5, "epochs": 4, "batch": 128, "learning_rate": 3e-3} | more
    return Recipe(surface="home", name=name, model=name, cadence=0, **values)


RECIPES = (
    Recipe(surface="home", name="popularity", model="popularity"),
    Recipe(
        surface="home",
        name="quick",
        model="pair_ranker",
        embedding=16,
        epochs=4,
        batch=128,
        learning_rate=3e-3,
    ),
    Recipe(
        surface="home",
        name="two_stage",
        model="two_stage",
        columns=Columns(product=PROMOTED),
        train_weeks=30,
        history_slots=384,
        hot_products=8000,
        shortlist=116,
        factors=64,
        hidden=(128, 64),
        epochs=4,
        batch=64,
        learning_rate=2e-3,
    ),
    _small("matrix_factors", embedding=32),
    _small("two_tower", embedding=32),
    _small("cross_network", embedding=16, hidden=(32,)),
    _small("gru", embedding=32, hidden=(48,)),
    _small("transformer", embedding=32, hidden=(64,)),
)

_SMALL: Space = {
    "learning_rate": Between(low=5e-4, high=2e-2),
    "embedding_rate": Between(low=0.05, high=1.0),
    "embedding": Among(values=(16, 32, 64)),
    "epochs": Among(values=(2, 4, 8)),
}
SPACES: dict[str, Space] = {
    "quick": {
        "learning_rate": Between(low=5e-4, high=1e-2),
        "embedding": Among(values=(8, 16, 32)),
        "hidden": Among(values=((32, 16), (64, 32), (128, 64))),
        "epochs": Among(values=(2, 4, 6)),
        "batch": Among(values=(64, 128, 256)),
    },
    "two_stage": {
        "learning_rate": Between(low=5e-4, high=1e-2),
        "hidden": Among(values=((64, 32), (128, 64), (256, 128))),
        "epochs": Among(values=(2, 4, 6)),
        "batch": Among(values=(64, 128)),
    },
    **dict.fromkeys(("matrix_factors", "two_tower", "cross_network", "gru", "transformer"), _SMALL),
}
