"""The product side of a surface that is asked with a query: the tables of a night, and the texts of its products."""

from dataclasses import dataclass

import numpy as np

from include.errors import Refused
from include.features.text import query_of
from include.models.tables import NightTables, ProductTable, night_tables
from include.models.vocabulary import Vocabulary


@dataclass(frozen=True)
class QueryTables(NightTables):
    """As NightTables, with products of the same text together: there are some thousand texts for ten times as many rows.

    type_text, category_text [T] strings: the words of each text's two parts; text 0 is empty;
    text_of int32 [R]: which text a row has; 0 for row 0.
    """

    type_text: np.ndarray
    category_text: np.ndarray
    text_of: np.ndarray


def query_tables(table: ProductTable, vocabulary: Vocabulary, hot_products: int, hot_by: str) -> QueryTables:
    """A night's tables with texts.

    Raises:
        Refused: no product that may be answered has a text.
    """
    need_text(table)
    chosen = np.flatnonzero(table.universe)
    types, categories = queries_of(table.types[chosen]), queries_of(table.categories[chosen])
    pairs = sorted({("", ""), *zip(types, categories, strict=True)})
    place = {pair: i for i, pair in enumerate(pairs)}
    text_of = [0, *(place[pair] for pair in zip(types, categories, strict=True))]
    return QueryTables(
        **vars(night_tables(table, vocabulary, hot_products, hot_by)),
        type_text=np.array([one for one, _ in pairs], object),
        category_text=np.array([one for _, one in pairs], object),
        text_of=np.array(text_of, np.int32),
    )


def need_text(table: ProductTable) -> None:
    """Refuse a catalogue in which nothing can be searched for."""
    if not any(table.types[table.universe]):
        raise Refused(
            "No product that may be answered has a type, so there is no text to search in",
            "Give the catalogue a type (or map a text to it), or use a surface without a query",
        )


def queries_of(texts: np.ndarray) -> list[str]:
    """`query_of` of every text [V]; each different one is looked at once."""
    known = {text: query_of(str(text)) for text in set(texts.tolist())}
    return [known[text] for text in texts.tolist()]
