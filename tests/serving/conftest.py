"""A whole local stack under its supervisor, with tiny models, shared by the slow tests of this room."""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest

from include.rollout import registry
from include.serving import processes
from include.serving.gateway import Gateway
from include.serving.replica import Replica
from include.settings import Settings
from include.store.objects import FolderStore
from tests import tiny_models
from tests.ports import free_base


def free_settings(var: Path) -> Settings:
    """Settings on ports that are free."""
    return Settings(var=var, port_base=free_base())


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return free_settings(tmp_path / "var")


class Stack:
    """The running stack and a store with two registered models of surface `scale`: version 1 doubles what 0 says."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.gateway = Gateway(settings)
        self.store = FolderStore(settings.var / "store")

    def replica(self, name: str) -> Replica:
        return Replica(name, self.settings)

    def deploy(self, version: int, *names: str) -> None:
        for name in names:
            self.replica(name).deploy(self.store, registry.find(self.store, "scale", version))


def register_models(running: Stack, folder_of_models: Path) -> None:
    for version, folder in enumerate(("scale/1", "scale/2")):
        meta = {"night": dt.date(2017, 10, 22 + version).isoformat(), "recipe": "tiny"}
        name = f"{version + 1:016x}"
        assert registry.register(running.store, "scale", folder_of_models / folder, name, meta, {}) == version


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The servers come up empty while the models are made: both import TensorFlow, which takes its time."""
    running = Stack(free_settings(tmp_path_factory.mktemp("stack") / "var"))
    processes.start(running.settings)
    try:
        register_models(running, tiny_models.cached())
        processes.wait_up(running.settings)
        yield running
    finally:
        processes.stop(running.settings)
