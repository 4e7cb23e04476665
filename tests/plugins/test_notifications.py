import http.server
import json
import threading
from types import SimpleNamespace

import pytest

from nightfill.notifications import notify_failure

CONTEXT = {
    "task_instance": SimpleNamespace(dag_id="train_home", task_id="train_model", run_id="r1", try_number=3),
    "exception": ValueError("the disk is full"),
}


@pytest.fixture
def webhook():
    got = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            got.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *args):
            pass

    server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/hook", got
    server.shutdown()


def test_a_failure_reaches_the_webhook(webhook, monkeypatch):
    url, got = webhook
    monkeypatch.setenv("NIGHTFILL_WEBHOOK", url)
    notify_failure(CONTEXT)
    assert got[0]["dag_id"] == "train_home" and "the disk is full" in got[0]["text"]


def test_a_dead_webhook_changes_nothing(monkeypatch):
    monkeypatch.setenv("NIGHTFILL_WEBHOOK", "http://127.0.0.1:9/hook")
    notify_failure(CONTEXT)


def test_without_a_webhook_nothing_is_sent(webhook, monkeypatch):
    monkeypatch.delenv("NIGHTFILL_WEBHOOK", raising=False)
    notify_failure(CONTEXT)
    assert webhook[1] == []
