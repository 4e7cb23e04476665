"""Synthetic queries: five ways to ask, each the same every time."""

import random

from hypothesis import given
from hypothesis import strategies as st

from include.features.queries import SHARES, VARIANTS, ask, asked_as, half_word, one_edit, other_order, variant_of, vary
from include.features.text import query_of

PLAIN = st.lists(st.text("abcdefghij", min_size=1, max_size=9), min_size=1, max_size=4).map(" ".join)
SEED = st.integers(0, 2**32).map(random.Random)


def distance(one: str, other: str) -> int:
    """Damerau-Levenshtein distance, in its restricted form."""
    table = [[i + j if i * j == 0 else 0 for j in range(len(other) + 1)] for i in range(len(one) + 1)]
    for i in range(1, len(one) + 1):
        for j in range(1, len(other) + 1):
            same = one[i - 1] == other[j - 1]
            table[i][j] = min(table[i - 1][j] + 1, table[i][j - 1] + 1, table[i - 1][j - 1] + (not same))
            if i > 1 and j > 1 and one[i - 1] == other[j - 2] and one[i - 2] == other[j - 1]:
                table[i][j] = min(table[i][j], table[i - 2][j - 2] + 1)
    return table[-1][-1]


@given(PLAIN, SEED)
def test_one_edit_is_one_edit(plain: str, rng: random.Random) -> None:
    edited = one_edit(plain, rng)
    gone_words = len(plain.split()) - len(edited.split())
    assert distance(edited, plain) <= 1 + gone_words  # a word of one letter takes its blank along
    assert edited != plain or len(plain) == 1
    assert edited == query_of(edited)


@given(PLAIN)
def test_half_of_the_last_word_is_left(plain: str) -> None:
    short, last = half_word(plain), plain.split()[-1]
    assert plain.startswith(short)
    assert len(plain) - len(short) == len(last) // 2


@given(PLAIN, SEED)
def test_another_order_has_the_same_words(plain: str, rng: random.Random) -> None:
    mixed = other_order(plain, rng)
    assert sorted(mixed.split()) == sorted(plain.split())
    assert mixed != plain or len(set(plain.split())) == 1


@given(PLAIN, st.sampled_from(VARIANTS))
def test_the_same_type_is_always_asked_for_alike(plain: str, variant: str) -> None:
    assert ask(variant, plain, "SOME CATEGORY") == ask(variant, plain, "SOME CATEGORY")
    assert ask(variant, plain, "SOME CATEGORY")


@given(PLAIN, st.sampled_from(VARIANTS[:-1]))
def test_the_way_is_told_from_the_query(plain: str, variant: str) -> None:
    query = ask(variant, plain, "")
    assert ask(variant_of(query, plain), plain, "") == query
    assert variant_of("dairy products", plain) == "category"


def test_a_type_without_a_category_is_asked_for_by_itself() -> None:
    assert ask("category", "green tea", "") == "green tea"
    assert ask("category", "green tea", "TEAS/ALL") == "teas all"


def test_shoppers_ask_in_every_way_about_as_often_as_said() -> None:
    ways = [asked_as(str(i), "green tea") for i in range(4000)]
    assert all(abs(ways.count(name) / 4000 - share) < 0.04 for name, share in zip(VARIANTS, SHARES, strict=True))
    assert asked_as("7", "green tea") == asked_as("7", "green tea")


def test_training_edits_come_from_the_generator() -> None:
    assert len({vary("one_edit", "hamburger buns", "", random.Random(i)) for i in range(50)}) > 30
