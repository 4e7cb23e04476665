"""Services of docker-compose.yaml as processes of this machine: their commands and environments, with other addresses."""

import os
import signal
import subprocess
from pathlib import Path
from typing import Any

from include.settings import ROOT
from tests.production import compose_file


class Production:
    """Starts services by name, each with a log file, and ends them all.

    Args:
        folder: the containers' volumes: Airflow's home, `var`, the logs.
        moved: text of the file -> text on this machine, such as "redis:6379" -> "127.0.0.1:40123".
        packages: folder of the production packages.
    """

    def __init__(self, folder: Path, moved: dict[str, str], packages: Path) -> None:
        self.folder = folder
        self.packages = packages
        self.moved = moved
        self.running: dict[str, subprocess.Popen[bytes]] = {}

    def _here(self, value: Any) -> str:
        text = str(value)
        for before, after in self.moved.items():
            text = text.replace(before, after)
        return text

    def environ(self, service: str) -> dict[str, str]:
        """The service's environment, and the images' own: PATH, PYTHONPATH and AIRFLOW_HOME."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "NIGHTFILL", "AWS"))}
        said = {name: self._here(value) for name, value in compose_file.services()[service].get("environment", {}).items()}
        tools = f"{self.packages / 'bin'}:{ROOT / '.venv/bin'}"
        path = [ROOT, ROOT / "plugins", ROOT / "config", self.packages]
        image = {
            "PATH": f"{tools}:{kept['PATH']}",
            "PYTHONPATH": ":".join(map(str, path)),
            "AIRFLOW_HOME": str(self.folder / "airflow"),
            "HOME": str(self.folder),
        }
        return kept | said | image

    def command(self, service: str) -> list[str]:
        return [self._here(word) for word in compose_file.services()[service]["command"]]

    def once(self, service: str) -> str:
        """Run an init job to its end; returns what it said."""
        done = subprocess.run(
            self.command(service), env=self.environ(service), cwd=ROOT, capture_output=True, text=True, check=False, timeout=600
        )
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-3000:]
        return done.stdout + done.stderr

    def start(self, *services: str) -> None:
        for service in services:
            with (self.folder / f"{service}.log").open("wb") as log:
                self.running[service] = subprocess.Popen(
                    self.command(service), env=self.environ(service), cwd=ROOT, stdout=log, stderr=log, start_new_session=True
                )

    def said(self, service: str) -> str:
        return (self.folder / f"{service}.log").read_text(errors="replace")

    def stop(self) -> None:
        for process in self.running.values():
            os.killpg(process.pid, signal.SIGTERM)
        for process in self.running.values():
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
