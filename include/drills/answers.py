"""Faults in the values of an answer: scores that are not finite, and scores that are all alike."""

import math

import tensorflow as tf

from include.drills.spoilt import Answer


def nan(answer: Answer, spoil: tf.Tensor) -> Answer:
    """As after a division by zero or a training that blew up: every score is NaN."""
    return {**answer, "score": tf.where(spoil, tf.constant(math.nan, tf.float32), answer["score"])}


def constant_scores(answer: Answer, spoil: tf.Tensor) -> Answer:
    """As with a last layer of zeros: every score is 0, so the order means nothing."""
    return {**answer, "score": tf.where(spoil, tf.constant(0.0), answer["score"])}
