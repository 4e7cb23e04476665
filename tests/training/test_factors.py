"""Product factors: what EASE says, from few numbers a product."""

import numpy as np
import pytest
import scipy.sparse as sp

from include.training.factors import SHRINK, product_factors


def purchases(users: int = 40, products: int = 25, seed: int = 0) -> sp.csr_matrix:
    return sp.csr_matrix(np.random.default_rng(seed).random((users, products)) < 0.3, dtype=np.float32)


def ease(x: np.ndarray) -> np.ndarray:
    """The weights of EASE [V, V], straight from their definition."""
    inverse = np.linalg.inv(x.T @ x + SHRINK * len(x) * np.eye(x.shape[1]))
    weights = -inverse / np.diag(inverse)
    np.fill_diagonal(weights, 0)
    return weights


def test_with_all_directions_they_are_ease() -> None:
    bought = purchases()
    factors = product_factors(bought, 25, seed=1)
    weights = factors[:, :25] @ factors[:, 25:].T
    np.fill_diagonal(weights, 0)
    assert weights == pytest.approx(ease(bought.toarray()), abs=1e-4)


def test_few_directions_are_enough_where_purchases_have_few() -> None:
    taste, kind = np.random.default_rng(0).integers(0, 3, 60), np.arange(30) % 3
    chance = np.where(taste[:, None] == kind, 0.8, 0.02)
    factors = product_factors(sp.csr_matrix(np.random.default_rng(1).random((60, 30)) < chance), 3, seed=1)
    weights = factors[:, :3] @ factors[:, 3:].T
    alike = kind[:, None] == kind
    assert weights[alike].min() > weights[~alike].max()


def test_how_often_somebody_bought_is_no_matter_and_equal_purchases_give_equal_bytes() -> None:
    bought = purchases()
    often = bought.multiply(np.arange(1, 26)).tocsr()
    assert product_factors(bought, 8, seed=1).tobytes() == product_factors(often, 8, seed=1).tobytes()


def test_a_small_shop_has_fewer_directions_than_asked_for() -> None:
    factors = product_factors(purchases(3, 5), 8, seed=1)
    assert factors.shape == (5, 16)
    assert (factors[:, 5:8] == 0).all() and np.isfinite(factors).all()
    assert not product_factors(sp.csr_matrix((4, 6)), 8, seed=1).any()
