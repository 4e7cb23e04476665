"""Loading and unloading with a loader of our own: no TensorFlow, the rest is real."""

import shutil
import threading
import time
from pathlib import Path

import pytest

from include.model_server.config import model_specs, parse_config
from include.model_server.errors import Code, StatusError
from include.model_server.manager import Manager, Options
from include.model_server.versions import State


class Loaded:
    def __init__(self) -> None:
        self.closed = False

    def close(self) -> None:
        self.closed = True


class World:
    """A folder of versions, where a version with a file `corrupt` cannot be loaded."""

    def __init__(self, root: Path, **options) -> None:
        self.root = root
        self.log: list[str] = []
        self.manager = Manager(self.load, Options(**{"poll_seconds": 0.05, "retries": 0, "retry_seconds": 0} | options))
        self.manager.start()

    def load(self, model: str, number: int, path: Path) -> Loaded:
        self.log.append(f"{model}:{number}")
        if (path / "corrupt").exists():
            raise StatusError(Code.DATA_LOSS, "bad bytes")
        return Loaded()

    def add(self, model: str, version: int, corrupt: bool = False) -> None:
        folder = self.root / model / str(version)
        folder.mkdir(parents=True)
        if corrupt:
            (folder / "corrupt").touch()

    def serve(self, **models: str) -> None:
        """Model name -> the inside of its config beside name, path and platform."""
        blocks = [
            f'config {{ name: "{name}" base_path: "{self.root / name}" model_platform: "tensorflow" {more} }}'
            for name, more in models.items()
        ]
        self.manager.reload(model_specs(parse_config("model_config_list { " + " ".join(blocks) + " }")))

    def states(self, model: str) -> dict[int, State]:
        return {version.number: version.state for version in self.manager.versions(model)}

    def until(self, model: str, **expected: State) -> None:
        wanted = {int(name[1:]): state for name, state in expected.items()}
        for _ in range(100):
            if self.states(model) == wanted:
                return
            time.sleep(0.05)
        assert self.states(model) == wanted


@pytest.fixture
def world(tmp_path):
    made = World(tmp_path)
    yield made
    made.manager.stop()


UP, OVER = State.AVAILABLE, State.END
ALL = "model_version_policy { all {} }"


def label(name: str, version: int) -> str:
    return f'version_labels {{ key: "{name}" value: {version} }}'


def test_the_latest_version_answers(world):
    world.add("m", 1)
    world.add("m", 12)
    world.serve(m="")
    with world.manager.borrow("m") as version:
        assert version.number == 12
    assert world.log == ["m:12"]


def test_a_new_version_takes_over_when_it_is_up(world):
    world.add("m", 1)
    world.serve(m="")
    world.add("m", 2)
    world.until("m", v1=OVER, v2=UP)


def test_a_corrupt_version_never_takes_the_good_one_down(world):
    world.add("m", 1)
    world.serve(m="")
    world.add("m", 2, corrupt=True)
    world.until("m", v1=UP, v2=OVER)
    time.sleep(0.3)
    with world.manager.borrow("m") as version:
        assert version.number == 1
    failed = world.manager.versions("m", 2)[0]
    assert failed.error.code == Code.DATA_LOSS and world.log.count("m:2") == 1


def test_a_failed_version_is_tried_again_when_it_comes_back(world):
    world.add("m", 1)
    world.serve(m="")
    world.add("m", 2, corrupt=True)
    world.until("m", v1=UP, v2=OVER)
    shutil.rmtree(world.root / "m" / "2")
    time.sleep(0.2)
    world.add("m", 2)
    world.until("m", v1=OVER, v2=UP)


def test_only_corrupt_versions_refuse_the_reload(world):
    world.add("m", 1, corrupt=True)
    with pytest.raises(StatusError, match=r"1 model\(s\) did not become available: .*name: m version: 1.*bad bytes") as caught:
        world.serve(m="")
    assert caught.value.code == Code.UNKNOWN


def test_loading_is_tried_as_often_as_asked(tmp_path):
    world = World(tmp_path, retries=3)
    world.add("m", 1, corrupt=True)
    with pytest.raises(StatusError):
        world.serve(m="")
    assert world.log == ["m:1"] * 4
    world.manager.stop()


