"""Several devices or workers make the weights of one; a worker that is lost ends the others, and all go on together."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from include.errors import EXIT_TRY_AGAIN, Refused
from include.settings import ROOT, Settings
from include.training.loop import Run
from include.training.strategy import choose
from tests.ports import free_base
from tests.training.line import fit_line

CHILD = """
import sys, time
from pathlib import Path
import numpy as np
from include.errors import TryAgain
from include.settings import Settings
from include.training.checkpoint import Checkpoint
from include.training.loop import Run
from include.training.strategy import choose

kind, folder, me, pause = sys.argv[1], Path(sys.argv[2]), sys.argv[3], float(sys.argv[4])
strategy = choose(Settings.load())

class Slow(Checkpoint):
    def save(self, state, losses, at_once=False):
        super().save(state, losses, at_once)
        time.sleep(pause)

run = Run(Slow(folder / "checkpoint.npz", "toy", seconds=0), strategy)
try:
    if kind == "line":
        from tests.training.line import fit_line
        weights = fit_line(run)
    else:
        from tests import toy_models
        from include.training.fit import fit
        work, cut = toy_models.workspace()
        nights = [work.parts(n) for n in cut.train], [work.products(n) for n in cut.train]
        weights = fit(toy_models.QUICK, *nights, run).arrays
except TryAgain:
    sys.exit(75)
np.savez(folder / f"{me}.npz", **weights)
"""


def start(kind: str, folder: Path, name: str, pause: float = 0, **told: str) -> subprocess.Popen[bytes]:
    env = os.environ | {"PYTHONPATH": f"{ROOT}:{ROOT / 'plugins'}", "TF_CPP_MIN_LOG_LEVEL": "2"} | told
    log = (folder / f"{name}.log").open("ab")
    return subprocess.Popen([sys.executable, "-c", CHILD, kind, str(folder), name, str(pause)], env=env, stdout=log, stderr=log)


def workers(kind: str, folder: Path, pause: float = 0) -> list[subprocess.Popen[bytes]]:
    base = free_base()
    cluster = {"worker": [f"127.0.0.1:{base}", f"127.0.0.1:{base + 1}"]}
    config = lambda index: json.dumps({"cluster": cluster, "task": {"type": "worker", "index": index}})
    return [start(kind, folder, f"worker{index}", pause, TF_CONFIG=config(index)) for index in (0, 1)]


def ended(child: subprocess.Popen[bytes], within: float = 240) -> int:
    try:
        return child.wait(within)
    finally:
        child.kill()


def lose_one(kind: str, folder: Path) -> dict[str, np.ndarray]:
    """Weights of two workers of which one was killed, and which were started again."""
    both = workers(kind, folder, pause=0.2)
    until = time.monotonic() + 240
    while not (folder / "checkpoint.npz").exists():
        assert time.monotonic() < until and all(one.poll() is None for one in both)
        time.sleep(0.05)
    both[1].kill()
    assert ended(both[0]) == EXIT_TRY_AGAIN
    with np.load(folder / "checkpoint.npz") as saved:
        steps = len(saved["losses"])
    assert [ended(one) for one in workers(kind, folder)] == [0, 0]
    with np.load(folder / "checkpoint.npz") as saved:
        assert 0 < steps < len(saved["losses"])
    with np.load(folder / "worker0.npz") as first, np.load(folder / "worker1.npz") as second:
        assert all((second[name] == first[name]).all() for name in first.files)
        return dict(first)


def assert_close(weights: dict[str, np.ndarray], others: dict[str, np.ndarray]) -> None:
    for name, value in weights.items():
        np.testing.assert_allclose(others[name], value, rtol=0, atol=1e-5)


@pytest.mark.slow
def test_two_workers_of_which_one_was_lost_end_with_the_weights_of_one(tmp_path: Path) -> None:
    assert_close(fit_line(Run()), lose_one("line", tmp_path))


@pytest.mark.long
@pytest.mark.parametrize("kind", ["line", "ranker"])
def test_two_devices_and_two_workers_make_the_weights_of_one(tmp_path: Path, kind: str) -> None:
    found = {}
    for many in ("1", "2"):
        (folder := tmp_path / many).mkdir()
        assert ended(start(kind, folder, "one", NIGHTFILL_TRAIN_DEVICES=many)) == 0
        found[many] = dict(np.load(folder / "one.npz"))
    assert_close(found["1"], found["2"])
    assert_close(found["1"], lose_one(kind, tmp_path))


@pytest.mark.parametrize("config", [
    "{", "[]", '{"cluster": {}}', '{"cluster": {"worker": ["a:1", "b:1"]}, "task": {"type": "worker", "index": 2}}',
    '{"cluster": {"worker": ["a:1", "b:1"]}, "task": {"type": "ps", "index": 0}}',
])  # fmt: skip
def test_a_cluster_that_cannot_be_read_is_refused(config: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TF_CONFIG", config)
    with pytest.raises(Refused, match="TF_CONFIG"):
        choose(Settings())


def test_without_settings_one_device_computes_whole_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TF_CONFIG", raising=False)
    found = choose(Settings())
    assert found.chief and found.shares == [slice(0, None, 1)]
