"""`home`: what will this household buy in the coming week?"""

from include.recipes.recipe import Recipe

RECIPES = (
    Recipe(surface="home", name="popularity", model="popularity"),
    Recipe(surface="home", name="quick", model="pair_ranker"),
)
