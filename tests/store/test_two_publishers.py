"""Two runs publish the same night at once, call by call in a random order, and each may be killed before any call."""

import datetime as dt
import random
import threading

import pytest

from include.store import partitions
from include.store.objects import Conflict, FolderStore

NIGHT = dt.date(2017, 3, 1)
NEVER = 99


class Killed(BaseException):
    """The process is gone: nothing of the code under test may catch it."""


class Baton:
    """Lets one thread at a time do one call."""

    def __init__(self):
        self.turn = threading.Condition()
        self.waiting, self.running = set(), set()
        self.chosen = None

    def wait_for_turn(self, name):
        with self.turn:
            self.running.discard(name)
            self.waiting.add(name)
            self.turn.notify_all()
            self.turn.wait_for(lambda: self.chosen == name)
            self.chosen = None
            self.waiting.discard(name)
            self.running.add(name)

    def done(self, name):
        with self.turn:
            self.running.discard(name)
            self.turn.notify_all()

    def lead(self, choice):
        with self.turn:
            while True:
                self.turn.wait_for(lambda: not self.running and self.chosen is None)
                if not self.waiting:
                    return
                self.chosen = choice.choice(sorted(self.waiting))
                self.turn.notify_all()


class Stepped:
    """A store that asks for the baton before each call, and dies at one."""

    def __init__(self, inner, baton, name, dies_at):
        self.inner, self.baton, self.name, self.dies_at, self.calls = inner, baton, name, dies_at, 0

    def __getattr__(self, method):
        def call(*args, **more):
            self.calls += 1
            self.baton.wait_for_turn(self.name)
            if self.calls == self.dies_at:
                raise Killed
            return getattr(self.inner, method)(*args, **more)

        return call


def publish(store, path, digest):
    fields = {"rows": 1, "columns": {"a": "int32"}, "inputs": {"events": digest}, "spec": "s", "transform": "1"}
    return partitions.publish(store, "events", NIGHT, {"part.parquet": path}, **fields)[0]


@pytest.mark.parametrize("seed", range(100))
def test_the_partition_is_whole_whoever_wins_or_dies_in_a_folder(tmp_path, seed):
    interleave(FolderStore(tmp_path / "store"), tmp_path, seed)


BUCKET_SEEDS = [pytest.param(seed, marks=pytest.mark.slow if seed < 20 else pytest.mark.long) for seed in range(100)]


@pytest.mark.parametrize("seed", BUCKET_SEEDS)
def test_the_partition_is_whole_whoever_wins_or_dies_in_a_bucket(s3_store, tmp_path, seed):
    interleave(s3_store, tmp_path, seed)


def interleave(store, tmp_path, seed):
    choice, baton, ended = random.Random(seed), Baton(), {}

    def run(name):
        stepped = Stepped(store, baton, name, choice_of[name])
        try:
            ended[name] = publish(stepped, tmp_path / name, name)
        except (Killed, Conflict) as error:
            ended[name] = error
        finally:
            baton.done(name)

    choice_of = {name: choice.choice([*range(1, 7), NEVER, NEVER, NEVER]) for name in "ab"}
    threads = []
    for name in "ab":
        (tmp_path / name).write_bytes(name.encode() * 100)
        baton.running.add(name)
        threads.append(threading.Thread(target=run, args=(name,), daemon=True))
    for thread in threads:
        thread.start()
    baton.lead(choice)
    for thread in threads:
        thread.join(10)

    whole = [end for end in ended.values() if not isinstance(end, BaseException)]
    found = partitions.find_manifest(store, "events", NIGHT)
    if found is None:
        assert not whole
    else:
        name = found.inputs["events"]
        assert store.fetch(found.files[0].sha256).read_bytes() == name.encode() * 100
    if whole:
        assert partitions.list_nights(store, "events") == [NIGHT]
    # whatever happened, the run that is started again publishes, and a second time changes nothing
    mine = publish(store, tmp_path / "a", "a")
    assert publish(store, tmp_path / "a", "a") == mine == partitions.read_manifest(store, "events", NIGHT)
    assert partitions.list_nights(store, "events") == [NIGHT]
