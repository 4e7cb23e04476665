"""The catalogue of a shop that has none: what its purchase lines have said of each product so far, day by day.

A product is in it from the night that delivered its first line. Its words are those of its latest sale up to a night (a
later sale without a word leaves the old one, and so does a line that came late), so an old night's catalogue never says what
was written later.
"""

import datetime as dt
import itertools
from collections.abc import Callable, Iterable, Sequence
from operator import itemgetter

import pyarrow as pa
import pyarrow.compute as pc

from include.sources.shop.lines import WORDS
from include.sources.shop.mapping import NotMerchandise
from include.sources.source import PRODUCTS

Words = tuple[str | None, ...]


def words_of(lines: pa.Table) -> pa.Table:
    """known, late, product, at and WORDS: each different saying of a night once, with its latest moment.

    Returned lines say nothing.
    """
    silent = lines["returned"]
    said = {name: pc.if_else(silent, None, lines[name]) for name in WORDS}
    late = pc.less(lines["day"], lines["known"])
    table = pa.table({"known": lines["known"], "late": late, "product": lines["product"], "at": lines["at"], **said})
    return (
        table.group_by(["known", "late", "product", *WORDS], use_threads=False)
        .aggregate([("at", "max")])
        .rename_columns({"at_max": "at"})
    )


class Catalogue:
    """PRODUCTS as of any day.

    Args:
        words: what `words_of` found, of all files.
        goods: whether a product code is merchandise; a rule on codes alone, so it does not change in time.
    """

    def __init__(self, words: Iterable[pa.Table], goods: Callable[[Sequence[str]], list[bool]]) -> None:
        self._goods = goods
        self._changes: list[tuple[dt.date, dict[str, Words]]] = []
        tables = list(words)
        self._learn(pa.concat_tables(tables) if tables else None)

    def _learn(self, words: pa.Table | None) -> None:
        if words is None or not words.num_rows:
            return
        order = [(name, "ascending") for name in ("known", "at", "product", *WORDS)]
        rows = words.sort_by(order).select(["known", "late", "product", *WORDS]).to_pydict()
        known: dict[str, Words] = {}
        for day, lines in itertools.groupby(zip(*rows.values(), strict=True), key=itemgetter(0)):
            today: dict[str, Words] = {}
            for _, late, product, *said in lines:
                before = today.get(product) or known.get(product) or (None,) * len(WORDS)
                first, second = (before, said) if late else (said, before)
                today[product] = tuple(a or b for a, b in zip(first, second, strict=True))
            changed = {product: said for product, said in today.items() if known.get(product) != said}
            known |= changed
            if changed:
                self._changes.append((day, changed))

    def changed(self, day: dt.date) -> bool:
        """Whether a day brought a new product or another word."""
        return any(when == day for when, _ in self._changes)

    def as_of(self, day: dt.date) -> pa.Table:
        """PRODUCTS sorted by product. Where no type is mapped, a product's text is its type."""
        known: dict[str, Words] = {}
        for when, changed in self._changes:
            if when <= day:
                known |= changed
        products = sorted(known)
        words = {name: [known[product][place] for product in products] for place, name in enumerate(WORDS)}
        columns = {
            "product": products,
            "department": words["department"],
            "category": words["category"],
            "type": [kind or text for kind, text in zip(words["type"], words["text"], strict=True)],
            "manufacturer": [None] * len(products),
            "brand": words["brand"],
            "size": [None] * len(products),
            "merchandise": self._goods(products),
        }
        return pa.table(columns, schema=PRODUCTS)


def goods(rule: NotMerchandise) -> Callable[[Sequence[str]], list[bool]]:
    """Which product codes are merchandise, by the mapping's rule."""
    codes = frozenset(rule.codes)

    def judge(products: Sequence[str]) -> list[bool]:
        other = [product in codes for product in products]
        texts = pa.array(products, pa.string())
        for pattern in rule.patterns:
            other = [a or b for a, b in zip(other, pc.match_substring_regex(texts, pattern).to_pylist(), strict=True)]
        return [not one for one in other]

    return judge
