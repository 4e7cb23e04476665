"""Scores that are log-odds: of what is answered with score s, households that buy anything in the week after buy sigmoid(s).

    score = slope * logit + offset        slope > 0

A ranker's logits say what comes first, not how likely it is: a loss by pairs does not see what it would cost to add the same to
all of them. Two numbers turn them into log-odds and leave every order as it is (Platt, Probabilistic outputs for support vector
machines, 1999, section 2); include/training/calibrate.py finds them. New products asked for alone have a pair of their own.
"""

import tensorflow as tf

from include.models import candidates

NAME = "calibration"
"""The weight [2, 2]: slope and offset, of all products and of new ones alone. A model without it answers with its logits."""
EVERYTHING, ALONE = 0, 1


def log_odds(calibration: tf.Tensor, logits: tf.Tensor, exclude_bought: tf.Tensor) -> tf.Tensor:
    """Of answered logits [B, K]; a place without a candidate stays as it is."""
    found = tf.gather(calibration, tf.where(exclude_bought, ALONE, EVERYTHING))
    return tf.where(logits > candidates.NOTHING / 2, found[:, :1] * logits + found[:, 1:], logits)
