"""The gateway as releases see it: push routes, know what is live, survive a broken file.

<settings.serving>/gateway/envoy.json     bootstrap
<settings.serving>/gateway/clusters.json  where the arms are
<settings.serving>/gateway/routes.json    who gets which arm, swapped by rename
<settings.serving>/gateway/good/routes.json   the last routes that were seen live
"""

import contextlib
import fcntl
import json
import logging
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from include.errors import Refused, TryAgain
from include.serving.admin import Admin
from include.serving.bootstrap import bootstrap
from include.serving.clusters import clusters
from include.serving.files import swap_file
from include.serving.precheck import precheck
from include.serving.routes import SurfaceRoute, routes, surfaces_of, version_of
from include.settings import Settings

SETTLE = 0.05
"""Seconds from "the main thread has the routes" to "the worker thread uses them", generously."""

log = logging.getLogger("nightfill")


class Gateway:
    """The one Envoy of this site."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.folder = (settings.serving / "gateway").absolute()
        self.bootstrap_file = self.folder / "envoy.json"
        self.route_file = self.folder / "routes.json"
        self.good_file = self.folder / "good" / "routes.json"
        self.attempts = (settings.var / "logs" / "attempts.jsonl").absolute()
        self.address = f"{settings.host('gateway')}:{settings.port('gateway')}"
        self.admin = Admin(settings)

    def prepare(self) -> str:
        """Write the files that the gateway boots from, and mend a broken route file. Call it before every start.

        Booting with broken routes would look alive and answer 404 to everybody, so the last good copy takes their place.

        Returns:
            What was wrong with the route file and what took its place, or an empty string.
        """
        self.attempts.parent.mkdir(parents=True, exist_ok=True)
        swap_file(self.bootstrap_file, _text(bootstrap(self.settings, self.folder, self.attempts)))
        swap_file(self.folder / "clusters.json", _text(clusters(self.settings)))
        if not self.route_file.exists() and not self.good_file.exists():
            swap_file(self.good_file, _text(routes({})))
            swap_file(self.route_file, _text(routes({})))
        return self._mend()

    def push(self, changes: Mapping[str, SurfaceRoute]) -> None:
        """Change the routes of some surfaces, the others stay, and return when the gateway works by them.

        Raises:
            Refused: the binary would not take them; nothing was changed.
            TryAgain: the gateway is not running, or did not take them in time; the old routes are in the file again.
        """
        with self._locked():
            self._apply({**self.current(), **changes})

    def drop(self, surface: str) -> None:
        """Stop routing a surface: its requests are 404 from now on."""
        with self._locked():
            self._apply({name: route for name, route in self.current().items() if name != surface})

    def current(self) -> dict[str, SurfaceRoute]:
        """Surface -> route as the route file says; {} before the first start.

        Raises:
            Refused: the file is broken.
        """
        if not self.route_file.exists():
            return {}
        try:
            return surfaces_of(json.loads(self.route_file.read_text(encoding="utf-8")))
        except (ValueError, LookupError, TypeError) as error:
            raise Refused(
                f"The route file {self.route_file} is broken ({error})",
                "Run `nightfill stop` and `nightfill start`: it is mended",
            ) from error

    def ready(self) -> bool:
        """Whether the gateway answers and works by the routes in the file. Its own word "ready" means less."""
        try:
            resource = json.loads(self.route_file.read_text(encoding="utf-8"))["resources"][0]
            return self.admin.live() and self.admin.route_version() == version_of(resource)
        except (OSError, ValueError, LookupError, TypeError, TryAgain):
            return False

    def wait_ready(self, seconds: float = 15.0) -> None:
        """Return once `ready`. Raises TryAgain after `seconds`."""
        if not self._wait(self.ready, seconds):
            raise TryAgain(f"The gateway was not ready after {seconds:g} s", "See `nightfill status` and the log envoy.log")

    def _apply(self, surfaces: Mapping[str, SurfaceRoute]) -> None:
        new, before = routes(surfaces), self.route_file.read_text(encoding="utf-8")
        fault = precheck(self.settings, new, clusters(self.settings))
        if fault:
            raise Refused(f"The gateway refuses these routes: {fault}", "Nothing was changed; correct the routes")
        self.admin.get("/ready")
        swap_file(self.route_file, _text(new))
        if not self._wait(lambda: self.admin.route_version() == new["version_info"], 5.0):
            swap_file(self.route_file, before)
            raise TryAgain(
                "The gateway did not take the new routes in 5 s; the old ones stay", "See envoy.log, then run it again"
            )
        time.sleep(SETTLE)
        swap_file(self.good_file, _text(new))

    def _mend(self) -> str:
        if _same(self.route_file, self.good_file):
            return ""  # seen live before: a restart after a crash need not wait for the check
        fault = self._fault(self.route_file)
        if not fault:
            return ""
        fault_of_copy = self._fault(self.good_file)
        text = _text(routes({})) if fault_of_copy else self.good_file.read_text(encoding="utf-8")
        swap_file(self.route_file, text)
        took = "no routes at all took its place: release again" if fault_of_copy else "the last good copy took its place"
        log.warning("The route file was broken (%s); %s", fault, took)
        return f"The route file was broken ({fault}); {took}"

    def _fault(self, path: Path) -> str:
        try:
            value: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
            surfaces_of(value)
        except (OSError, ValueError, LookupError, TypeError) as error:
            return f"{type(error).__name__}: {error}"[:200]
        return precheck(self.settings, value, clusters(self.settings))

    @staticmethod
    def _wait(done: Any, seconds: float) -> bool:
        until = time.monotonic() + seconds
        while not done():
            if time.monotonic() > until:
                return False
            time.sleep(0.05)
        return True

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        """Two releases of two surfaces may push at once; each must see the other's routes."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def _text(value: Mapping[str, Any]) -> str:
    return json.dumps(value, indent=1, sort_keys=True)


def _same(one: Path, other: Path) -> bool:
    try:
        return one.read_bytes() == other.read_bytes()
    except OSError:
        return False
