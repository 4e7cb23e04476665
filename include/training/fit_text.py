"""Learn which texts a query means: softmax cross-entropy over all texts of a night's catalogue.

    p(text | query) = softmax over texts of the text's part of the score        see include/models/search_scoring.py
    loss = - log sum of p over the texts that have the meant type

Queries are made from the types' own words, misspelt, broken off, mixed up or replaced by their category, each several
times. Half of a batch's types are drawn evenly, half as often as they are bought. Only buckets that the catalogue uses are
learned: the others keep the random directions they began with, by which texts of later products can still be told apart.
"""

import logging
import random
from collections.abc import Sequence
from typing import Any, NamedTuple

import keras
import numpy as np
import scipy.sparse as sp
import tensorflow as tf

from include.features.queries import vary
from include.models import text
from include.models.query_tables import QueryTables
from include.models.search_scoring import text_match
from include.models.search_side import OFFSET, TEXT, TEXT_SCALE, untrained
from include.training.loop import Batches, Course, Run, Side, train

log = logging.getLogger("nightfill")
BATCH = 256
RATE = 4e-3
TEXTS = 4000
"""A catalogue of more texts gets fewer steps, so that the time stays about the same; a sixth of them at least."""
POOL = 80_000
"""Queries that are made at most; in a larger catalogue each type has fewer, at least one of each kind."""
COPIES = {"plain": 2, "one_edit": 16, "half_word": 1, "broken": 5, "other_order": 2, "category": 3}
"""How many queries of each kind a type gets; `broken` breaks its last word off at any letter."""


class Pool(NamedTuple):
    """Queries: which type each means int [Q], its live pieces [Q, L] (csr of counts), the share of its pieces that live."""

    type: np.ndarray
    pieces: sp.csr_matrix
    share: np.ndarray


