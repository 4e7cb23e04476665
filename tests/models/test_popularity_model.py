"""The popularity model."""

import numpy as np

from tests import toy_models
from tests.model_claims import ModelClaims, ask
from tests.toy_shop import NIGHT


class TestPopularity(ModelClaims):
    kind = "popularity"

    def test_everybody_gets_what_most_bought_in_the_last_week(self) -> None:
        answers = ask(self.kind, toy_models.question())
        recent = toy_models.workspace()[0].products(NIGHT).recent
        assert answers["score"][0].tolist()[:16] == np.sort(recent)[::-1][:16].tolist()
        assert (answers["product"] == answers["product"][0]).all()

    def test_places_without_a_product_are_empty_at_the_end(self) -> None:
        answers = ask(self.kind, toy_models.question())
        assert (answers["product"][:, 16:] == "").all()
        assert (answers["product"][:, :16] != "").all()
