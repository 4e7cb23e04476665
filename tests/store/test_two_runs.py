"""Two runs of build_features publish one night at once: one wins, the other ends superseded, whoever is killed and when.

In half of the interleavings both runs were built from the same inputs. In the other half the night's events were landed
anew after run `old` had read them, and run `new` was built from those: then `new` wins, however late `old` swaps.
"""

import datetime as dt
import random
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from include.errors import TryAgain
from include.features.chain import read_night
from include.features.publish import Published, publish_build
from include.store.objects import FolderStore, Missing
from tests.features.plain_etl import Purchase, compute, land_shop, publish_shop
from tests.store.interleave import NEVER, Killed, at_once

START = dt.date(2017, 3, 6)
NIGHT = START + dt.timedelta(days=1)
LINES = [Purchase("h", "a", 0, 1, 100, 0), Purchase("h", "b", 1, 2, 300, 0)]
CORRECTED = [*LINES, Purchase("g", "b", 1, 1, 150, 0)]
CALLS = 28
"""Calls of a run to the store that has to look twice; kills are spread over all of them."""


@dataclass
class Shop:
    """A store before the two runs publish, their builds, and the digest of the night that must be there in the end."""

    store: Path
    builds: dict[str, Path]
    wanted: str


@pytest.fixture(scope="module")
def shops(tmp_path_factory):
    return {kind: make(tmp_path_factory.mktemp(kind), kind == "corrected") for kind in ("same", "corrected")}


def make(folder, corrected):
    store, builds = FolderStore(folder / "store"), {name: folder / name for name in ("old", "new")}
    publish_shop(store, folder, LINES, START, 0)
    land_shop(store, folder, LINES, START, [START, NIGHT])
    compute(store, builds["old"], LINES, [START, NIGHT], only=[NIGHT])
    lines = CORRECTED if corrected else LINES
    if corrected:
        land_shop(store, folder, lines, START, [START, NIGHT])
    compute(store, builds["new"], lines, [START, NIGHT], only=[NIGHT])
    alone = FolderStore(folder / "alone")
    shutil.copytree(store.root, alone.root)
    assert publish_build(alone, builds["new"]).state == "published"
    return Shop(store.root, builds, read_night(alone, NIGHT).complete.digest)


def fill(store, root):
    """The keys of a folder store in another one."""
    source = FolderStore(root)
    for key in source.list("objects"):
        store.put(root / key)
    for key in source.list("datasets"):
        store.write(key, source.read(key))


def interleave(shop, store, seed, corrected):
    choice = random.Random(seed)
    order = ["old", "new"] if seed % 2 else ["new", "old"]
    dies_at = {order[0]: 1 + seed // 2 % CALLS, order[1]: choice.choice([NEVER, NEVER, choice.randint(1, CALLS)])}
    if seed % 5 == 0:
        dies_at = {}
    actions = {name: lambda stepped, name=name: publish_build(stepped, shop.builds[name]) for name in order}
    ended = at_once(store, actions, choice, dies_at, (TryAgain,))
    states = {name: end.state for name, end in ended.items() if isinstance(end, Published)}

    assert list(states.values()).count("published") <= (1 if not corrected else 2), (seed, ended)
    assert corrected or not [end for end in ended.values() if isinstance(end, TryAgain)], (seed, ended)
    if not dies_at and not corrected:
        assert sorted(states.values()) == ["published", "superseded"], seed
    if states.get("new"):
        assert read_night(store, NIGHT).complete.digest == shop.wanted, seed
    if not corrected and not isinstance(ended["old"], Killed):
        assert read_night(store, NIGHT).complete.digest == shop.wanted, seed
    if corrected and isinstance(ended["old"], TryAgain):
        assert "has changed since" in str(ended["old"])
    # whoever died is started again
    again = publish_build(store, shop.builds["new"])
    assert again.state in ("published", "superseded") and again.reason
    assert read_night(store, NIGHT).complete.digest == shop.wanted, seed
    return {name: end if isinstance(end, Published) else type(end) for name, end in ended.items()}


def run(shops, stores, seeds):
    """Both kinds of interleaving, on a store of its own each; returns how the runs ended."""
    ended = []
    for seed in seeds:
        kind = "corrected" if seed % 4 >= 2 else "same"
        store = stores(seed)
        fill(store, shops[kind].store)
        ended.append((kind, interleave(shops[kind], store, seed, kind == "corrected")))
    return ended


FEW = [pytest.param(range(24)), pytest.param(range(24, 100), marks=pytest.mark.long)]


@pytest.mark.parametrize("seeds", FEW, ids=["some", "others"])
def test_one_run_wins_and_the_other_is_superseded_in_a_folder(shops, tmp_path, seeds):
    ended = run(shops, lambda seed: FolderStore(tmp_path / str(seed)), seeds)
    assert {end.state for _, pair in ended for end in pair.values() if isinstance(end, Published)} == {
        "published",
        "superseded",
    }


@pytest.mark.parametrize(
    "seeds", [pytest.param(range(8), marks=pytest.mark.slow), pytest.param(range(8, 100), marks=pytest.mark.long)],
    ids=["some", "others"],
)  # fmt: skip
def test_one_run_wins_and_the_other_is_superseded_in_a_bucket(shops, bucket, tmp_path, seeds):
    from include.store.cache import Cache
    from include.store.s3 import S3Store
    from tests.store.conftest import QUICK

    run(shops, lambda seed: S3Store(f"{bucket}/{seed}", limits=QUICK, cache=Cache(tmp_path / "cache", 1 << 30)), seeds)


def test_a_run_whose_inputs_are_out_of_date_never_replaces_a_newer_night(shops, tmp_path):
    shop, store = shops["corrected"], FolderStore(tmp_path / "store")
    fill(store, shop.store)
    publish_build(store, shop.builds["new"])
    ended = publish_build(store, shop.builds["old"])
    assert ended.state == "superseded" and "from what the store holds now" in ended.reason
    assert read_night(store, NIGHT).complete.digest == shop.wanted


def test_a_run_whose_inputs_are_out_of_date_waits_for_somebody_to_build_anew(shops, tmp_path):
    shop, store = shops["corrected"], FolderStore(tmp_path / "store")
    fill(store, shop.store)
    with pytest.raises(TryAgain, match="has changed since"):
        publish_build(store, shop.builds["old"])
    with pytest.raises(Missing):
        read_night(store, NIGHT)


def test_a_second_run_of_the_same_build_is_superseded_and_says_why(shops, tmp_path):
    shop, store = shops["same"], FolderStore(tmp_path / "store")
    fill(store, shop.store)
    first, second = (publish_build(store, shop.builds[name]) for name in ("old", "new"))
    assert (first.state, first.nights, first.changed) == ("published", 1, 1)
    assert (second.state, second.changed) == ("superseded", 0) and "published the same bytes" in second.reason
