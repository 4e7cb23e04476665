"""Text inside a graph: the same pieces as include/features/text.py, as TensorFlow string operations.

Pieces are hashed to buckets by FarmHash64 (tf.strings.to_hash_bucket_fast), which is stable across machines and releases.
Products and queries go through this one function, in training, in the gates and in the served graph.

    e(q) = share * v / |v|,  v = sum of E[b] over the query's live buckets b,  share = live pieces / all pieces

A bucket is live when a text of the night's catalogue uses it. A query without a live piece has e(q) = 0: every product is
as near as any other, so that popularity and the household's own past decide.
"""

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from include.features.text import BYTES, SIZES, WORD

BUCKETS = 1 << 15
CHUNK = 2048
"""Texts of a catalogue that are cut at once."""
SEPARATORS = r"[^\p{L}\p{M}\p{N}]+"


def pieces(text: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """The buckets of texts [B], any bytes: rows int32 [N] (which text) and buckets int32 [N]."""
    row, word = _words(text)
    marked = tf.strings.join(["<", word, ">"])
    parts = [(row, tf.strings.join(["=", word]))]
    parts += [_groups(row, marked, size) for size in SIZES]
    buckets = [tf.strings.to_hash_bucket_fast(values, BUCKETS) for _, values in parts]
    return tf.concat([rows for rows, _ in parts], axis=0), tf.cast(tf.concat(buckets, axis=0), tf.int32)


def pieces_of(texts: Sequence[str] | np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """As `pieces`, of a whole catalogue and outside of a graph: int64 [N] each, rows in order of the chunks."""
    rows, buckets = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    for start in range(0, len(texts), CHUNK):
        row, bucket = pieces(tf.constant([str(text) for text in texts[start : start + CHUNK]], tf.string))
        rows.append(row.numpy().astype(np.int64) + start)
        buckets.append(bucket.numpy().astype(np.int64))
    return np.concatenate(rows), np.concatenate(buckets)


def encode(text: tf.Tensor, table: tf.Tensor, scale: tf.Tensor | None, live: tf.Tensor) -> tf.Tensor:
    """e(q) of texts [B] as float32 [B, D].

    Args:
        table: [BUCKETS, D] float32, or int8 with scale [BUCKETS, 2] for each half; live: float32 [BUCKETS], 0 or 1.
    """
    row, bucket = pieces(text)
    alive = tf.gather(live, bucket)
    values = tf.gather(table, bucket)
    if scale is not None:
        halves = tf.reshape(tf.cast(values, tf.float32), [-1, 2, table.shape[1] // 2])
        values = tf.reshape(halves * tf.gather(scale, bucket)[:, :, None], [-1, table.shape[1]])
    batch = tf.shape(text)[0]
    total = tf.math.unsorted_segment_sum(values * alive[:, None], row, batch)
    count = tf.math.unsorted_segment_sum(tf.stack([alive, tf.ones_like(alive)], axis=1), row, batch)
    share = count[:, :1] / tf.maximum(count[:, 1:], 1.0)
    return share * unit(total)


def unit(vectors: tf.Tensor) -> tf.Tensor:
    """Rows of length 1; a row of zeros stays one, and has a finite gradient."""
    return vectors * tf.math.rsqrt(tf.maximum(tf.reduce_sum(tf.square(vectors), axis=-1, keepdims=True), 1e-12))


def _words(text: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    cut = tf.strings.substr(text, 0, BYTES)
    clean = tf.strings.unicode_transcode(
        cut, "UTF-8", "UTF-8", errors="replace", replacement_char=ord(" "), replace_control_characters=True
    )
    spaced = tf.strings.regex_replace(tf.strings.lower(clean, encoding="utf-8"), SEPARATORS, " ")
    split = tf.raw_ops.StringSplitV2(input=spaced, sep="", maxsplit=-1)
    return tf.cast(split.indices[:, 0], tf.int32), tf.strings.substr(split.values, 0, WORD, unit="UTF8_CHAR")


def _groups(row: tf.Tensor, marked: tf.Tensor, size: int) -> tuple[tf.Tensor, tf.Tensor]:
    """Every group of `size` characters of marked words [W], laid end to end, with the row of each."""
    place = tf.range(WORD + 2 - size + 1)[None, :]
    room = tf.strings.join([marked, " " * (WORD + 2)])[:, None]
    found = tf.strings.substr(room, place, tf.fill(tf.shape(place), size), unit="UTF8_CHAR")
    inside = tf.where(place + size <= tf.strings.length(marked, unit="UTF8_CHAR")[:, None])
    return tf.gather(row, inside[:, 0]), tf.gather_nd(found, inside)
