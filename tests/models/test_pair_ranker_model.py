"""The pair ranker, as float32 and as int8."""

import numpy as np

from include.models.tables import ProductTable, night_tables
from include.models.vocabulary import Vocabulary
from tests import toy_models
from tests.model_claims import ModelClaims, RankerClaims


class TestPairRanker(RankerClaims):
    kind = "pair_ranker"


class TestInt8(ModelClaims):
    kind = "int8"


def test_row_zero_stands_for_what_may_not_be_answered() -> None:
    universe = np.array([True, False, True, True])
    ids = np.array(["a", "b", "c", "d"], object)
    score = np.array([1, 9, 3, 2], np.float32)
    table = ProductTable(ids, universe, np.ones((4, 2), np.float32), ids, ids, score, score)
    tables = night_tables(table, Vocabulary.of(["a", "c"], ["d"], []), 4)
    assert tables.row_of.tolist() == [1, 0, 2, 3, 0]
    assert tables.ids.tolist() == ["", "a", "c", "d"]
    assert tables.product.tolist() == [0, 1, 2, 0]
    assert tables.type.tolist() == [0, 0, 0, 1]
    assert tables.hot.tolist() == [2, 3, 1, 0]
    assert tables.hot_place.tolist() == [4, 2, 0, 1]
    assert (tables.features[0] == 0).all()


def test_a_product_unknown_to_the_vocabulary_keeps_its_type() -> None:
    arrays = toy_models.trained().arrays
    assert (arrays["product_embedding"][0] == 0).all()
    assert np.abs(arrays["type_embedding"][1:]).max() > 0
