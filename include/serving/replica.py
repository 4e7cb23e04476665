"""One model server as its keepers see it: what it should serve (a config file) and what it serves (its REST status).

<settings.serving>/<replica>/models.config                text of a ModelServerConfig, swapped by rename
<settings.serving>/<replica>/models/<surface>/<version>/  what it loads
"""

import http.client
import json
import shutil
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path

from include.errors import Refused, TryAgain
from include.rollout.bundle import Bundle
from include.rollout.materialise import materialise
from include.serving.files import swap_file
from include.serving.models_config import check_surface, config_text, labelled, pinned
from include.serving.topology import arm_of, port
from include.settings import Settings
from include.store.objects import Store

PERIOD = 0.1
"""Seconds between two looks at the status while waiting."""

AVAILABLE = "AVAILABLE"


class Replica:
    """One of the servers of `topology.REPLICAS`, or the sandbox."""

    def __init__(self, name: str, settings: Settings) -> None:
        self.name = name
        self.arm = arm_of(name)
        self.folder = settings.serving / name
        self.models = self.folder / "models"
        self.config = self.folder / "models.config"
        self.grpc = f"{settings.host(name)}:{port(settings, name, 'grpc')}"
        self.rest = f"http://{settings.host(name)}:{port(settings, name, 'rest')}"

    def prepare(self) -> None:
        """Make the folders and a config that the server can start with: a version without its files is not asked for.

        A server that waits at its start for a version that never comes would keep its ports closed and never read the
        next config.
        """
        self.models.mkdir(parents=True, exist_ok=True)
        text = self._config()
        there = {
            name: [version for version in versions if (self.models / name / str(version)).is_dir()]
            for name, versions in pinned(text).items()
        }
        if not text or there != pinned(text):
            self.write_config(there, {name: marks for name, marks in labelled(text).items() if there[name]})

    def versions(self) -> dict[str, list[int]]:
        """Surface -> versions that the config file asks for."""
        return pinned(self._config())

    def write_config(
        self, versions: Mapping[str, Sequence[int]], labels: Mapping[str, Mapping[str, int]] | None = None
    ) -> None:
        """Ask for exactly these versions of these surfaces. The server reads the file about once a second."""
        swap_file(self.config, config_text(self.models.absolute(), versions, labels))

    def status(self, surface: str) -> dict[int, str]:
        """Version -> state (START, LOADING, AVAILABLE, UNLOADING, END) as the server says; {} when it knows no such surface.

        A version that could not be loaded is `END: <the server's words>`.

        Raises:
            TryAgain: the server does not answer.
        """
        url = f"{self.rest}/v1/models/{check_surface(surface)}"
        try:
            with urllib.request.urlopen(url, timeout=5) as reply:
                answer = json.load(reply)
        except urllib.error.HTTPError as error:
            if error.code == 404:
                return {}
            raise TryAgain(f"{self.name} answers {error.code} to {url}", self._advice()) from error
        except (OSError, ValueError, http.client.HTTPException) as error:
            raise TryAgain(f"{self.name} does not answer at {url} ({error})", self._advice()) from error
        return {int(entry["version"]): _state(entry) for entry in answer["model_version_status"]}

    def answers_with(self, surface: str) -> int | None:
        """The version that a request without a version gets now, or None."""
        ready = [version for version, state in self.status(surface).items() if state == AVAILABLE]
        return max(ready, default=None)

    def wait_available(self, surface: str, version: int, seconds: float = 60.0) -> None:
        """Return once the version is available.

        Raises:
            Refused: the server tried and could not load it; trying again would fail again.
            TryAgain: it did not happen in time, or the server does not answer.
        """
        until = time.monotonic() + seconds
        while True:
            state, silent = self._look(surface, version)
            if state == AVAILABLE:
                return
            if state.startswith("END:"):
                raise Refused(
                    f"{self.name} could not load {surface} version {version}: {state[4:].strip()}",
                    "Look at the bundle; it must be built again",
                )
            if time.monotonic() > until:
                if silent:
                    raise silent
                raise TryAgain(
                    f"{self.name} did not make {surface} version {version} available in {seconds:g} s "
                    f"(it says {state or 'nothing about it'})",
                    self._advice(),
                )
            time.sleep(PERIOD)

    def deploy(self, store: Store, bundle: Bundle, seconds: float = 90.0) -> Path:
        """Bring a bundle's version up beside what serves, then let it answer alone. Returns its directory.

        The old version leaves only when the new one is available, so no request goes unanswered. Doing it again
        changes nothing. The version that served before stays on the disk for a quick way back; older ones are removed.

        Raises:
            Refused: the bundle is damaged or cannot be loaded. What served before goes on serving.
            TryAgain: the server does not answer or is too slow.
        """
        surface, version = check_surface(bundle.surface), bundle.version
        folder = materialise(store, bundle, self.models / surface)
        before, labels = self.versions(), labelled(self._config())
        kept = before.get(surface, [])
        self.write_config(before | {surface: [*kept, version]}, labels)
        try:
            self.wait_available(surface, version, seconds)
        except Refused:
            self.write_config(before, labels)
            raise
        self.write_config(before | {surface: [version]}, labels | {surface: {self.arm: version}})
        self._wait_alone(surface, version, seconds)
        self._forget(surface, {version, *(kept if kept != [version] else [])})
        return folder

    def retire(self, surface: str, seconds: float = 30.0) -> None:
        """Stop serving a surface, and return once nothing of it is available. Its files stay for a quick way back."""
        text = self._config()
        if surface in pinned(text):
            rest = {name: versions for name, versions in pinned(text).items() if name != surface}
            self.write_config(rest, {name: marks for name, marks in labelled(text).items() if name in rest})
        self._wait_alone(surface, None, seconds)

    def _config(self) -> str:
        return self.config.read_text(encoding="utf-8") if self.config.exists() else ""

    def _look(self, surface: str, version: int) -> tuple[str, TryAgain | None]:
        try:
            return self.status(surface).get(version, ""), None
        except TryAgain as error:
            return "", error

    def _wait_alone(self, surface: str, version: int | None, seconds: float) -> None:
        until = time.monotonic() + seconds
        wanted = [] if version is None else [version]
        while True:
            up = [v for v, state in self.status(surface).items() if state in (AVAILABLE, "UNLOADING")]
            if up == wanted:
                return
            if time.monotonic() > until:
                raise TryAgain(
                    f"{self.name} serves versions {up} of {surface} after {seconds:g} s, and {wanted} was asked for",
                    self._advice(),
                )
            time.sleep(PERIOD)

    def _forget(self, surface: str, keep: set[int]) -> None:
        for folder in (self.models / surface).iterdir():
            if folder.name.isdigit() and int(folder.name) not in keep:
                shutil.rmtree(folder, ignore_errors=True)

    def _advice(self) -> str:
        return f"See `nightfill status` and the log {self.name}.log, then run it again"


def _state(entry: Mapping[str, object]) -> str:
    """END alone means unloaded; END with the server's words means that loading failed."""
    status = entry.get("status") or {}
    message = status.get("error_message", "") if isinstance(status, dict) else ""
    return f"{entry['state']}: {message}" if entry["state"] == "END" and message else str(entry["state"])