def fit_text(tables: QueryTables, width: int, seed: int, steps: int) -> dict[str, np.ndarray]:
    """`text_embedding` [BUCKETS, D], `text_scale` [1], `text_offset` [1]. Popularity is read from `recent`."""
    start = untrained(width, seed)
    live, parts = _live(tables)
    types = sorted({*tables.type_text.tolist()} - {""})
    place = {plain: i for i, plain in enumerate(types)}
    steps = max(-(-steps // 6), min(steps, steps * TEXTS // len(tables.type_text)))
    pool = _pool(tables, types, live, seed)
    type_of = np.array([place.get(plain, -1) for plain in tables.type_text], np.int32)
    model = _TextModel(start[TEXT][live], [_sparse(part) for part in parts], type_of, steps)
    chance = _chances(tables, types)[pool.type]
    rng = np.random.default_rng(seed)
    drawn = rng.choice(len(chance), (steps, BATCH), p=chance / chance.sum())

    def batches(planned: Sequence[np.ndarray], shares: Sequence[slice]) -> Batches:
        for chosen in planned:
            yield 0, [_batch(pool, chosen[share]) for share in shares]

    course = Course(1, lambda _: list(drawn), batches, [{}], model.loss, model.weights, model.apply, {})
    (losses,) = train(course, Run())
    log.info(
        "text: %d types, %d texts, %d live buckets, loss %.4f", len(types), len(type_of), len(live), np.mean(losses[-100:])
    )
    learned = start[TEXT].copy()
    learned[live] = model.table.numpy()
    return {TEXT: learned, "text_scale": model.scale.numpy(), "text_offset": model.offset.numpy()}


def _batch(pool: Pool, chosen: np.ndarray) -> dict[str, Any]:
    return {"pieces": _sparse(pool.pieces[chosen]), "share": pool.share[chosen], "meant": pool.type[chosen]}


class _TextModel:
    """The weights that are learned, and how."""

    def __init__(self, table: np.ndarray, parts: list[tf.SparseTensor], type_of: np.ndarray, steps: int) -> None:
        self.table = tf.Variable(table)
        self.scale = tf.Variable([TEXT_SCALE], dtype=tf.float32)
        self.offset = tf.Variable([OFFSET], dtype=tf.float32)
        self._parts, self._type_of = parts, tf.constant(type_of)
        self.weights = [self.table, self.scale, self.offset]
        self._adam = keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(RATE, steps))
        self._adam.build(self.weights)

    def loss(self, _: Side, batch: dict[str, Any]) -> tf.Tensor:
        types, categories = (text.unit(tf.sparse.sparse_dense_matmul(part, self.table)) for part in self._parts)
        asked = batch["share"][:, None] * text.unit(tf.sparse.sparse_dense_matmul(batch["pieces"], self.table))
        weights = {"text_scale": self.scale, "text_offset": self.offset}
        logp = tf.nn.log_softmax(text_match(weights, asked, types, categories))
        right = self._type_of[None, :] == batch["meant"][:, None]
        return -tf.reduce_logsumexp(tf.where(right, logp, -1e9), axis=1)

    def apply(self, gradients: list[tf.Tensor]) -> None:
        self._adam.apply(gradients, self.weights)


def _live(tables: QueryTables) -> tuple[np.ndarray, list[sp.csr_matrix]]:
    """Live buckets in order [L], and the pieces of types and of categories [T, L]."""
    counted = [_counts(texts) for texts in (tables.type_text, tables.category_text)]
    live = np.flatnonzero(sum(np.asarray(part.sum(0)).ravel() for part in counted))
    return live, [part[:, live] for part in counted]


def _counts(texts: np.ndarray) -> sp.csr_matrix:
    row, bucket = text.pieces_of(texts)
    return sp.csr_matrix((np.ones(len(row), np.float32), (row, bucket)), shape=(len(texts), text.BUCKETS))


def _pool(tables: QueryTables, types: list[str], live: np.ndarray, seed: int) -> Pool:
    categories: dict[str, list[str]] = {}
    for plain, category in zip(tables.type_text, tables.category_text, strict=True):
        categories.setdefault(plain, []).append(category)
    less = max(1.0, sum(COPIES.values()) * len(types) / POOL)
    queries, meant = [], []
    for number, plain in enumerate(types):
        rng = random.Random(f"{seed} {plain}")
        for kind, many in COPIES.items():
            copies = max(1, round(many / less))
            queries += [_query(kind, plain, rng.choice(categories[plain]), rng) for _ in range(copies)]
            meant += [number] * copies
    counts = _counts(np.array(queries, object))
    inside = counts[:, live]
    share = np.asarray(inside.sum(1)).ravel() / np.maximum(np.asarray(counts.sum(1)).ravel(), 1)
    return Pool(np.array(meant, np.int32), inside, share.astype(np.float32))


def _query(kind: str, plain: str, category: str, rng: random.Random) -> str:
    if kind != "broken":
        return vary(kind, plain, category, rng)
    first, blank, last = plain.rpartition(" ")
    return first + blank + last[: rng.randint((len(last) + 1) // 2, len(last))]


def _chances(tables: QueryTables, types: list[str]) -> np.ndarray:
    """Half evenly, half by how often products of the type were bought lately: float [types]."""
    place = {plain: i for i, plain in enumerate(types)}
    number = np.array([place.get(plain, -1) for plain in tables.type_text])[tables.text_of]
    bought = np.bincount(number[number >= 0], tables.recent[number >= 0], minlength=len(types))
    return 0.5 / len(types) + 0.5 * bought / max(bought.sum(), 1.0)


def _sparse(matrix: sp.csr_matrix) -> tf.SparseTensor:
    found = matrix.tocsr()
    found.sort_indices()
    entries = found.tocoo()
    indices = np.stack([entries.row, entries.col], axis=1).astype(np.int64)
    return tf.SparseTensor(indices, entries.data.astype(np.float32), entries.shape)
