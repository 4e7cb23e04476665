"""The pages in Airflow's own API server: its login, its permissions, its DAG runs."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import httpx
import pytest

from include.cli import airflow_stack
from include.rollout import switches
from include.settings import ROOT, Settings
from include.store.objects import open_store
from nightfill.web.lazy import LazyPages
from tests.ports import free_base
from tests.toy_releases import NIGHT, shop

pytestmark = pytest.mark.slow

HERE = {"sec-fetch-site": "same-origin"}
USERS = {"AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": "admin:admin,vera:viewer"}


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """An API server over a toy store, with the DAGs in its database; nothing else of Airflow runs."""
    settings = Settings(var=tmp_path_factory.mktemp("var"), port_base=free_base())
    store = shop(settings.var)
    store.write(f"reports/{NIGHT}/index.html", b"the report")
    airflow_stack.configure(settings)
    airflow_stack.migrate(settings)
    env = airflow_stack.clean_environ() | airflow_stack.environ(settings) | USERS
    airflow = str(Path(sys.executable).parent / "airflow")
    subprocess.run([airflow, "dags", "reserialize"], env=env, cwd=ROOT, check=True, capture_output=True, timeout=120)
    log = (settings.var / "api.log").open("w")
    process = subprocess.Popen([airflow, "api-server"], env=env, cwd=ROOT, stdout=log, stderr=log, start_new_session=True)
    try:
        _wait(airflow_stack.url(settings), process)
        yield settings
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(20)
        log.close()


def _wait(url: str, process: subprocess.Popen, seconds: float = 90) -> None:
    until = time.monotonic() + seconds
    while True:
        try:
            urllib.request.urlopen(f"{url}/api/v2/version", timeout=2).close()
            return
        except OSError:
            assert process.poll() is None and time.monotonic() < until, "the API server does not come up"
            time.sleep(0.3)


@pytest.fixture
def client(server):
    with httpx.Client(base_url=airflow_stack.url(server), trust_env=False) as client:
        yield client


def sign_in(client, server, name="admin"):
    """As a browser does: the token is a cookie."""
    password = json.loads((server.airflow_home / airflow_stack.PASSWORDS).read_text())[name]
    answer = client.post("/auth/token", json={"username": name, "password": password})
    client.cookies.set("_token", answer.json()["access_token"])
    return client


def routes():
    for route in LazyPages().app().routes:
        path = "/nightfill" + route.path.replace(":path}", "}").format(surface="home", night=NIGHT, stage="raw", path="any")
        yield from ((method, path) for method in sorted(route.methods))


def test_every_registered_route_refuses_a_stranger(client):
    found = list(routes())
    assert len(found) >= 11
    for headers in ({}, {"cookie": "_token=nonsense"}, {"authorization": "Bearer nonsense"}):
        for method, path in found:
            assert client.request(method, path, headers=HERE | headers).status_code == 401, (method, path)


def test_a_browser_is_led_to_the_login_and_back(client):
    answer = client.get("/nightfill/releases", headers={"accept": "text/html"})
    assert answer.status_code == 303 and "/auth/login?next=%2Fnightfill%2Freleases" in answer.headers["location"]
    assert "/login?next=" in client.get(answer.headers["location"]).headers["location"]


def test_the_navigation_shows_both_pages(client, server):
    found = sign_in(client, server).get("/api/v2/plugins").json()["plugins"]
    (ours,) = [plugin for plugin in found if plugin["name"] == "nightfill"]
    assert [(view["name"], view["href"]) for view in ours["external_views"]] == [
        ("Morning report", "/nightfill/reports"),
        ("Releases", "/nightfill/releases"),
    ]


def test_a_signed_in_person_reads_both_pages(client, server):
    sign_in(client, server)
    assert "Version 1 serves" in client.get("/nightfill/releases").text
    assert client.get(f"/nightfill/reports/{NIGHT}/page").text == "the report"


def test_a_viewer_looks_and_changes_nothing(client, server):
    sign_in(client, server, "vera")
    page = client.get("/nightfill/releases")
    assert page.status_code == 200 and "/ask?" not in page.text
    for do in ("freeze", "roll_back"):
        data = {"do": do, "why": "because", "version": "0"}
        assert client.post("/nightfill/releases/home/do", data=data, headers=HERE).status_code == 403
    assert switches.read(open_store(server.store_uri), "home") == switches.Switches()


def test_another_site_changes_nothing_with_the_persons_cookie(client, server):
    sign_in(client, server)
    for headers in ({"sec-fetch-site": "cross-site"}, {"origin": "http://evil.example"}, {}):
        data = {"do": "freeze", "why": "because"}
        assert client.post("/nightfill/releases/home/do", data=data, headers=headers).status_code == 403
    assert switches.read(open_store(server.store_uri), "home").freeze is None


def test_a_roll_back_becomes_a_dag_run_in_the_persons_name(client, server):
    sign_in(client, server)
    data = {"do": "roll_back", "version": "0", "epoch": "2", "why": "dog food"}
    assert client.post("/nightfill/releases/home/do", data=data, headers=HERE).status_code == 303
    token = {"authorization": f"Bearer {client.cookies['_token']}"}
    (run,) = client.get("/api/v2/dags/rollback_home/dagRuns", headers=token).json()["dag_runs"]
    assert run["triggering_user_name"] == "admin" and run["state"] == "queued"
    assert run["conf"] == {"version": 0, "epoch": 2, "why": "dog food", "by": "admin"}
    assert "A roll-back is under way" in client.get("/nightfill/releases").text
