"""One real server with tiny models for all conformance tests; its config file is never changed."""

import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from include.settings import ROOT
from tests import tiny_models
from tests.ports import free_port

CONFIG = """model_config_list {{
  config {{ name: "scale" base_path: "{0}/scale" model_platform: "tensorflow" model_version_policy {{ all {{}} }}
            version_labels {{ key: "stable" value: 1 }} }}
  config {{ name: "shop" base_path: "{0}/shop" model_platform: "tensorflow" }}
  config {{ name: "types" base_path: "{0}/types" model_platform: "tensorflow" }}
  config {{ name: "half" base_path: "{0}/half" model_platform: "tensorflow" }}
  config {{ name: "defaults" base_path: "{0}/defaults" model_platform: "tensorflow" }}
  config {{ name: "slow" base_path: "{0}/slow" model_platform: "tensorflow" }}
  config {{ name: "warm" base_path: "{0}/warm" model_platform: "tensorflow" model_version_policy {{ all {{}} }} }}
}}
"""


class Server:
    """A model server process and a small REST client."""

    def __init__(self, config: Path | None, log: Path, *flags: str) -> None:
        self.grpc_port, self.rest_port = free_port(), free_port()
        self.log = log
        command = [
            *(sys.executable, "-m", "include.model_server", f"--port={self.grpc_port}", f"--rest_api_port={self.rest_port}"),
            *([f"--model_config_file={config}"] if config else []),
            *("--tensorflow_intra_op_parallelism=1", "--tensorflow_inter_op_parallelism=1"),
            *flags,
        ]
        env = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"}
        with log.open("wb") as out:
            self.process = subprocess.Popen(command, cwd=ROOT, env=env, stdout=out, stderr=subprocess.STDOUT)

    def wait(self, seconds: float = 90) -> "Server":
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            assert self.process.poll() is None, self.log.read_text()
            try:
                self.get("/v1/models")
                return self
            except OSError:
                time.sleep(0.1)
        raise AssertionError(self.log.read_text())

    def stop(self) -> int:
        self.process.terminate()
        return self.process.wait(10)

    def request(self, method: str, path: str, body: bytes | None = None, **headers: str) -> tuple[int, Any]:
        """Status, and the JSON body or the bytes of another kind."""
        request = urllib.request.Request(f"http://127.0.0.1:{self.rest_port}{path}", data=body, method=method)
        for name, value in headers.items():
            request.add_header(name.replace("_", "-"), value)
        try:
            with urllib.request.urlopen(request, timeout=30) as reply:
                return reply.status, self._read(reply)
        except urllib.error.HTTPError as error:
            return error.code, self._read(error)

    def get(self, path: str) -> tuple[int, Any]:
        return self.request("GET", path)

    def post(self, path: str, value: Any, **headers: str) -> tuple[int, Any]:
        return self.request("POST", path, value if isinstance(value, bytes) else json.dumps(value).encode(), **headers)

    @staticmethod
    def _read(reply: Any) -> Any:
        data = reply.read()
        return (
            json.loads(data.decode("utf-8", "surrogateescape"))
            if reply.headers.get("content-type") == "application/json"
            else data
        )


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("server")
    config, monitoring = folder / "models.config", folder / "monitoring.config"
    config.write_text(CONFIG.format(tiny_models.cached()))
    monitoring.write_text("prometheus_config { enable: true }")
    made = Server(
        config,
        folder / "log",
        f"--monitoring_config_file={monitoring}",
        "--allow_version_labels_for_unavailable_models",
        "--max_num_load_retries=0",
        "--rest_api_timeout_in_ms=4000",
        "--rest_api_enable_cors_support",
        "--enable_grpc_healthcheck_service",
        f"--grpc_socket_path={folder}/grpc.sock",
    )
    yield made.wait()
    assert made.stop() == 0
