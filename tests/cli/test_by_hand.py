"""What a person does with a surface from the command line is said first, and done only when it is wanted."""

import argparse

import pytest

from include.cli import by_hand, tidy
from include.cli.__main__ import parser
from include.cli.airflow_api import AirflowApi
from include.errors import Refused, TryAgain
from include.rollout import registry, switches
from include.settings import Settings
from include.store.objects import open_store
from tests.cli.fake_airflow import FakeAirflow, serve
from tests.toy_releases import shop


@pytest.fixture
def settings(tmp_path):
    shop(tmp_path)
    return Settings(var=tmp_path, port_base=64000)


@pytest.fixture
def store(settings):
    return open_store(settings.store_uri)


def call(settings, *words):
    args = parser().parse_args(words)
    return (by_hand.COMMANDS | {"tidy": tidy.run})[args.command](settings, args)


def test_a_pin_and_its_end(settings, store, capsys):
    assert call(settings, "pin", "home", "--why", "it is good", "--until", "2999-01-01", "--yes") == 0
    pin = switches.read(store, "home").pin
    assert (pin.version, pin.why) == (1, "it is good") and "stays on version 1" in capsys.readouterr().out
    assert call(settings, "unpin", "home", "--yes") == 0
    assert switches.read(store, "home").pin is None


def test_a_freeze_and_its_end(settings, store):
    call(settings, "freeze", "home", "--why", "a holiday", "--yes")
    assert switches.read(store, "home").freeze.why == "a holiday"
    call(settings, "unfreeze", "home", "--yes")
    assert switches.read(store, "home").freeze is None


@pytest.mark.parametrize("words", [("pin", "home"), ("freeze", "home"), ("rollback", "home"), ("tidy",)])
def test_a_dry_run_changes_nothing(settings, store, words, capsys):
    before = {key: store.read(key) for key in store.list("models")}
    assert call(settings, *words, "--dry-run") == 0
    assert {key: store.read(key) for key in store.list("models")} == before
    assert switches.read(store, "home") == switches.Switches()


@pytest.mark.parametrize(
    "words, sentence",
    [
        (("freeze", "home", "--yes"), "no reason"),
        (("freeze", "attic", "--why", "because", "--yes"), "no surface 'attic'"),
        (("pin", "search", "--why", "because", "--yes"), "Nothing is stable"),
        (("freeze", "home", "--why", "because", "--until", "soon", "--yes"), "not a moment"),
        (("freeze", "home", "--why", "because", "--until", "1999-01-01", "--yes"), "is over"),
        (("rollback", "home", "--version", "2", "--why", "because", "--yes"), "never served"),
        (("tidy", "--keep-nights", "1"), "At least 35 nights"),
    ],
)
def test_bad_words_are_refused_with_a_sentence(settings, store, words, sentence):
    with pytest.raises(Refused, match=sentence):
        call(settings, *words)
    assert switches.read(store, "home") == switches.Switches()


def test_a_script_without_yes_is_refused(settings, store, monkeypatch):
    monkeypatch.setattr("sys.stdin.isatty", lambda: False, raising=False)
    with pytest.raises(Refused, match="Give --yes"):
        call(settings, "freeze", "home", "--why", "because")


def test_only_a_yes_is_a_yes(monkeypatch):
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    args = argparse.Namespace(dry_run=False, yes=False, why="because")
    assert by_hand.agreed(args, "It happens.", lambda question: "y")
    assert not by_hand.agreed(args, "It happens.", lambda question: "")


def test_a_roll_back_needs_airflow_and_says_so(settings, store):
    with pytest.raises(TryAgain, match="Run `nightfill start`"):
        call(settings, "rollback", "home", "--why", "because", "--yes")
    assert registry.stable(store, "home").version == 1


def test_a_young_store_has_nothing_to_tidy(settings, capsys):
    assert call(settings, "tidy", "--yes") == 0
    assert "nothing to delete" in capsys.readouterr().out


@pytest.mark.parametrize("fails, code", [(False, 0), (True, 1)])
def test_airflow_does_the_roll_back_and_is_followed_to_its_end(fails, code, monkeypatch, capsys):
    monkeypatch.setattr(by_hand.time, "strftime", lambda *arguments: "now")
    with serve(FakeAirflow()) as fake:
        fake.fail = {("rollback_home", "by_hand__now")} if fails else set()
        api = AirflowApi(fake.url, lambda: fake.password)
        assert by_hand.follow(api, "rollback_home", {"version": 0, "why": "because"}, period=0.01) == code
    assert fake.calls == ['trigger rollback_home {"version": 0, "why": "because"}']
    assert ("nightfill logs rollback_home.second" in capsys.readouterr().err) is fails
