"""What is hashed in a graph is what plain Python says, for any text."""

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import example, given, settings
from hypothesis import strategies as st

from include.features.text import BYTES, WORD, grams, query_of, words
from include.models import text

GRAPH = tf.function(text.pieces, input_signature=[tf.TensorSpec([None], tf.string)])
LATIN = st.text(st.characters(min_codepoint=32, max_codepoint=0x24F), max_size=80)


def buckets(*texts: str | bytes) -> list[list[int]]:
    row, bucket = GRAPH(tf.constant([one if isinstance(one, bytes) else one.encode() for one in texts], tf.string))
    return [sorted(bucket.numpy()[row.numpy() == i].tolist()) for i in range(len(texts))]


def hashed(one: str) -> list[int]:
    pieces = tf.constant(grams(one), tf.string) if grams(one) else tf.zeros([0], tf.string)
    return sorted(tf.strings.to_hash_bucket_fast(pieces, text.BUCKETS).numpy().tolist())


@settings(max_examples=150, deadline=None)
@given(LATIN)
@example("VEG JUICE (EXCEPT TOMATO) (50%")
@example("MENS /BOYS  SOCKS")
@example("Äpfel, ÉCLAIR; straße")
@example("हिन्दी 東京 치즈 ΣΑΣ")
@example("a" * 300)
@example("")
def test_graph_and_python_cut_a_text_into_the_same_pieces(one: str) -> None:
    assert buckets(one) == [hashed(one)]


def test_a_batch_keeps_its_texts_apart() -> None:
    texts = ["green tea", "", "dog food", "??"]
    assert buckets(*texts) == [hashed(one) for one in texts]


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=400))
def test_any_bytes_are_cut_into_few_pieces(raw: bytes) -> None:
    assert len(buckets(raw)[0]) <= 3 * BYTES


def test_a_hash_never_changes() -> None:
    """Weights are stored by bucket: another hash would make every stored model useless."""
    found = tf.strings.to_hash_bucket_fast(tf.constant(["=tea", "<tea", "tea>"]), text.BUCKETS).numpy().tolist()
    assert found == PINNED


PINNED = [4508, 14492, 15737]


@given(st.text(max_size=200))
def test_a_query_asked_again_is_the_same_query(one: str) -> None:
    assert query_of(query_of(one)) == query_of(one)
    assert all(0 < len(word) <= WORD for word in words(one))


@pytest.mark.parametrize("scaled", [False, True])
def test_a_text_without_a_live_piece_is_nothing_and_not_nan(scaled: bool) -> None:
    table = tf.ones([text.BUCKETS, 4], tf.int8 if scaled else tf.float32)
    scale = tf.ones([text.BUCKETS, 2]) if scaled else None
    found = text.encode(tf.constant(["tea", "", "?"]), table, scale, tf.zeros([text.BUCKETS])).numpy()
    assert (found == 0).all()
    assert np.allclose(np.linalg.norm(text.encode(tf.constant(["tea"]), table, scale, tf.ones([text.BUCKETS])), axis=1), 1)
