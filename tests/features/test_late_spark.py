"""Late, corrected and cancelled lines in a real Spark session, against a reference that looks at every line for every row."""

import datetime as dt
import random
from pathlib import Path

import pytest

from include import nights
from include.features.build import Builder
from include.features.chain import read_nights
from include.features.counters import day_number
from include.features.publish import prepare, publish_night
from include.features.rows import Rows, State
from include.features.spark_session import open_session
from include.store.objects import Store, open_store
from tests.features.plain_etl import Purchase, feature_rows, known_on, land_shop

pytestmark = pytest.mark.slow

START = dt.date(2017, 3, 6)
LAST = 6
DAYS = nights.span(START, START + dt.timedelta(days=LAST))
COUNTED = {
    "household_product": ("units", "cents", "discount_cents", "days_total", "units_total", "cents_total", "gap_square_total"),
    "product": ("buyers", "new_buyers", "units", "cents", "buyers_total", "new_buyers_total", "units_total", "cents_total"),
    "household": ("baskets", "products", "new_products", "cents", "baskets_total", "new_products_total", "days_total"),
}


@pytest.fixture(scope="module")
def spark(tmp_path_factory):
    session = open_session("local[2]", "1g", tmp_path_factory.mktemp("spark"))
    yield session
    session.stop()


def history(seed: int) -> list[Purchase]:
    """Lines of a week. Some come late, some are corrected (another household, another money), some are cancelled."""
    chance = random.Random(seed)
    lines = []
    for number in range(60):
        day = chance.randrange(LAST + 1)
        who, what = f"h{chance.randrange(4)}", f"p{chance.randrange(6)}"
        first = Purchase(who, what, day, 1 + number % 3, 90 + number, number % 5, day, number)
        if chance.random() < 0.15:
            first = _told(first, known=min(LAST, day + chance.randint(1, 4)))
        lines.append(first)
        while chance.random() < 0.2 and lines[-1].night < LAST:
            lines.append(_corrected(lines[-1], chance))
    return lines


def _told(line: Purchase, **changes: object) -> Purchase:
    return Purchase(**(vars(line) | changes))


def _corrected(line: Purchase, chance: random.Random) -> Purchase:
    known = chance.randint(line.night + 1, LAST)
    what = chance.choice(("cancelled", "cents", "household", "again"))
    changes = {"cancelled": {"units": 0, "cents": 0}, "cents": {"cents": line.cents + 7}, "household": {"household": "h9"}}
    return _told(line, known=known, **changes.get(what, {}))


LINES = history(1)


def build(spark, store: Store, folder: Path, parts: list[list[dt.date]]) -> None:
    for part in parts:
        out = folder / f"features-{part[0]}"
        Builder(spark, store, out).build(part)
        for ready in prepare(store, out):
            publish_night(store, ready)


def shown(state: State, night: int) -> dict[str, dict[tuple, list[tuple]]]:
    """Key -> rows of counted columns up to a night, by dataset, with the products' own ids."""
    ids = state.product_ids.to_pylist()
    pairs = [(state.households[h], ids[p]) for h, p in zip(state.pair_household, state.pair_product, strict=True)]
    keys = {"household_product": pairs, "product": [(name,) for name in ids], "household": [(h,) for h in state.households]}
    counters = {"household_product": state.pairs, "product": state.products, "household": state.visits}
    found: dict[str, dict[tuple, list[tuple]]] = {}
    for dataset, mine in counters.items():
        rows: dict[tuple, list[tuple]] = {}
        for place, (entity, day) in enumerate(zip(mine.entity, mine.day, strict=True)):
            values = tuple(int(mine.columns[name][place]) for name in COUNTED[dataset])
            if day <= day_number(DAYS[night]) and any(values):
                rows.setdefault(keys[dataset][entity], []).append((int(day), *values))
        found[dataset] = rows
    return found


def wanted(lines: list[Purchase], night: int) -> dict[str, dict[tuple, list[tuple]]]:
    rows = feature_rows(known_on(lines, night), DAYS[: night + 1])
    names = {row["product_index"]: row["product"] for part in rows["product_index"] for row in part}
    found: dict[str, dict[tuple, list[tuple]]] = {dataset: {} for dataset in COUNTED}
    for dataset, columns in COUNTED.items():
        for row in [row for part in rows[dataset] for row in part]:
            product = (names[row["product_index"]],) if "product_index" in row else ()
            key = ((row["household"],) if "household" in row else ()) + product
            found[dataset].setdefault(key, []).append((day_number(row["day"]), *(row[name] for name in columns)))
    return found


def files_of(store: Store) -> dict[str, bytes]:
    root = store.root  # type: ignore[attr-defined]
    return {str(p.relative_to(root)): p.read_bytes() for p in root.rglob("*") if p.is_file() and p.suffix != ".lock"}


@pytest.fixture(scope="module")
def range_store(spark, tmp_path_factory) -> Store:
    root = tmp_path_factory.mktemp("range")
    store = open_store(str(root / "store"))
    land_shop(store, root, LINES, START, DAYS)
    build(spark, store, root, [DAYS])
    return store


def test_the_history_has_every_kind_of_late_line():
    late = [line for line in LINES if line.day < line.night]
    assert len({line.night for line in late}) >= 4
    assert any(line.units == 0 for line in late) and any(line.household == "h9" for line in late)


def test_every_night_is_as_the_lines_known_by_then_say(range_store):
    rows = Rows(range_store, read_nights(range_store, DAYS[-1]), COUNTED)
    for night in range(LAST + 1):
        assert shown(rows.as_of(DAYS[night]), night) == wanted(LINES, night), night


def test_an_old_night_reads_the_same_when_later_nights_are_loaded_with_it(range_store):
    whole = Rows(range_store, read_nights(range_store, DAYS[-1]), COUNTED)
    for night in range(LAST + 1):
        alone = Rows(range_store, read_nights(range_store, DAYS[night]), COUNTED).as_of(DAYS[night])
        among = whole.as_of(DAYS[night])
        assert shown(alone, night) == shown(among, night)
        assert alone.product_ids.equals(among.product_ids.slice(0, among.products_until(DAYS[night])))


def test_one_range_and_night_by_night_give_the_same_bytes_with_late_lines(spark, range_store, tmp_path):
    store = open_store(str(tmp_path / "store"))
    land_shop(store, tmp_path, LINES, START, DAYS)
    build(spark, store, tmp_path, [[night] for night in DAYS])
    by_range, by_night = files_of(range_store), files_of(store)
    assert by_range.keys() == by_night.keys()
    assert [name for name in by_range if by_range[name] != by_night[name]] == []


@pytest.mark.long
@pytest.mark.parametrize("seed", range(2, 8))
def test_other_histories_agree_with_the_lines_known_by_each_night(spark, tmp_path, seed):
    lines, store = history(seed), open_store(str(tmp_path / "store"))
    land_shop(store, tmp_path, lines, START, DAYS)
    build(spark, store, tmp_path, [DAYS[:4], DAYS[4:5], DAYS[5:]])
    rows = Rows(store, read_nights(store, DAYS[-1]), COUNTED)
    for night in range(LAST + 1):
        assert shown(rows.as_of(DAYS[night]), night) == wanted(lines, night), night
