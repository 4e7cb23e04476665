"""A small Airflow over real HTTP: enough of API v2 for the driver, with DAG runs that end after a few looks."""

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

TIMES = {"start_date": "2026-01-01T00:00:00Z", "end_date": "2026-01-01T00:00:05Z"}


class FakeAirflow:
    """`fail` names (dag_id, run_id) pairs whose next attempt fails; `looks` is how often a run is seen running."""

    password = "pässword-never-shown"

    def __init__(self, looks: int = 1) -> None:
        self.looks = looks
        self.unknown: set[str] = set()
        self.fail: set[tuple[str, str]] = set()
        self.last_task = "second"
        self.runs: dict[tuple[str, str], dict[str, Any]] = {}
        self.calls: list[str] = []
        self.logins = 0
        self.expire_after: int | None = None
        self.url = ""

    def put(self, dag_id: str, run_id: str, state: str) -> None:
        """A run from before."""
        self.runs[dag_id, run_id] = {"state": state, "left": self.looks, "attempt": 1}

    def answer(self, method: str, path: str, body: dict[str, Any], token: str) -> tuple[int, Any]:
        if path == "/auth/token":
            self.logins += 1
            right = body == {"username": "admin", "password": self.password}
            return (201, {"access_token": f"token-{self.logins}"}) if right else (401, {})
        if token != f"Bearer token-{self.logins}" or self._expired():
            return 401, {"detail": "Unauthorized"}
        if path.startswith("/api/v2/importErrors"):
            return 200, {"import_errors": []}
        return self._dags(method, path, body)

    def _expired(self) -> bool:
        if self.expire_after is None:
            return False
        self.expire_after -= 1
        if self.expire_after < 0:
            self.expire_after = None
            return True
        return False

    def _dags(self, method: str, path: str, body: dict[str, Any]) -> tuple[int, Any]:
        found = re.fullmatch(r"/api/v2/dags/(?P<dag>\w+)(/dagRuns(/(?P<run>[^/?]+))?)?(/(?P<rest>\w+))?(\?.*)?", path)
        assert found, path
        dag, run, rest = found["dag"], found["run"], found["rest"]
        if dag in self.unknown:
            return 404, {}
        if method == "POST" and run is None:
            self.calls.append(f"trigger {dag} {json.dumps(body['conf'], sort_keys=True)}")
            assert body["logical_date"] is None
            self.put(dag, body["dag_run_id"], "queued")
            return 200, self._run(dag, body["dag_run_id"], look=False)
        if rest == "tasks":
            return 200, {"total_entries": 2}
        if run is None:
            return 200, {"dag_id": dag, "is_paused": False}
        if (dag, run) not in self.runs:
            return 404, {}
        if rest == "clear":
            self.calls.append(f"clear {dag} {run} only_failed={body['only_failed']}")
            self.runs[dag, run].update(state="queued", left=self.looks, attempt=self.runs[dag, run]["attempt"] + 1)
            return 200, {}
        return (200, self._tasks(dag, run)) if rest == "taskInstances" else (200, self._run(dag, run, look=True))

    def _run(self, dag: str, run: str, look: bool) -> dict[str, Any]:
        entry = self.runs[dag, run]
        if look and entry["state"] in ("queued", "running"):
            entry["left"] -= 1
            entry["state"] = "running"
            if entry["left"] < 0:
                entry["state"] = "failed" if (dag, run) in self.fail else "success"
        return {"dag_id": dag, "dag_run_id": run, "state": entry["state"], **TIMES}

    def _tasks(self, dag: str, run: str) -> dict[str, Any]:
        entry = self.runs[dag, run]
        names = {"first": "success", self.last_task: entry["state"]}
        tasks = [
            {"dag_id": dag, "dag_run_id": run, "task_id": name, "state": state, "try_number": entry["attempt"], **TIMES}
            for name, state in names.items()
        ]
        return {"task_instances": tasks, "total_entries": len(tasks)}


@contextmanager
def serve(fake: FakeAirflow) -> Iterator[FakeAirflow]:
    """Listen on a free loopback port for the body."""

    class Handler(BaseHTTPRequestHandler):
        def _do(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or b"{}")
            code, value = fake.answer(self.command, self.path, body, self.headers.get("Authorization", ""))
            data = json.dumps(value).encode()
            self.send_response(code)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = do_PATCH = _do

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    fake.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield fake
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
