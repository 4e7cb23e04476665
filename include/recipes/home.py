"""`home`: what will this household buy in the coming week?"""

from include.recipes.recipe import Recipe

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
)
