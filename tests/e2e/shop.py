"""A shop of its own for one test: folders, ports, and the command as a user calls it."""

import json
import os
import subprocess
import time
from pathlib import Path

from include.cli import stack
from include.cli.airflow_api import DONE, AirflowApi
from include.settings import Settings
from tests.ports import free_base

ROOT = Path(__file__).resolve().parents[2]


class Shop:
    """The command in an environment of its own."""

    def __init__(self, var: Path, source: dict) -> None:
        self.var = var
        self.base = free_base()
        settings = {"NIGHTFILL_VAR": str(var), "NIGHTFILL_PORT_BASE": str(self.base), "NIGHTFILL_SOURCE": json.dumps(source)}
        self.env = os.environ | settings | {"NIGHTS": "1"}
        for name in list(self.env):
            if name.startswith("AIRFLOW"):
                del self.env[name]

    def call(self, *arguments: str, seconds: float = 1800) -> subprocess.CompletedProcess[str]:
        command = [str(ROOT / "nightfill"), *arguments]
        return subprocess.run(command, env=self.env, capture_output=True, text=True, timeout=seconds, cwd=ROOT)

    def page(self, path: str) -> str:
        """The source of one of Nightfill's pages, as its admin reads it."""
        api = AirflowApi(f"http://127.0.0.1:{self.base + 3}", lambda: self.call("password").stdout.strip())
        return api.text(f"/nightfill/{path}")

    def report(self) -> str:
        """The newest morning report, from behind the login."""
        newest = max(path.name for path in (self.var / "reports").iterdir())
        return self.page(f"reports/{newest}/page")

    def summary(self) -> dict:
        return json.loads((self.var / "run" / "summary.json").read_text())

    def manifests(self) -> dict[str, bytes]:
        store = self.var / "store"
        return {str(path.relative_to(store)): path.read_bytes() for path in sorted(store.rglob("manifest.json"))}

    def ask(self, run_id: str, **conf: str) -> None:
        """Ask for a run of build_features."""
        stack.client(Settings.load(self.env)).trigger("build_features", run_id, dict(conf))

    def wait(self, run_id: str, *states: str, seconds: float = 900) -> str:
        """The state of a run of build_features once it is one of these (or time is up); without any, once it has ended."""
        api, until = stack.client(Settings.load(self.env)), time.monotonic() + seconds
        while (state := api.run("build_features", run_id)["state"]) not in (states or DONE) and time.monotonic() < until:
            time.sleep(1)
        return state

    def build_range(self, first: str, last: str) -> None:
        """One range run of build_features through the scheduler, and the stack stopped after it."""
        self.ask("range", start=first, end=last)
        assert self.wait("range") == "success"
        self.call("stop")
