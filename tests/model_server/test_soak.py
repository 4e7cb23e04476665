"""100,000 requests while versions come, go, break and vanish, and a label moves: none fails."""

import collections
import itertools
import json
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from include.serving.models_config import config_text
from include.settings import ROOT
from tests import tiny_models
from tests.model_server.conftest import Server

pytestmark = pytest.mark.long

REQUESTS, PROCESSES = 100_000, 2
TINY = tiny_models.cached


class Place:
    """A server and the files that it looks at."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.models = folder, folder / "models"
        shutil.copytree(TINY() / "scale/1", self.models / "scale/1")
        shutil.copytree(TINY() / "slow/1", self.models / "slow/1")
        self.ask({"scale": [1], "slow": [1]})
        flags = ("--model_config_file_poll_wait_seconds=1", "--max_num_load_retries=0")
        self.server = Server(folder / "models.config", folder / "log", *flags).wait()

    def ask(self, versions: dict[str, list[int]], label: int | None = None) -> None:
        labels = {"scale": {"stable": label}} if label else None
        (self.folder / "new").write_text(config_text(self.models, versions, labels))
        (self.folder / "new").rename(self.folder / "models.config")

    def state(self, model: str, number: int) -> str:
        _, body = self.server.get(f"/v1/models/{model}/versions/{number}")
        return body["model_version_status"][0]["state"] if "model_version_status" in body else ""

    def until(self, model: str, number: int, *states: str) -> None:
        for _ in range(600):
            if self.state(model, number) in states:
                return
            time.sleep(0.1)
        raise AssertionError((model, number, states, self.state(model, number)))

    def labelled(self, version: int) -> None:
        """Wait until the label answers with this version."""
        for _ in range(600):
            status, body = self.server.post("/v1/models/scale/labels/stable:predict", {"instances": [[1, 1]]})
            if status == 200 and body["predictions"][0]["version"] == version:
                return
            time.sleep(0.1)
        raise AssertionError(body)


def deploy_and_roll_back(place: Place) -> None:
    """Version 2 comes, takes the label over, and is rolled back."""
    shutil.copytree(TINY() / "scale/2", place.models / "scale/2")
    shutil.copytree(TINY() / "slow/1", place.models / "slow/2")
    place.ask({"scale": [1, 2], "slow": [2]}, 1)
    place.until("scale", 2, "AVAILABLE")
    place.ask({"scale": [1, 2], "slow": [2]}, 2)
    place.labelled(2)
    place.ask({"scale": [2], "slow": [2]}, 2)
    place.until("scale", 1, "END")
    place.until("slow", 1, "END")
    place.ask({"scale": [1, 2], "slow": [1]}, 2)
    place.until("scale", 1, "AVAILABLE")
    place.ask({"scale": [1, 2], "slow": [1]}, 1)
    place.labelled(1)
    place.until("slow", 2, "END")
    shutil.rmtree(place.models / "slow/2")


def lose_a_version(place: Place) -> None:
    """The directory of version 2 vanishes while it answers whoever asks for the latest."""
    place.ask({"scale": [1, 2], "slow": [1]}, 1)
    shutil.rmtree(place.models / "scale/2")
    place.until("scale", 2, "END")
    place.ask({"scale": [1], "slow": [1]}, 1)


def meet_a_corrupt_version(place: Place) -> None:
    """Version 3 cannot be read; version 1 goes on."""
    bad = place.models / "scale/3"
    shutil.copytree(TINY() / "scale/1", bad)
    (bad / "variables/variables.data-00000-of-00001").write_bytes(b"\0" * 3)
    place.ask({"scale": [3], "slow": [1]}, 1)
    place.until("scale", 3, "END")
    assert place.state("scale", 1) == "AVAILABLE"
    place.ask({"scale": [1], "slow": [1]}, 1)
    time.sleep(2.5)  # until that is read: nothing wanted that is there would mean that nothing shall be up
    shutil.rmtree(bad)
    time.sleep(2.5)  # until it is seen to be gone: it may come back then


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    made = Place(tmp_path)
    made.ask({"scale": [1], "slow": [1]}, 1)
    made.labelled(1)
    yield made
    made.server.stop()


def slow_requests(place: Place, ended: threading.Event, found: list[tuple[int, object]]) -> None:
    """Requests of about half a second, so that some are in flight whenever their version is taken away."""
    while not ended.wait(0.2):
        found.append(place.server.post("/v1/models/slow:predict", {"instances": [[1, 2]]}))


def test_no_request_fails_whatever_happens_to_the_versions(place: Place) -> None:
    command = [sys.executable, str(Path(__file__).with_name("soak_callers.py")), str(place.server.grpc_port)]
    command += [str(place.server.rest_port), str(REQUESTS // PROCESSES)]
    env = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"}
    callers = [subprocess.Popen(command, cwd=ROOT, env=env, stdout=subprocess.PIPE, text=True) for _ in range(PROCESSES)]
    ended, slow = threading.Event(), list[tuple[int, object]]()
    side = threading.Thread(target=slow_requests, args=(place, ended, slow))
    side.start()
    steps: tuple[Callable[[Place], None], ...] = (deploy_and_roll_back, lose_a_version, meet_a_corrupt_version)
    rounds = collections.Counter[str]()
    for step in itertools.cycle(steps):
        if all(caller.poll() is not None for caller in callers) and len(rounds) == len(steps):
            break
        step(place)
        rounds[step.__name__] += 1
    ended.set()
    side.join()
    seen = collections.Counter[str]()
    for caller in callers:
        found = json.loads(caller.communicate()[0])
        assert found["failed"] == [], found["failed"][:5]
        seen.update(found["seen"])
    print(dict(rounds), dict(seen), len(slow))
    assert seen.total() == REQUESTS and set(seen) == {"1", "2"}
    assert [reply for reply in slow if reply[0] != 200] == []
