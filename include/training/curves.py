"""How a training went, for people: pictures of the loss and of what scores mean, and events for TensorBoard.

tensorboard --logdir <work>/curves
"""

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

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


def write_reliability(told: Mapping[str, Mapping[str, Any]], folder: Path) -> None:
    """reliability.png: what share was bought of what was said to be bought with some chance; none where nothing was measured.

    Args:
        told: by way of asking, what include/evaluation/reliability.py says.
    """
    ways = {way: one["bins"] for way, one in told.items() if one.get("bins")}
    if not ways:
        return
    figure = Figure(figsize=(3.6, 3.6), layout="constrained")
    axes = figure.subplots()
    for (way, bins), color in zip(ways.items(), ("#b4532a", "#c9a227"), strict=False):
        axes.plot([one["predicted"] for one in bins], [one["bought"] for one in bins], color=color, marker="o", label=way)
    most = max(max(one["predicted"], one["bought"]) for bins in ways.values() for one in bins)
    axes.plot([0, most], [0, most], color="#999999", linewidth=0.8, linestyle="--", label="as it was said")
    axes.set(xlabel="chance that the score means", ylabel="share that was bought")
    axes.legend(frameon=False)
    figure.savefig(folder / "reliability.png", dpi=110)
