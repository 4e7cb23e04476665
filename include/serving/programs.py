"""The programs of the local stack: what is run, with which command line and environment."""

import shutil
import sys
from dataclasses import dataclass, field
from pathlib import Path

from include.serving.replica import Replica
from include.serving.topology import REPLICAS, port
from include.settings import LOOPBACK, ROOT, Settings

MONITORING = ROOT / "config" / "monitoring.config"

ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
"""Four servers share the machine's cores: none may take them all for one request."""


@dataclass(frozen=True)
class Program:
    """One supervised process. `stop_seconds` is how long it may take to end before it is killed."""

    name: str
    command: tuple[str, ...]
    environment: dict[str, str] = field(default_factory=dict)
    directory: Path = ROOT
    stop_seconds: int = 5
    start_seconds: int = 1


def server_command(settings: Settings, replica: str) -> list[str]:
    """The command line of a model server: tensorflow_model_server when it is on PATH, else the one of this repository.

    Both take the same flags, except that the stand-in can be told to listen on loopback only.
    """
    real = shutil.which("tensorflow_model_server")
    start = [real] if real else [sys.executable, "-m", "include.model_server", f"--bind_address={LOOPBACK}"]
    return [
        *start,
        f"--port={port(settings, replica, 'grpc')}",
        f"--rest_api_port={port(settings, replica, 'rest')}",
        f"--model_config_file={Replica(replica, settings).config.absolute()}",
        "--model_config_file_poll_wait_seconds=1",
        "--file_system_poll_wait_seconds=1",
        "--max_num_load_retries=0",
        "--allow_version_labels_for_unavailable_models=true",
        "--tensorflow_intra_op_parallelism=1",
        "--tensorflow_inter_op_parallelism=1",
        f"--monitoring_config_file={MONITORING}",
    ]


def server_environment() -> dict[str, str]:
    """Serving is on the CPU, whatever the machine has: training may own the GPU."""
    return {
        "PYTHONPATH": str(ROOT),
        "PYTHONUNBUFFERED": "1",
        "TF_CPP_MIN_LOG_LEVEL": "2",
        "CUDA_VISIBLE_DEVICES": "-1",
        **ONE_THREAD,
    }


def local_programs(settings: Settings) -> list[Program]:
    """The replicas and the gateway."""
    servers = [Program(name, tuple(server_command(settings, name)), server_environment()) for name in REPLICAS]
    gateway = Program(
        "envoy",
        (sys.executable, "-m", "include.serving.run_gateway"),
        {"PYTHONPATH": str(ROOT), **_absolute(settings).environ()},
    )
    return [*servers, gateway]


def _absolute(settings: Settings) -> Settings:
    """A child runs in another folder, so relative paths are resolved here."""
    store = settings.store if "://" in settings.store or not settings.store else str(Path(settings.store).absolute())
    cache = str(Path(settings.cache).absolute()) if settings.cache else ""
    return settings.model_copy(update={"var": settings.var.absolute(), "store": store, "cache": cache})
