"""A training that is killed goes on where it was, and ends with the weights of one that was not."""

import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from include.errors import Refused
from include.jobs import train_model
from include.jobs.train_model import TrainModel
from include.settings import ROOT
from include.training.checkpoint import Checkpoint
from include.training.curves import write_curves
from include.training.fit import Trained, fit
from include.training.job import TrainingJob
from include.training.loop import Batches, Course, Run, train
from tests import toy_models
from tests.toy_shop import NIGHT

CHILD = """
import sys
from pathlib import Path
from include.training.checkpoint import Checkpoint
from tests.training.test_loop import fit_toy
fit_toy(Checkpoint(Path(sys.argv[1]), "toy", seconds=0))
"""


def fit_toy(checkpoint: Checkpoint | None) -> Trained:
    work, cut = toy_models.workspace()
    examples, tables = [work.parts(n) for n in cut.train], [work.products(n) for n in cut.train]
    return fit(toy_models.QUICK, examples, tables, Run(checkpoint))


class Stopped(Checkpoint):
    """Is killed before it saves a step; with `stop` 0 never."""

    stop = 0

    def save(self, state: Mapping[str, tf.Variable], losses: list[float], at_once: bool = False) -> None:
        if len(losses) == self.stop:
            raise KeyboardInterrupt
        super().save(state, losses, at_once)


def counting(checkpoint: Checkpoint | None, stop: int = 0) -> tuple[list[list[float]], float, int]:
    """(losses, the sum that was made, steps that were done) of a course of three epochs that adds up its plan."""
    total, done = tf.Variable(0.0), tf.Variable(0)
    if isinstance(checkpoint, Stopped):
        checkpoint.stop = stop

    def batches(plan: Sequence[int], shares: Sequence[slice]) -> Batches:
        for number in plan:
            yield 0, [{"number": np.array([number], np.float32)[share]} for share in shares]

    def apply(gradients: list[tf.Tensor]) -> None:
        total.assign_add(gradients[0])
        done.assign_add(1)

    plan = lambda epoch: [10 * epoch + i for i in range(4)]
    loss = lambda _, batch: total * batch["number"]
    course = Course(3, plan, batches, [{}], loss, [total], apply, {"total": total})
    try:
        losses = train(course, Run(checkpoint))
    except KeyboardInterrupt:
        losses = []
    return losses, float(total), int(done)


def test_progress_is_told_to_the_last_step(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO", "nightfill"):
        counting(None)
    assert [line for line in caplog.messages if line.startswith("training steps 12 of 12")]


@pytest.mark.parametrize("stop", [1, 2, 5, 12])
def test_a_course_that_was_broken_off_goes_on_after_the_last_step_that_was_saved(tmp_path: Path, stop: int) -> None:
    whole = counting(None)
    counting(Stopped(tmp_path / "c.npz", "k", seconds=0), stop)
    losses, total, done = counting(Checkpoint(tmp_path / "c.npz", "k", seconds=0))
    assert (losses, total) == whole[:2]
    assert done == 12 - (stop - 1)


@pytest.mark.parametrize("spoil", ["other key", "cut off", "no zip", "other weights"])
def test_a_checkpoint_that_does_not_fit_is_not_gone_on_from(tmp_path: Path, spoil: str) -> None:
    path, key = tmp_path / "c.npz", "k"
    counting(Stopped(path, key, seconds=0), stop=5)
    if spoil == "other key":
        key = "another"
    elif spoil == "cut off":
        path.write_bytes(path.read_bytes()[:-100])
    elif spoil == "no zip":
        path.write_text("nothing")
    else:
        np.savez(path, key=np.array(key), losses=np.zeros(3), other=np.zeros(1))
    assert counting(Checkpoint(path, key, seconds=0)) == counting(None)


def test_a_training_killed_without_warning_ends_with_the_same_weights(tmp_path: Path) -> None:
    path = tmp_path / "checkpoint.npz"
    child = subprocess.Popen([sys.executable, "-c", CHILD, str(path)], cwd=ROOT, stderr=subprocess.DEVNULL)
    until = time.monotonic() + 120
    while not path.exists():
        assert child.poll() is None and time.monotonic() < until
        time.sleep(0.01)
    time.sleep(0.2)
    child.send_signal(signal.SIGKILL)
    assert child.wait() == -signal.SIGKILL
    with np.load(path) as saved:
        steps = len(saved["losses"])
    whole = fit_toy(None)
    assert 0 < steps < sum(map(len, whole.losses))
    resumed = fit_toy(Checkpoint(path, "toy"))
    assert resumed.losses == whole.losses
    assert {name: value.tobytes() for name, value in resumed.arrays.items()} == {
        name: value.tobytes() for name, value in whole.arrays.items()
    }


def job(root: Path) -> TrainModel:
    shutil.copytree(toy_models.workspace()[0].root, root / "work")
    return TrainModel(store=str(root / "store"), surface="home", recipe="quick", night=NIGHT, work=root / "work")


def test_too_little_memory_halves_the_batch_and_nothing_else_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = []

    def short(recipe: Any, *given: Any) -> Trained:
        tried.append(recipe.batch)
        if recipe.batch > 40:
            raise tf.errors.ResourceExhaustedError(None, None, "OOM when allocating tensor")
        return fit(recipe, *given)

    monkeypatch.setattr(TrainingJob, "get_recipe", lambda self: toy_models.QUICK.model_copy(update={"batch": 128, "epochs": 1}))
    monkeypatch.setitem(train_model.FITS, "pair_ranker", short)
    one = job(tmp_path)
    found = one.run()
    assert tried == [128, 64, 32] and found["batch"] == 32
    assert not (one.work / "checkpoint.npz").exists()
    monkeypatch.setitem(train_model.FITS, "pair_ranker", lambda *_: (_ for _ in ()).throw(Refused("odd values", "look")))
    with pytest.raises(Refused):
        one.run()


def test_a_recipe_that_needs_no_training_is_refused_by_name(tmp_path: Path) -> None:
    one = TrainModel(store=str(tmp_path), surface="home", recipe="popularity", night=NIGHT, work=tmp_path)
    with pytest.raises(Refused, match=r"popularity needs no training.*quick"):
        one.run()


def test_curves_are_a_picture_and_events(tmp_path: Path) -> None:
    write_curves([[3.0, 2.0], [1.0]], tmp_path / "curves")
    write_curves([[3.0, 2.0], [1.0]], tmp_path / "curves")
    assert (tmp_path / "curves" / "loss.png").read_bytes().startswith(b"\x89PNG")
    (events,) = (tmp_path / "curves").glob("events.*")
    said = [value for event in tf.compat.v1.train.summary_iterator(str(events)) for value in event.summary.value]
    assert [(one.tag, one.simple_value) for one in said] == [
        *(("loss/step", loss) for loss in (3.0, 2.0, 1.0)),
        *(("loss/epoch", loss) for loss in (2.5, 1.0)),
    ]
