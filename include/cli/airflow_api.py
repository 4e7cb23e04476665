"""The few calls of Airflow's REST API (v2) that the night driver needs, over plain HTTP."""

import time
from collections.abc import Callable
from typing import Any

import httpx

from include.errors import Refused, TryAgain

DONE = ("success", "failed")
Json = dict[str, Any]


class AirflowApi:
    """A client that logs in by itself, and again when its token has run out.

    Args:
        url: address of the API server, without a path.
        password: gives the admin's password when it is needed; it is never kept in a message.
        patience: seconds for which an unreachable server is asked again.
    """

    def __init__(self, url: str, password: Callable[[], str], patience: float = 60.0) -> None:
        self.url = url
        self._password = password
        self._patience = patience
        self._token = ""
        self._http = httpx.Client(base_url=url, timeout=30.0, trust_env=False)

    def close(self) -> None:
        self._http.close()

    def dag(self, dag_id: str) -> Json | None:
        """A DAG as Airflow knows it; None while the DAG processor has not read it."""
        return self._get(f"/api/v2/dags/{dag_id}")

    def unpause(self, dag_id: str) -> None:
        self._call("PATCH", f"/api/v2/dags/{dag_id}", {"is_paused": False})

    def import_errors(self) -> list[Json]:
        """[{filename, stack_trace}] of DAG files that do not load."""
        return list((self._get("/api/v2/importErrors") or {}).get("import_errors", []))

    def run(self, dag_id: str, run_id: str) -> Json | None:
        """One DAG run; None when there is no such run."""
        return self._get(f"/api/v2/dags/{dag_id}/dagRuns/{run_id}")

    def backfill_states(self, dag_id: str, first: str, last: str) -> dict[str, str]:
        """Night -> state of the backfill runs of the nights first to last."""
        span = f"logical_date_gte={first}T00:00:00Z&logical_date_lte={last}T23:59:59Z"
        runs: list[Json] = []
        while True:
            page = self._get(f"/api/v2/dags/{dag_id}/dagRuns?run_type=backfill&limit=100&offset={len(runs)}&{span}") or {}
            runs += page.get("dag_runs", [])
            if not page.get("dag_runs") or len(runs) >= page["total_entries"]:
                return {str(run["logical_date"])[:10]: str(run["state"]) for run in runs}

    def open_backfills(self, dag_id: str) -> int:
        """Backfills of a DAG that Airflow has not closed: at most one, and it is closed some time after its last run."""
        found = self._get(f"/api/v2/backfills?dag_id={dag_id}&limit=20&order_by=-id") or {}
        return sum(backfill["completed_at"] is None for backfill in found.get("backfills", []))

    def trigger(self, dag_id: str, run_id: str, conf: Json) -> Json:
        """Ask for a DAG run without a logical date, so that it can never swallow a scheduled one."""
        body = {"dag_run_id": run_id, "logical_date": None, "conf": conf}
        return self._call("POST", f"/api/v2/dags/{dag_id}/dagRuns", body)

    def clear_failed(self, dag_id: str, run_id: str) -> None:
        """Run the failed tasks of a DAG run again, and what waits for them; done tasks stay done."""
        self._call("POST", f"/api/v2/dags/{dag_id}/dagRuns/{run_id}/clear", {"dry_run": False, "only_failed": True})

    def tasks(self, dag_id: str, run_id: str) -> list[Json]:
        """Task instances of a run in the order in which they started."""
        found = self._get(f"/api/v2/dags/{dag_id}/dagRuns/{run_id}/taskInstances?limit=100") or {}
        return sorted(found.get("task_instances", []), key=lambda task: task["start_date"] or "~")

    def task_count(self, dag_id: str) -> int:
        return int((self._get(f"/api/v2/dags/{dag_id}/tasks") or {}).get("total_entries", 0))

    def text(self, path: str) -> str:
        """A page of Airflow or of a plugin, as its source."""
        answer = self._send("GET", path, None)
        if answer.status_code >= 400:
            raise Refused(f"Airflow answered {answer.status_code} to {path}", "Read its log with `nightfill logs api-server`")
        return answer.text

    def put_pool(self, name: str, slots: int, description: str) -> None:
        """Make a pool, unless there is one: a person may have chosen another size."""
        if self.pool_slots(name) is None:
            self._call("POST", "/api/v2/pools", {"name": name, "slots": slots, "description": description})

    def pool_slots(self, name: str) -> int | None:
        """Slots of a pool; None when there is no such pool."""
        pool = self._get(f"/api/v2/pools/{name}")
        return None if pool is None else int(pool["slots"])

    def _get(self, path: str) -> Json | None:
        answer = self._send("GET", path, None)
        if answer.status_code == 404:
            return None
        return self._json(answer)

    def _call(self, method: str, path: str, body: Json) -> Json:
        return self._json(self._send(method, path, body))

    def _send(self, method: str, path: str, body: Json | None) -> httpx.Response:
        answer = self._request(method, path, body)
        if answer.status_code == 401:
            self._token = ""
            answer = self._request(method, path, body)
        return answer

    def _request(self, method: str, path: str, body: Json | None) -> httpx.Response:
        until = time.monotonic() + self._patience
        while True:
            try:
                headers = {"Authorization": f"Bearer {self._token or self._login()}"}
                answer = self._http.request(method, path, json=body, headers=headers)
                # A POST is not sent twice after an answer: the server may have acted on it.
                if answer.status_code < 500 or method == "POST":
                    return answer
            except httpx.TransportError:
                pass
            if time.monotonic() > until:
                raise TryAgain(f"Airflow does not answer at {self.url}", "See `nightfill status`, then `make run` again")
            time.sleep(0.5)

    def _login(self) -> str:
        body = {"username": "admin", "password": self._password()}
        answer = self._http.post("/auth/token", json=body)
        if answer.status_code != 201:
            raise Refused(
                f"Airflow at {self.url} refused the admin's password",
                "Another Airflow may hold this port; `make stop`, then choose another NIGHTFILL_PORT_BASE",
            )
        self._token = answer.json()["access_token"]
        return self._token

    def _json(self, answer: httpx.Response) -> Json:
        if answer.status_code >= 400:
            asked = f"{answer.request.method} {answer.request.url.path}"
            raise Refused(
                f"Airflow answered {answer.status_code} to {asked}: {answer.text[:500]}",
                "Read Airflow's log with `nightfill logs api-server`",
            )
        return dict(answer.json()) if answer.content else {}
