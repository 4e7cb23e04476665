"""Synthetic queries: the data hold none, so each is made from the text of a product type, and called synthetic.

Five ways to ask for one type. Each is a fixed function of the text: the same type is always misspelt alike.

    plain         the words of the type
    one_edit      one letter dropped, added, changed, or swapped with its neighbour
    half_word     the last word breaks off after its first half
    other_order   the words in another order (one word stays as it is)
    category      the words of the type's category instead (the type's own where it has none)
"""

import random
import string

from include.features.text import query_of

VARIANTS = ("plain", "one_edit", "half_word", "other_order", "category")
SHARES = (0.4, 0.2, 0.15, 0.1, 0.15)
"""How often a synthetic shopper asks in each way."""


def ask(variant: str, plain: str, category: str) -> str:
    """The query for a type.

    Args:
        plain: the type's text as `query_of` gives it.
        category: the text of its category.
    """
    return vary(variant, plain, category, random.Random(f"{variant} {plain}"))


def vary(variant: str, plain: str, category: str, rng: random.Random) -> str:
    """As `ask`, with a misspelling and an order that depend on the generator."""
    if variant == "one_edit":
        return one_edit(plain, rng)
    if variant == "half_word":
        return half_word(plain)
    if variant == "other_order":
        return other_order(plain, rng)
    if variant == "category":
        return query_of(category) or plain
    return plain


def one_edit(text: str, rng: random.Random) -> str:
    """One letter away from the text; a text of one letter is left alone."""
    places = [i for i, letter in enumerate(text) if letter != " "]
    if len(places) < 2:
        return text
    for _ in range(20):
        i = rng.choice(places)
        letter = rng.choice(string.ascii_lowercase)
        swapped = text[:i] + text[i + 1 : i + 2] + text[i] + text[i + 2 :]
        edits = [text[:i] + text[i + 1 :], text[:i] + letter + text[i:], text[:i] + letter + text[i + 1 :]]
        edits += [swapped] if " " not in text[i : i + 2] and i + 1 < len(text) else []
        edited = query_of(rng.choice(edits))
        if edited not in (text, ""):
            return edited
    return text


def half_word(text: str) -> str:
    """The last word loses its second half: "hamburger buns" becomes "hamburger bu"."""
    first, blank, last = text.rpartition(" ")
    return first + blank + last[: (len(last) + 1) // 2]


def other_order(text: str, rng: random.Random) -> str:
    """The words in another order, when there is one."""
    words = text.split()
    if len(set(words)) < 2:
        return text
    mixed = list(words)
    while mixed == words:
        rng.shuffle(mixed)
    return " ".join(mixed)


def asked_as(household: str, plain: str) -> str:
    """In which way a synthetic shopper asks for a type; the same household always does it alike."""
    return random.Random(f"{household} {plain}").choices(VARIANTS, SHARES)[0]


def variant_of(query: str, plain: str) -> str:
    """How a type was asked for, told from the query."""
    return next((name for name in VARIANTS[:-1] if ask(name, plain, "") == query), VARIANTS[-1])
