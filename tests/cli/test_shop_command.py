"""`nightfill shop` as a user calls it: init guesses, check shows and writes nothing, run plans on the data's own days."""

import datetime as dt
from pathlib import Path
from typing import NamedTuple

import pytest

from include.cli.__main__ import main
from include.cli.chosen_source import choose, recall
from include.cli.plan import calendar
from include.errors import Refused
from include.settings import Settings, SourceSpec
from include.store.objects import open_store
from tests.sources.own_shop import HEADER, LINES, MAPPING, write
from tests.sources.web_shop import WebShop, csv_text, write_web_shop


@pytest.fixture
def call(tmp_path, monkeypatch, capsys):
    """The command in this process, with a var of its own: (exit code, what it said, what it complained)."""
    monkeypatch.setenv("NIGHTFILL_VAR", str(tmp_path / "var"))
    monkeypatch.setenv("NIGHTFILL_NO_APT", "1")
    for name in ("NIGHTFILL_SOURCE", "NIGHTS"):
        monkeypatch.delenv(name, raising=False)

    def do(*words: str) -> Done:
        try:
            code = main(["shop", *words])
        except SystemExit as ended:
            code = int(ended.code or 0)
        return Done(code, *capsys.readouterr())

    return do


class Done(NamedTuple):
    returncode: int
    stdout: str
    stderr: str


def files(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def web_shop(tmp_path_factory):
    return write_web_shop(tmp_path_factory.mktemp("web"), WebShop(customers=40, weeks=10))


def test_init_guesses_a_mapping_that_check_finds_usable(web_shop, tmp_path, call):
    data = tmp_path / "data"
    write_web_shop(data, WebShop(customers=40, weeks=10))
    (data / "nightfill.yaml").unlink()
    made = call("init", str(data), "--zone", "Europe/London")
    assert made.returncode == 0, made.stderr
    for words in ("household: column CustomerID", "reads all", "baskets that begin with C", "POST", "Saturday"):
        assert words in made.stdout
    before = files(tmp_path)
    checked = call("check", str(data), "--lines", "0")
    assert checked.returncode == 0, checked.stdout + checked.stderr
    for words in ("everything", "without household, left out", "sales-2023-09-", "Europe/London", "search  possible", "Usable"):
        assert words in checked.stdout
    assert files(tmp_path) == before, "check writes nothing"
    again = call("init", str(data))
    assert again.returncode == 65 and "is there already" in again.stderr


def test_run_takes_its_dates_from_the_last_weeks_of_the_data(web_shop, tmp_path, call):
    done = call("run", str(web_shop), "--dry-run", "--nights", "2")
    assert done.returncode == 0, done.stderr
    assert "start=2023-09-04 end=2023-11-03" in done.stdout and "dt=2023-11-12" in done.stdout
    assert not (tmp_path / "var").exists()


def test_data_that_is_too_short_is_refused_with_the_weeks_that_are_needed(tmp_path, call):
    data = write_web_shop(tmp_path / "data", WebShop(customers=10, weeks=8))
    done = call("run", str(data), "--dry-run")
    assert done.returncode == 65
    assert "holds 56 days (8.0 weeks)" in done.stderr and "need 60 (9 weeks: 1 of past" in done.stderr


@pytest.mark.parametrize(
    ("text", "mapping", "words"),
    [
        (None, MAPPING.replace("who", "whom"), "has no column 'whom'; did you mean 'who'?"),
        (None, MAPPING + "colour: red\n", "there is no field 'colour'"),
        (HEADER + "\n" + "\n".join(f"{i},a,A1,M,1,30/03/2024,1" for i in range(5)), MAPPING, "5 of 5 lines cannot be read"),
        (HEADER + "\n", MAPPING, "No line is a purchase of a known household"),
        (HEADER + "\n1,anna,A1,M,1,2024-03-30,1\n1,anna,A1,M,1,2024-04-03,1\n", MAPPING, "3 days without a line"),
        (HEADER + "\n1,anna,A1,M,1,2024-03-30,1\n1,bert,A1,M,1,2024-03-30,1\n", MAPPING, "more than one household"),
    ],
)
def test_check_ends_with_65_and_one_sentence_when_no_night_could_be_built(tmp_path, text, mapping, words, call):
    data = write(tmp_path / "data", LINES if text is None else text, mapping)
    done = call("check", str(data))
    assert done.returncode == 65 and words in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1 and "Traceback" not in done.stderr


def test_check_shows_reasons_with_counts_and_line_numbers(tmp_path, call):
    good = [f"m{i},anna,A1,M,1,2024-03-30T10:00:00,1" for i in range(600)]
    lines = (*LINES, *good, "9,anna,A1,M,1,2024-03-30T10:00:00,-5", "9,anna,A1,M,x,2024-03-30T10:00:00,5")
    done = call("check", str(write(tmp_path / "data", lines)))
    assert done.returncode == 0, done.stderr
    assert "price is below 0" in done.stdout and "sales.csv:606" in done.stdout
    assert "quantity is no whole number" in done.stdout and "sales.csv:607" in done.stdout


def test_a_sample_says_how_much_was_read(web_shop, tmp_path, call):
    done = call("check", str(web_shop), "--lines", "100")
    assert done.returncode == 0, done.stderr
    assert "Read 100 lines of 20 of 60 files" in done.stdout and "a sample" in done.stdout


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["check", "/nonexistent"], 65, "There is no folder /nonexistent"),
        (["init", "/nonexistent"], 65, "There is no folder /nonexistent"),
        (["check", "s3://bucket/x"], 65, "Give it with --mapping FILE"),
        (["run", "/nonexistent", "--surface", "attic"], 65, "There is no surface 'attic'"),
        (["check", "/tmp", "--lines", "-1"], 65, "--lines is below 0"),
        ([], 2, "VERB"),
        (["check"], 2, "DATA"),
    ],
)
def test_bad_words_end_with_a_sentence_and_a_code(tmp_path, words, code, said, call):
    if words[:1] == ["run"]:
        words = [*words, "--dry-run"]
    done = call(*words)
    assert done.returncode == code and said in done.stderr and "Traceback" not in done.stderr


