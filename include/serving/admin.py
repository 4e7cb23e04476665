"""Questions to the gateway's admin page (on loopback, or on a network of its own)."""

import http.client
import json
import urllib.error
import urllib.request

from include.errors import TryAgain
from include.settings import Settings

ADVICE = "See `nightfill status` and the log envoy.log, then run it again"


class Admin:
    """The admin page of the running gateway."""

    def __init__(self, settings: Settings) -> None:
        self.base = f"http://{settings.host('gateway_admin')}:{settings.port('gateway_admin')}"

    def get(self, path: str, post: bool = False) -> str:
        """The body of a page.

        Raises:
            TryAgain: the gateway does not answer, or answers with an error.
        """
        request = urllib.request.Request(self.base + path, method="POST" if post else "GET")
        try:
            with urllib.request.urlopen(request, timeout=5) as reply:
                return reply.read().decode()
        except (OSError, http.client.HTTPException, urllib.error.URLError) as error:
            raise TryAgain(f"The gateway does not answer at {self.base}{path} ({error})", ADVICE) from error

    def live(self) -> bool:
        """Whether the process says that it is ready. It says so even when its routes were refused."""
        try:
            return self.get("/ready").strip() == "LIVE"
        except TryAgain:
            return False

    def route_version(self) -> str:
        """The version of the routes that it works by; empty when it has none."""
        dump = json.loads(self.get("/config_dump?resource=dynamic_route_configs"))
        return next((str(one.get("version_info", "")) for one in dump.get("configs", [])), "")

    def counters(self, filter_: str) -> dict[str, int]:
        """Counters whose names match an expression."""
        lines = [line.rsplit(": ", 1) for line in self.get(f"/stats?type=Counters&filter={filter_}").splitlines()]
        return {line[0]: int(line[1]) for line in lines if len(line) == 2}