def test_a_vanished_version_is_unloaded_and_a_vanished_base_changes_nothing(world):
    world.add("m", 1)
    world.add("m", 2)
    world.serve(m=ALL)
    world.until("m", v1=UP, v2=UP)
    shutil.rmtree(world.root / "m" / "2")
    world.until("m", v1=UP, v2=OVER)
    (world.root / "m").rename(world.root / "elsewhere")  # at once: a base that is emptied first has no versions for a moment
    time.sleep(0.3)
    assert world.states("m")[1] == UP


def test_a_model_left_out_is_unloaded_and_still_known(world):
    world.add("m", 1)
    world.add("n", 1)
    world.serve(m="", n="")
    world.serve(n="")
    world.until("m", v1=OVER)
    with pytest.raises(StatusError, match=r"Servable not found for request: Latest\(m\)"), world.manager.borrow("m"):
        pass


def test_an_unload_waits_for_requests_in_flight(world):
    world.add("m", 1)
    world.serve(m="")
    entered, leave = threading.Event(), threading.Event()

    def request() -> None:
        with world.manager.borrow("m") as version:
            entered.set()
            leave.wait(5)
            assert version.loaded is not None and not version.loaded.closed

    thread = threading.Thread(target=request)
    thread.start()
    entered.wait(5)
    world.serve()
    world.until("m", v1=State.UNLOADING)
    leave.set()
    thread.join()
    world.until("m", v1=OVER)


def test_a_label_must_point_at_what_is_available(world):
    world.add("m", 1)
    with pytest.raises(StatusError, match="Request to assign label to version 1 of model m") as caught:
        world.serve(m=label("stable", 1))
    assert caught.value.code == Code.FAILED_PRECONDITION and world.log == []
    world.serve(m="")
    world.serve(m=label("stable", 1))
    with world.manager.borrow("m", label="stable") as version:
        assert version.number == 1
    with (
        pytest.raises(StatusError, match="Unrecognized servable version label: other"),
        world.manager.borrow("m", label="other"),
    ):
        pass


def test_labels_of_one_reload_are_all_taken_or_none(world):
    world.add("m", 1)
    world.add("m", 2)
    world.serve(m=ALL)
    world.until("m", v1=UP, v2=UP)
    world.serve(m=ALL + label("stable", 1))
    with pytest.raises(StatusError):
        world.serve(m=ALL + label("stable", 2) + label("canary", 3))
    assert world.manager.resolve("m", "stable") == 1


def test_with_the_flag_a_free_label_may_point_ahead(tmp_path):
    world = World(tmp_path, labels_ahead=True)
    world.add("m", 1)
    world.serve(m=label("stable", 1))
    world.serve(m=label("stable", 1) + label("next", 7))
    with pytest.raises(StatusError, match=r"Servable not found for request: Specific\(m, 7\)"):
        world.manager.borrow("m", label="next").__enter__()
    with pytest.raises(StatusError):
        world.serve(m=label("stable", 9))
    world.manager.stop()


def test_what_was_never_there_is_not_found(world):
    with pytest.raises(StatusError, match="Could not find any versions of model ghost"):
        world.manager.versions("ghost")
    with pytest.raises(StatusError, match="Could not find version 3 of model ghost"):
        world.manager.versions("ghost", 3)
    world.add("m", 1)
    world.serve(m="")
    with pytest.raises(StatusError, match="Could not find version 9 of model m"):
        world.manager.versions("m", 9)


class Slowly(World):
    """Loads take a while, and it is counted how many go on at once."""

    lock, now, most = threading.Lock(), 0, 0

    def load(self, model: str, number: int, path: Path) -> Loaded:
        with self.lock:
            self.now += 1
            self.most = max(self.most, self.now)
        time.sleep(0.3)
        with self.lock:
            self.now -= 1
        return super().load(model, number, path)


@pytest.mark.parametrize("threads", [0, 2])
def test_later_models_are_loaded_side_by_side_only_where_there_are_threads_for_it(tmp_path, threads):
    world = Slowly(tmp_path, load_threads=threads, unload_threads=threads)
    world.manager.reload({}, first=True)
    for name in ("a", "b"):
        world.add(name, 1)
    world.serve(a="", b="")
    assert world.states("a") == world.states("b") == {1: UP}
    assert world.most == max(threads, 1)
    world.serve()
    for name in ("a", "b"):
        world.until(name, _1=OVER)
    world.manager.stop()
