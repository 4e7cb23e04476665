"""The pages over a toy store, with a hand-written Airflow: what they show, whom they refuse, what they do."""

import datetime as dt
import json
import re

import pytest
from starlette.testclient import TestClient

from include.errors import TryAgain
from include.rollout import record, registry, switches
from include.rollout.verdict import Kind
from include.store.objects import FolderStore
from nightfill.web.access import Run
from nightfill.web.app import create_app
from tests.toy_releases import EVIL, NIGHT, WEEK, release, shop

HERE = {"sec-fetch-site": "same-origin", "origin": "http://testserver"}
HTML = {"accept": "text/html,*/*"}


class FakeAirflow:
    """Says who asks and what they may do, and remembers what was triggered."""

    def __init__(self) -> None:
        self.person: str | None = "ada"
        self.rights = {"GET", "POST", "PUT"}
        self.triggered: list[tuple[str, dict]] = []
        self.run: Run | None = None

    async def user(self, request):
        return self.person

    def name(self, user):
        return user

    def may(self, user, method, dag_id):
        return method in self.rights

    def login(self, target):
        return f"/login?next={target}"

    def trigger(self, user, dag_id, run_id, values):
        self.triggered.append((dag_id, values))

    def last_run(self, dag_id):
        return self.run

    def origins(self):
        return ["airflow.example"]


@pytest.fixture
def airflow():
    return FakeAirflow()


@pytest.fixture
def store(tmp_path):
    store = shop(tmp_path)
    store.write(f"reports/{NIGHT}/index.html", b"<!doctype html><title>r</title>the report")
    store.write(f"reports/{NIGHT + WEEK}/index.html", b"later")
    said = {"alarm": True, "reason": f"it fell {EVIL}"}
    store.write(f"measures/home/{NIGHT}/measures.json", json.dumps(said).encode())
    return store


@pytest.fixture
def client(airflow, store):
    return TestClient(create_app(airflow, lambda: store), follow_redirects=False, raise_server_exceptions=False)


def routes(client):
    """Every route with its parameters filled in."""
    for route in client.app.routes:
        path = route.path.replace(":path}", "}").format(surface="home", night=NIGHT, stage="raw", path="anything")
        yield from ((method, path) for method in route.methods)


def send(client, headers=HERE, **fields):
    return client.post("/releases/home/do", data=fields, headers=headers)


def test_every_route_refuses_a_stranger(client, airflow):
    airflow.person = None
    found = list(routes(client))
    assert len(found) >= 11
    for method, path in found:
        answer = client.request(method, path, headers=HERE)
        assert answer.status_code == 401 and answer.text == "Sign in to Airflow first.", (method, path)
        shown = client.request(method, path, headers=HERE | HTML)
        wanted = (303, f"/login?next={path}") if method == "GET" else (401, None)
        assert (shown.status_code, shown.headers.get("location")) == wanted


def test_a_stranger_changes_nothing(client, airflow, store):
    airflow.person = None
    send(client, do="freeze", why="because")
    assert switches.read(store, "home").freeze is None


@pytest.mark.parametrize(
    "rights, path",
    [
        (set(), "/releases"),
        (set(), "/reports"),
        (set(), f"/reports/{NIGHT}/page"),
        (set(), f"/checks/raw/{NIGHT}"),
        ({"GET"}, "/releases/home/ask?do=pin"),
        ({"GET"}, "/releases/home/ask?do=roll_back"),
    ],
)
def test_without_the_right_a_page_is_refused(client, airflow, rights, path):
    airflow.rights = rights
    assert client.get(path).status_code == 403


@pytest.mark.parametrize("do", ["pin", "unpin", "freeze", "unfreeze", "roll_back"])
def test_who_may_only_look_sees_no_button_and_changes_nothing(client, airflow, store, do):
    airflow.rights = {"GET"}
    assert "/ask?" not in client.get("/releases").text
    assert send(client, do=do, why="because", version=1).status_code == 403
    assert switches.read(store, "home") == switches.Switches() and not airflow.triggered


