"""The command line itself: help, exit codes, one run at a time."""

import fcntl
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from include.cli import night, suite
from include.cli.__main__ import main, parser
from include.cli.lock import only_one
from include.cli.plan import calendar
from include.cli.setup import ROOT
from include.cli.suite import stages
from include.errors import Refused
from include.settings import SourceSpec


def test_help_names_every_command_and_setting(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--help"])
    text = capsys.readouterr().out
    assert ended.value.code == 0
    for word in ("setup", "run", "status", "stop", "clean", "backfill", "logs", "password", "NIGHTFILL_PORT_BASE", "127.0.0.1"):
        assert word in text


def test_every_command_has_a_meaning() -> None:
    from include.cli.commands import COMMANDS

    choices = parser()._subparsers._group_actions[0].choices  # type: ignore[union-attr]
    assert set(choices) == {*COMMANDS, "check", "env"}


def test_nights_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NIGHTS", "7")
    assert parser().parse_args(["run"]).nights == 7


def test_a_dry_run_shows_every_run_with_its_parameters() -> None:
    text = night.dry_run(calendar(SourceSpec()))
    assert "build_features    start=2017-01-01 end=2017-10-29  recorded__build_features__2017-01-01_2017-10-29" in text
    assert len(text.splitlines()) == 2 + 16


def test_a_second_run_at_the_same_time_is_refused(tmp_path: Path) -> None:
    lock = tmp_path / "run" / "nightfill.lock"
    with only_one(lock), pytest.raises(Refused, match="Another nightfill run is at work"), only_one(lock):
        pass
    with only_one(lock), lock.open() as file, pytest.raises(BlockingIOError):
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


@pytest.mark.parametrize(
    ("words", "code", "text"),
    [
        (["run", "--first-model", "2030-01-01"], 65, "need purchases up to"),
        (["run", "--first-model", "22.10.2017"], 65, "is not a date"),
        (["run", "--surface", "attic"], 65, "There is no surface 'attic'. Choose one of home, search."),
        (["backfill", "2017-02-30", "2017-03-01"], 65, "'2017-02-30' is not a date"),
        (["run", "--nights", "many"], 2, "invalid int value"),
    ],
)
def test_bad_words_end_with_a_sentence_and_a_code(words: list[str], code: int, text: str, tmp_path: Path) -> None:
    env = {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "NIGHTFILL_VAR": str(tmp_path),
        "NIGHTFILL_PORT_BASE": "64000",
        "HOME": "/tmp",
    }
    dry = [*words, "--dry-run"] if words[0] == "run" else words
    done = subprocess.run([ROOT / "nightfill", *dry], capture_output=True, text=True, env=env, check=False)
    assert done.returncode == code
    assert text in done.stderr
    assert "Traceback" not in done.stderr


def test_make_test_runs_style_types_and_every_kind_of_tests() -> None:
    found = stages(Path("bin"), long=False, more=())
    assert [one.name for one in found if one.beside] == ["types", "models in TensorFlow"]
    assert [one.name for one in found if not one.beside] == [
        *("style", "format", "unit tests", "tests with real processes", "tests of whole stacks")
    ]
    assert not found[-1].beside


@pytest.mark.parametrize("broken", [(), ("types",), ("unit tests",)])
def test_a_failed_stage_fails_the_suite_and_hides_no_other(monkeypatch, capfd, broken) -> None:
    def little(bin_folder: Path, long: bool, more: Sequence[str]) -> list[suite.Stage]:
        script = "echo said by {0}; exit {1}"
        names = {"types": True, "unit tests": False}
        shell = {name: ["sh", "-c", script.format(name, int(name in broken))] for name in names}
        return [suite.Stage(name, shell[name], beside) for name, beside in names.items()]

    monkeypatch.setattr(suite, "stages", little)
    assert suite.run(Path("bin")) == (1 if broken else 0)
    text = capfd.readouterr().out
    assert text.count("said by") == 2 and text.count("FAILED") == len(broken)
