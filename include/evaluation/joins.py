"""What was shown joined with what was bought: one row for each judged answer, and for each rival's answer beside it.

The rivals (popularity, and recency for habit) answer the same households as of the same night, so every later comparison
is paired. Only products of the universe count as right, as in the gates: nobody can rank what hardly anybody bought.
"""

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from include import recipes
from include.evaluation import baselines
from include.evaluation.purchases import Purchases
from include.features.queries import variant_of
from include.serving.answer_log import Answer

PLACES = 20
RIVALS = {"popularity": baselines.popularity, "recency": baselines.recency}
REFERENCE = "reference"
"""The arm of a rival's rows: nobody was shown them."""

SCHEMA = pa.schema(
    [
        ("night", pa.date32()),
        ("household", pa.string()),
        ("model", pa.string()),
        ("arm", pa.string()),
        ("run", pa.string()),
        ("day", pa.date32()),
        ("products", pa.list_(pa.string())),
        ("right", pa.list_(pa.bool_())),
        ("relevant", pa.int32()),
        ("known", pa.int32()),
    ]
)
"""`products`: up to 20 places; `right`: was it bought in the seven days after the night; `relevant`: products of the universe
that the household bought in them; `known`: products that it had bought before."""

QUERY_SCHEMA = pa.schema(
    [*SCHEMA, ("query", pa.string()), ("meant", pa.string()), ("variant", pa.string()), ("type_first", pa.bool_())]
)
"""Of a surface that is asked with a query: what was typed, the words of the meant type, the way it was asked, and whether the
first product is of that type. `right` and `relevant` count products of the meant type only."""


def schema_of(surface: str) -> pa.Schema:
    """The columns of a surface's judged answers."""
    return QUERY_SCHEMA if recipes.asks_query(surface) else SCHEMA


def rows_of(
    night: dt.date,
    answers: Iterable[Answer],
    bought: dict[str, set[str]],
    universe: set[str],
    known: dict[str, int],
    plain: Mapping[str, str] | None = None,
) -> tuple[list[dict[str, Any]], int]:
    """Rows of SCHEMA of one night's answers, and how many answers have nothing to be judged by.

    With `plain` they are rows of QUERY_SCHEMA.

    Args:
        bought: what each household bought in the seven days after the night.
        universe: product ids that count.
        known: how many products each household had bought up to the night.
        plain: the words of each product's type, on a surface that is asked with a query.
    """
    rows, without = [], 0
    for answer in answers:
        right = bought.get(answer.household, set()) & universe
        if plain is not None:
            right = {product for product in right if answer.meant and plain.get(product) == answer.meant}
        if not right:
            without += 1
            continue
        products = answer.products[:PLACES]
        rows.append(
            {
                "night": night,
                "household": answer.household,
                "model": answer.model,
                "arm": answer.arm,
                "run": answer.run,
                "day": dt.date.fromisoformat(answer.day),
                "products": products,
                "right": [product in right for product in products],
                "relevant": len(right),
                "known": known.get(answer.household, 0),
                **({} if plain is None else _asked(answer, plain)),
            }
        )
    return rows, without


def rival_answers(
    night: dt.date,
    households: Sequence[str],
    purchases: Purchases,
    names: Sequence[str],
    ids: Sequence[str],
    universe: np.ndarray,
) -> list[Answer]:
    """What the rivals would have shown these households on that night.

    Args:
        purchases: weekly purchases up to the night, week 0 ends on it; `names` are its households.
        ids: shop ids by product index [V]; universe: bool [V].
    """
    within, allowed = purchases.within(universe), np.asarray(ids, object)[universe]
    number = {name: i for i, name in enumerate(names)}
    asked = [household for household in households if household in number]
    codes = np.array([number[household] for household in asked], np.int64)
    found = []
    for model, scorer in RIVALS.items():
        places = baselines.answers(scorer, within, 1, codes, PLACES)
        for household, row in zip(asked, places, strict=True):
            found.append(reference(night, household, model, allowed[row].tolist()))
    return found


def table_of(rows: list[dict[str, Any]], schema: pa.Schema = SCHEMA) -> pa.Table:
    """Rows as a table in one order, so that equal contents give equal bytes."""
    ordered = sorted(rows, key=lambda row: (row["night"], row["household"], row["model"], row.get("query", "")))
    return pa.Table.from_pylist(ordered, schema)


def _asked(answer: Answer, plain: Mapping[str, str]) -> dict[str, Any]:
    first = plain.get(answer.products[0]) if answer.products else None
    return {
        "query": answer.query,
        "meant": answer.meant,
        "variant": variant_of(answer.query, answer.meant),
        "type_first": first == answer.meant,
    }


def reference(night: dt.date, household: str, model: str, products: list[str], query: str = "", meant: str = "") -> Answer:
    """What a rival would have answered."""
    return Answer(
        request="",
        night=night.isoformat(),
        surface="",
        household=household,
        arm=REFERENCE,
        model=model,
        products=products,
        scores=[],
        ms=0.0,
        code="OK",
        day=(night + dt.timedelta(days=1)).isoformat(),
        run=REFERENCE,
        query=query,
        meant=meant,
    )