@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-site": "cross-site", "origin": "http://evil.example"},
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": "none"},
        {"origin": "http://evil.example"},
        {"origin": "null"},
        {"origin": "http://testserver.evil.example"},
        {"sec-fetch-site": "same-origin", "origin": "http://evil.example"},
        {},
    ],
)
def test_a_request_that_another_site_started_changes_nothing(client, store, headers):
    assert send(client, headers, do="freeze", why="because").status_code == 403
    assert switches.read(store, "home").freeze is None


@pytest.mark.parametrize("headers", [HERE, {"origin": "http://airflow.example"}, {"authorization": "Bearer x"}])
def test_a_request_of_the_page_or_with_its_own_token_is_taken(client, store, headers):
    assert send(client, headers, do="freeze", why="because").status_code == 303
    assert switches.read(store, "home").freeze.by == "ada"


def test_a_look_changes_nothing(client, store):
    before = {key: store.read(key) for key in store.list("models")}
    for method, path in routes(client):
        if method == "GET":
            client.get(path)
    assert {key: store.read(key) for key in store.list("models")} == before
    assert switches.read(store, "home") == switches.Switches()


def test_the_page_says_what_serves_what_served_and_why(client):
    page = client.get("/releases").text
    assert "Version 1 serves" in page and "1970-01-01 00:03 UTC" in page
    assert "ROLL_BACK" in page and "PROMOTE" in page and "1,234 requests" in page
    assert page.count("<svg") == 2 and 'role="img"' in page and "Version 0 served from" in page


def test_what_comes_from_a_record_is_never_markup(client):
    for path in ("/releases", "/releases/home", "/reports"):
        page = client.get(path).text
        assert EVIL not in page and "&lt;script&gt;" in page


def test_no_page_runs_a_script_or_loads_anything_from_elsewhere(client):
    for method, path in routes(client):
        answer = client.request(method, path, headers=HERE)
        policy = answer.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'") and "frame-ancestors 'self'" in policy and "script-src" not in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "<script" not in answer.text and not re.findall(r'(?:src|href)="https?:', answer.text)


def test_a_report_stands_alone_in_a_sandbox(client):
    answer = client.get(f"/reports/{NIGHT}/page")
    assert answer.text.endswith("the report") and "; sandbox" in answer.headers["content-security-policy"]
    viewer = client.get(f"/reports/{NIGHT}")
    assert f'href="/reports/{NIGHT + WEEK}" rel="next"' in viewer.text and " sandbox>" in viewer.text


def test_reports_are_listed_newest_first_with_what_they_say(client):
    page = client.get("/reports").text
    assert page.index(str(NIGHT + WEEK)) < page.index(f"<b>{NIGHT}")
    assert "home · alarm" in page
    assert client.get("/reports/latest").headers["location"] == f"/reports/{NIGHT + WEEK}"
    assert f"<b>{NIGHT}" in client.get(f"/reports?before={NIGHT + WEEK}").text


@pytest.mark.parametrize("night", ["..%2f..%2fetc%2fpasswd", "2017-99-99", "2017-10-22%00", "....", "%2e%2e", "2017-W01-1"])
def test_a_path_that_is_no_night_is_a_sentence(client, night):
    for path in (f"/reports/{night}", f"/reports/{night}/page"):
        answer = client.get(path)
        assert answer.status_code in (400, 404) and "Traceback" not in answer.text


def test_a_night_without_a_report_is_a_sentence(client):
    assert "no morning report of 2016-01-01" in client.get("/reports/2016-01-01").text
    assert client.get("/reports/2016-01-01/page").status_code == 404


def test_an_unknown_surface_or_action_is_a_sentence(client):
    assert client.get("/releases/attic").status_code == 404
    assert client.get("/releases/home/ask?do=explode").status_code == 400
    assert send(client, do="explode").status_code == 409