def test_help_tells_the_whole_story(tmp_path, call):
    text = call("--help").stdout
    for word in ("init", "check", "run", "s3://", "writes nothing"):
        assert word in text


def test_init_says_what_it_could_not_find(tmp_path, call):
    data = tmp_path / "data"
    data.mkdir()
    (data / "x.csv").write_text("alpha;beta\n1;2\n", encoding="utf-8")
    done = call("init", str(data))
    assert done.returncode == 0 and "household: NOT FOUND" in done.stdout and "';'" in done.stdout
    checked = call("check", str(data))
    assert checked.returncode == 65 and "no column 'WRITE-THE-COLUMN'" in checked.stderr


def test_init_finds_another_encoding_and_a_decimal_comma(tmp_path, call):
    data = tmp_path / "data"
    data.mkdir()
    text = "Kunde;Artikel;Menge;Datum;Preis;Bezeichnung\n" + '7;A1;2;31.12.2023;"1.234,50";KÄSE\n' * 3
    (data / "x.csv").write_bytes(text.encode("latin-1"))
    done = call("init", str(data), "--zone", "Europe/Berlin")
    assert done.returncode == 0, done.stderr
    mapping = (data / "nightfill.yaml").read_text()
    for words in ("cp1252", "decimal: comma", "%d.%m.%Y", 'household: "Kunde"'):
        assert words in mapping
    assert "7,407.00" in call("check", str(data)).stdout


def test_a_store_belongs_to_one_shop_and_later_commands_remember_it(tmp_path, monkeypatch):
    monkeypatch.delenv("NIGHTFILL_SOURCE", raising=False)
    settings = Settings(var=tmp_path)
    mine = SourceSpec(name="shop", folder="/data", mapping="/data/m.yaml", first="2024-01-01", last="2024-06-01")
    assert recall(settings).source == SourceSpec()
    assert recall(choose(settings, mine)).source == mine
    open_store(settings.store_uri).write("datasets/events/2024-01-01/manifest.json", b"{}")
    longer = mine.model_copy(update={"last": "2024-06-02"})
    assert recall(choose(settings, longer)).source == longer
    with pytest.raises(Refused, match="holds nights of /data"):
        choose(settings, mine.model_copy(update={"folder": "/other"}))
    (tmp_path / "run" / "source.json").unlink()
    with pytest.raises(Refused, match="holds nights of another source"):
        choose(settings, mine)


def test_a_shops_calendar_leaves_the_release_week_the_nights_and_the_week_of_the_report():
    mine = SourceSpec(name="shop", first="2024-01-01", last="2024-06-30")
    dates = calendar(mine, nights=3)
    assert dates.report_night == dt.date(2024, 6, 30) and dates.history_from == dt.date(2024, 1, 1)


def test_a_web_shop_of_a_day_is_csv_with_its_header():
    _, lines = next(WebShop(customers=5, weeks=1).days())
    assert csv_text(lines).startswith("InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\r\n")
