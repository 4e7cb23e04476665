"""The quality judge on the real panel: three models whose order is known, on the households of one validation week."""

import numpy as np
import pytest

from benchmarks.models.protocol import fold
from include.evaluation import baselines, metrics
from include.rollout.quality import judge
from include.rollout.verdict import Kind

WEEK = 45


@pytest.fixture(scope="module")
def ndcg():
    known = fold(WEEK - 1)
    purchases, names = known.purchases, known.panel.household_ids.tolist()
    bought = np.bincount(purchases.household[purchases.week == WEEK], minlength=purchases.shape[0]) > 0
    households = np.flatnonzero(bought & purchases.known(WEEK))
    right = purchases.relevant(WEEK, households)

    def score(scorer):
        places = baselines.answers(scorer, purchases, WEEK, households)
        values = metrics.by_query(metrics.hits(places, right), np.array([len(r) for r in right]))["ndcg@10"]
        return {names[household]: float(value) for household, value in zip(households, values, strict=True)}

    return {"popularity": score(baselines.popularity), "recency": score(baselines.recency)}


def test_recency_advances_against_popularity(ndcg):
    assert judge(ndcg["popularity"], ndcg["recency"], margin=0.02).kind is Kind.ADVANCE


def test_popularity_is_rolled_back_against_recency(ndcg):
    assert judge(ndcg["recency"], ndcg["popularity"], margin=0.02).kind is Kind.ROLL_BACK


@pytest.mark.parametrize("model", ["popularity", "recency"])
def test_a_model_is_never_rolled_back_against_itself(ndcg, model):
    assert judge(ndcg[model], ndcg[model], margin=0.02).kind is Kind.ADVANCE
