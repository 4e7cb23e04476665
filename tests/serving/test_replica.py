import http.server
import json
import threading

import pytest

from include.errors import Refused, TryAgain
from include.serving.replica import Replica


@pytest.fixture
def server(settings):
    """A REST page that says what the test wants."""
    said = {}

    class Page(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            code, value = said.get(self.path, (404, {"error": "Could not find any versions of model"}))
            body = json.dumps(value).encode()
            self.send_response(code)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args):
            pass

    httpd = http.server.ThreadingHTTPServer(("127.0.0.1", settings.port("canary.rest")), Page)
    threading.Thread(target=httpd.serve_forever, daemon=True).start()
    yield said
    httpd.shutdown()
    httpd.server_close()


def states(*entries):
    return 200, {
        "model_version_status": [
            {"version": str(v), "state": state, "status": {"error_code": "OK", "error_message": text}}
            for v, state, text in entries
        ]
    }


def test_a_silent_server_is_worth_another_try(settings):
    with pytest.raises(TryAgain, match="canary does not answer"):
        Replica("canary", settings).status("home")


def test_an_unknown_surface_has_no_versions(settings, server):
    assert Replica("canary", settings).status("home") == {}


def test_waiting_for_a_version_that_failed_to_load_is_refused_at_once(settings, server):
    server["/v1/models/home"] = states((2, "END", "Data loss"), (1, "AVAILABLE", ""))
    replica = Replica("canary", settings)
    assert replica.answers_with("home") == 1
    replica.wait_available("home", 1, seconds=1)
    with pytest.raises(Refused, match="Data loss"):
        replica.wait_available("home", 2, seconds=60)


def test_waiting_too_long_says_what_the_server_says(settings, server):
    server["/v1/models/home"] = states((2, "LOADING", ""))
    with pytest.raises(TryAgain, match="it says LOADING"):
        Replica("canary", settings).wait_available("home", 2, seconds=0.1)


def test_preparing_keeps_a_config_that_is_there(settings):
    replica = Replica("stable-a", settings)
    replica.prepare()
    assert replica.versions() == {} and replica.config.exists()
    (replica.models / "home" / "4").mkdir(parents=True)
    replica.write_config({"home": [4]}, {"home": {"stable": 4}})
    before = replica.config.read_bytes()
    replica.prepare()
    assert replica.versions() == {"home": [4]} and replica.config.read_bytes() == before


def test_a_version_whose_files_are_gone_is_not_asked_for_at_the_start(settings):
    replica = Replica("stable-a", settings)
    (replica.models / "home" / "4").mkdir(parents=True)
    replica.write_config({"home": [4, 5], "search": [1]}, {"search": {"stable": 1}})
    replica.prepare()
    assert replica.versions() == {"home": [4]}