def test_before_anything_is_done_the_page_says_what_will_happen(client, store):
    page = client.get("/releases/home/ask?do=roll_back&version=0").text
    assert "Roll home back to version 0?" in page and "pinned to version 0" in page and "rollback_home" in page
    assert 'method="post"' in page and 'name="epoch" value="2"' in page
    assert "ends with HOLD" in client.get("/releases/home/ask?do=freeze").text


def test_a_roll_back_is_airflows_to_do_in_the_persons_name(client, airflow, store):
    answer = send(client, do="roll_back", version="0", epoch="2", why="dog food")
    assert answer.headers["location"] == "/releases?told=roll_back#home"
    assert airflow.triggered == [("rollback_home", {"version": 0, "epoch": 2, "why": "dog food", "by": "ada"})]
    assert registry.stable(store, "home").version == 1, "the page itself moves nothing"
    assert "Airflow has been asked" in client.get("/releases?told=roll_back").text


def test_a_roll_back_that_was_decided_on_an_old_page_is_refused(client, airflow, store):
    registry.promote(store, "home", 2, NIGHT + WEEK, "r3")
    answer = send(client, do="roll_back", version="0", epoch="2", why="dog food")
    assert answer.status_code == 409 and "Look again" in answer.text and not airflow.triggered


def test_a_pin_holds_what_the_person_saw(client, store):
    assert send(client, do="pin", version="0", why="because").status_code == 409
    assert send(client, do="pin", version="1", why="because", until="2999-01-01T07:00").status_code == 303
    page = client.get("/releases").text
    assert "PINNED to version 1" in page and "until 2999-01-01 07:00 UTC" in page and "Take the pin off" in page
    send(client, do="unpin")
    assert switches.read(store, "home").pin is None


@pytest.mark.parametrize(
    "fields",
    [
        {"do": "freeze"},
        {"do": "freeze", "why": " "},
        {"do": "freeze", "why": "x" * 400},
        {"do": "freeze", "why": "because", "until": "tomorrow"},
        {"do": "freeze", "why": "because", "until": "1999-01-01"},
        {"do": "freeze", "why": ["one", "two"]},
        {"do": "pin", "why": "because", "version": "-1"},
        {"do": "pin", "why": "because", "version": "1; drop"},
        {"do": "roll_back", "why": "", "version": "0"},
        {"do": "roll_back", "why": "because", "version": "2"},
        {},
    ],
)
def test_a_bad_form_is_a_sentence_and_changes_nothing(client, airflow, store, fields):
    answer = send(client, **fields)
    assert answer.status_code == 409 and "That did not work" in answer.text
    assert switches.read(store, "home") == switches.Switches() and not airflow.triggered


def test_a_form_that_is_too_big_or_has_no_length_is_refused(client, store):
    assert send(client, do="freeze", why="x" * 9000).status_code == 413
    assert client.post("/releases/home/do", content=iter([b"do=freeze"]), headers=HERE).status_code == 411
    assert client.post("/releases/home/do", content=b"\xff\xfe", headers=HERE).status_code == 409


def test_a_surface_without_a_past_says_what_to_do(client, airflow, tmp_path):
    empty = TestClient(create_app(airflow, lambda: FolderStore(tmp_path / "none")), raise_server_exceptions=False)
    page = empty.get("/releases").text
    assert "Nothing serves yet" in page and "start_home" in page and "No release yet" in page
    assert "There is no report yet" in empty.get("/reports").text
    assert "/ask?" not in page


def test_a_damaged_record_does_not_hide_the_others(client, store):
    store.write("models/home/releases/r1/record.json", b"{")
    page = client.get("/releases").text
    assert "r1/record.json is not a release record" in page and "Version 2 of night" in page


def test_a_damaged_pointer_hides_only_its_surface(client, store):
    store.write("models/home/stable.json", b"{")
    answer = client.get("/releases")
    assert answer.status_code == 200 and "stable.json" in answer.text and 'id="search"' in answer.text


