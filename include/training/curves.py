"""How the loss fell, for people: a picture, and events for TensorBoard (tensorboard --logdir <work>/curves)."""

import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import tensorflow as tf
from matplotlib.figure import Figure
from tensorflow.core.framework.summary_pb2 import Summary
from tensorflow.core.util.event_pb2 import Event


def write_curves(losses: Sequence[Sequence[float]], folder: Path) -> None:
    """loss.png and TensorBoard's events, in place of what is in the folder.

    Args:
        losses: the loss of each step, by epoch.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    steps = np.concatenate([np.asarray(epoch) for epoch in losses])
    with tf.io.TFRecordWriter(str(folder / "events.out.tfevents.loss")) as file:
        file.write(Event(file_version="brain.Event:2").SerializeToString())
        for tag, values in (("loss/step", steps), ("loss/epoch", [np.mean(epoch) for epoch in losses])):
            for number, loss in enumerate(values, 1):
                summary = Summary(value=[Summary.Value(tag=tag, simple_value=loss)])
                file.write(Event(step=number, summary=summary).SerializeToString())
    ends = np.cumsum([len(epoch) for epoch in losses])
    figure = Figure(figsize=(6.4, 3.2), layout="constrained")
    axes = figure.subplots()
    axes.plot(np.arange(1, len(steps) + 1), steps, color="#c9a227", linewidth=0.8, label="step")
    axes.plot(ends, [np.mean(epoch) for epoch in losses], color="#b4532a", marker="o", label="mean of the epoch")
    axes.set(xlabel="step", ylabel="loss")
    axes.legend(frameon=False)
    figure.savefig(folder / "loss.png", dpi=110)
