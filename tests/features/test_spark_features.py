"""Every feature in Spark against the numpy reader, to 1e-6."""

import datetime as dt

import numpy as np
import pyarrow as pa
import pytest

from include.errors import Refused
from include.features.asof import History
from include.features.spark_history import SparkHistory
from include.features.spark_session import open_session
from tests.features.plain_shops import PlainShop, plain_shop

pytestmark = pytest.mark.slow

HOUSEHOLDS = ["h1", "h2", "stranger", *(f"h{number}" for number in range(3, 8)), "h1"]


@pytest.fixture(scope="module")
def spark(tmp_path_factory):
    session = open_session("local[2]", "1g", tmp_path_factory.mktemp("spark"))
    session.conf.set("spark.sql.shuffle.partitions", "2")
    yield session
    session.stop()


def both(spark, name: str) -> tuple[PlainShop, History, SparkHistory]:
    shop = plain_shop(name)
    told = shop.store, shop.date(shop.last), shop.spec, shop.country
    return shop, History.load(*told), SparkHistory.load(spark, *told)


def alike(left: np.ndarray, right: np.ndarray) -> bool:
    return left.dtype == right.dtype and left.shape == right.shape and np.allclose(left, right, rtol=1e-6, atol=1e-6)


def test_a_view_answers_as_the_numpy_reader_does(spark) -> None:
    shop, numpy, sparks = both(spark, "dense")
    night = shop.date(9)
    one, two = numpy.view(night), sparks.view(night)
    assert one.product_ids == two.product_ids and one.households == two.households
    assert (one.universe == two.universe).all() and alike(one.product_features, two.product_features)
    assert all((one.content[name] == two.content[name]).all() for name in one.content)
    mine, other = one.household_inputs(HOUSEHOLDS, 3), two.household_inputs(HOUSEHOLDS, 3)
    assert mine.keys() == other.keys()
    assert [name for name in mine if not alike(mine[name], other[name])] == []
    week = shop.date(2), night
    assert numpy.bought(*week) == sparks.bought(*week)


@pytest.mark.long
def test_households_on_several_nights_are_joined_at_once(spark) -> None:
    shop, numpy, sparks = both(spark, "year")
    nights = [shop.date(night) for night in (30, 210, 399)]
    values = [value for _, value in shop.spec.chosen["history"]]
    asked = [(household, night) for night in nights for household in ("h1", "h3", "nobody")]
    table = pa.table({"household": [name for name, _ in asked], "night": [night for _, night in asked]})
    frames = sparks.at(nights)
    rows = frames.features("pair", values, frames.local(table)).toArrow().to_pylist()
    found = {(row["night"], row["household"], row["product_index"]): row for row in rows}
    seen = 0
    for night in nights:
        inputs = numpy.view(night).household_inputs(["h1", "h3"], 16)
        for household, products, features in zip(("h1", "h3"), *list(inputs.values())[:2], strict=True):
            for product, right in zip(products[products >= 0], features, strict=False):
                mine = [float(found[night, household, product][f"v{i}"]) for i in range(len(values))]
                assert alike(np.array(mine, np.float32), right), (night, household, product)
                seen += 1
    assert seen == len(found) > 20


@pytest.mark.long
def test_strangers_nobody_and_nights_outside(spark) -> None:
    shop, numpy, sparks = both(spark, "lonely")
    first, last = numpy.view(shop.date(0)), sparks.view(shop.date(0))
    for asked in ([], ["stranger"]):
        mine, other = first.household_inputs(asked, 8), last.household_inputs(asked, 8)
        assert [name for name in mine if not alike(mine[name], other[name])] == []
    with pytest.raises(Refused, match="is not within"):
        sparks.view(shop.date(-1))
    with pytest.raises(Refused, match="are not known on night"):
        sparks.bought(shop.date(0), shop.date(shop.last) + dt.timedelta(days=1))