def test_a_store_that_does_not_answer_is_a_sentence(airflow):
    def opened():
        raise TryAgain("The bucket does not answer", "Try again in a minute")

    client = TestClient(create_app(airflow, opened), raise_server_exceptions=False)
    for path in ("/releases", "/reports", f"/reports/{NIGHT}"):
        assert "The bucket does not answer" in client.get(path).text


def test_an_unforeseen_error_shows_no_trace(airflow):
    def opened():
        raise RuntimeError("the password is hunter2")

    client = TestClient(create_app(airflow, opened), raise_server_exceptions=False)
    answer = client.get("/reports")
    assert answer.status_code == 500 and "hunter2" not in answer.text


def test_a_roll_back_that_runs_or_failed_is_shown(client, airflow):
    airflow.run = Run("by_hand__1", "running")
    page = client.get("/releases").text
    assert "A roll-back is under way" in page and 'http-equiv="refresh"' in page and "Roll back to 0" not in page
    airflow.run = Run("by_hand__1", "failed")
    assert "The last roll-back failed" in client.get("/releases").text


def test_a_release_under_way_says_how_far_it_is(client, store):
    release(store, "r3", 2, None, NIGHT + 2 * WEEK, reason="")
    assert "UNDER WAY" in client.get("/releases").text
    assert "done is shadow, and 0 % of the households" in client.get("/releases").text


def test_many_releases_are_shown_a_few_at_a_time(client, store):
    one = record.find(store, "home", "r2")
    for i in range(9):
        record.save(store, one.model_copy(update={"release": f"x{i}", "verdict": Kind.HOLD, "night": NIGHT + dt.timedelta(i)}))
    assert client.get("/releases").text.count("<article") == 6
    assert "All 11 releases" in client.get("/releases").text
    assert client.get("/releases/home").text.count("<article") == 11


def checks_of(store, **changed):
    check = {
        "what": f"prices {EVIL}",
        "why": "It jumped.",
        "severity": "quarantine",
        "allowed": "0.2 to 5",
        "seen": "100",
        "held": False,
    }
    value = {
        "stage": "raw",
        "nights": [str(NIGHT)] * 2,
        "findings": [{"check": "price_wrong", "severity": "quarantine", "what": f"On it: {EVIL}", "todo": "Correct it"}],
        "checks": [check | {"name": "price_wrong"}, check | {"name": "rows_odd", "held": True}],
        "unjudged": ["hour_odd"],
        "judge": "Great Expectations 1",
    }
    store.write(f"reports/checks/raw/{NIGHT}.json", json.dumps(value | changed).encode())


def test_the_page_of_the_checks_says_first_what_did_not_hold(client, store):
    checks_of(store)
    answer = client.get(f"/checks/raw/{NIGHT}")
    assert answer.status_code == 200 and EVIL not in answer.text
    said = [
        "1 of 2 checks did not hold",
        "NIGHT SET ASIDE",
        "On it: ",
        "It jumped. Correct it.",
        "price_wrong",
        "rows_odd",
        "Not judged",
        "hour_odd",
    ]
    assert [answer.text.index(one) for one in said] == sorted(answer.text.index(one) for one in said)
    checks_of(store, findings=[], checks=[], unjudged=[], nights=[], judge="")
    assert "nothing to look at" in client.get(f"/checks/raw/{NIGHT}").text
    store.write(f"reports/checks/raw/{NIGHT}.json", b"[")
    assert client.get(f"/checks/raw/{NIGHT}").status_code == 400


def test_only_a_stage_and_a_night_have_a_page_of_checks(client):
    assert f"no report of the checks of features up to {NIGHT}" in client.get(f"/checks/features/{NIGHT}").text
    assert client.get(f"/checks/features/{NIGHT}").status_code == 404
    assert client.get(f"/checks/..%2F..%2Fregistry/{NIGHT}").status_code == 404
    assert client.get("/checks/raw/yesterday").status_code == 400
    assert "checks" not in client.get("/reports").text
