"""`nightfill plan` says what a run would do, does nothing, and agrees with the run itself."""

import datetime as dt
import json
import shutil
from pathlib import Path

import pytest

from include.cli import plan_nights
from include.cli.__main__ import parser
from include.errors import Refused, TryAgain
from include.features.publish import publish_build
from include.jobs.land_events import LandEvents
from include.jobs.plan_nights import PlanNights
from include.jobs.timings import estimate, seconds
from include.settings import Settings, SourceSpec
from include.store import s3
from include.store.objects import open_store
from include.store.partitions import manifest_key
from include.store.s3_client import IMPATIENT
from tests.features.plain_etl import compute
from tests.sources.panel import FIRST, LINES, write_panel

LAST = FIRST + dt.timedelta(days=6)
NIGHTS = [FIRST + dt.timedelta(days=i) for i in range(7)]


@pytest.fixture
def settings(tmp_path):
    write_panel(tmp_path / "panel")
    return Settings(var=tmp_path, source=SourceSpec(folder=str(tmp_path / "panel")))


def plan(settings, capsys, *words):
    assert plan_nights.run(settings, parser().parse_args(["plan", *map(str, words), "--json"])) == 0
    return json.loads(capsys.readouterr().out)


def lots(found, name):
    return [night[name]["does"] for night in found["nights"].values()]


def land(settings, first=FIRST, last=LAST):
    fields = {"store": settings.store_uri, "source": settings.source, "work": settings.var / "work"}
    return LandEvents(**fields, first=str(first), last=str(last)).run()


def publish(settings, only=NIGHTS):
    """Publish nights without a purchase that counts: what is in them is not what is asked here."""
    out = settings.var / "build"
    shutil.rmtree(out, ignore_errors=True)
    compute(open_store(settings.store_uri), out, [], NIGHTS, only=list(only))
    assert publish_build(open_store(settings.store_uri), out).state == "published"


def everything(root: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def test_an_empty_store_would_get_every_night_of_the_source(settings, capsys):
    found = plan(settings, capsys)
    assert found["source"] == {"first": str(FIRST), "last": str(LAST), "nights": 7, "landed": 0}
    assert [(span["nights"], span["land"], span["compute"], span["publish"]) for span in found["spans"]] == [
        (7, "run", "run", "run")
    ]
    assert "not landed yet" in found["spans"][0]["why"] and "no partition yet" in found["spans"][0]["why"]
    assert not (settings.var / "store").exists(), "planning lands nothing"


def test_a_plan_changes_no_byte(settings, capsys):
    land(settings)
    before = everything(settings.var)
    plan(settings, capsys)
    assert everything(settings.var) == before


def test_a_published_store_is_one_span_that_is_left_alone(settings, capsys):
    land(settings)
    publish(settings)
    found = plan(settings, capsys)
    assert [(span["nights"], span["land"], span["compute"], span["why"]) for span in found["spans"]] == [
        (7, "skip", "skip", "unchanged")
    ]
    assert found["summary"] == "Of 7 nights 7 left alone"


def test_a_longer_file_lands_again_and_builds_perhaps(settings, capsys):
    land(settings)
    publish(settings)
    write_panel(settings.var / "panel", [*LINES, LINES[-1] | {"basket_id": 4}])
    found = plan(settings, capsys)
    assert set(lots(found, "land")) == {"run"} and set(lots(found, "compute")) == {"perhaps"}
    assert "input source changed from" in found["spans"][0]["why"]


def test_a_changed_night_rebuilds_exactly_what_hangs_from_it(settings, capsys):
    land(settings)
    publish(settings)
    write_panel(settings.var / "panel", [*LINES, LINES[-1] | {"basket_id": 4}])
    assert land(settings)["landed"]["events"] == 7
    found = plan(settings, capsys)
    assert lots(found, "land") == ["skip"] * 7
    assert lots(found, "compute") == lots(found, "publish") == ["skip"] * 6 + ["run"]
    assert "input events changed from" in found["spans"][-1]["why"]


def test_a_night_under_published_ones_is_refused_with_the_range_to_ask_for(settings, capsys):
    land(settings)
    publish(settings)
    write_panel(settings.var / "panel", [LINES[0] | {"quantity": 3}, *LINES[1:]])
    land(settings)
    found = plan(settings, capsys, FIRST, FIRST)
    assert lots(found, "compute") == ["refused"] and f"ask for {FIRST} to {LAST}" in found["spans"][0]["why"]
    found = plan(settings, capsys)
    assert set(lots(found, "compute")) == {"run"}
    assert f"stands on night {FIRST}, which is built" in found["spans"][1]["why"]


def test_a_night_after_a_gap_is_refused_with_the_range_to_ask_for(settings, capsys):
    land(settings, last=NIGHTS[2])
    publish(settings, NIGHTS[:2])
    for night in (NIGHTS[3], NIGHTS[5]):
        found = plan(settings, capsys, night, LAST)
        assert set(lots(found, "compute")) == {"refused"}
        assert f"ask for {NIGHTS[2]} to {night}" in found["spans"][0]["why"]


def test_the_words_name_spans_and_the_time_that_earlier_runs_took(settings, capsys):
    folder = settings.run / "jobs" / "build_features" / "one"
    folder.mkdir(parents=True)
    report = {"ok": True, "started": 100, "ended": 160, "result": {"built": 7}}
    (folder / "compute_features.json").write_text(json.dumps(report))
    (folder / "land_events.json").write_text("{torn")
    assert plan_nights.run(settings, parser().parse_args(["plan"])) == 0
    said = capsys.readouterr().out
    assert f"{FIRST} to {LAST}" in said and "7 built; about 1 min 00 s" in said and "Nothing was done" in said


def test_the_job_gives_the_same_plan_as_a_small_result(settings, capsys):
    land(settings)
    fields = {"store": settings.store_uri, "source": settings.source, "work": settings.var / "work"}
    result = PlanNights(**fields, first=str(FIRST), last=str(LAST)).run()
    assert result["nights"]["compute"] == {"run": 7} and result["seconds"] is None
    assert result["spans"] == plan(settings, capsys)["spans"] and len(json.dumps(result)) < 2000


def test_times_of_small_and_large_runs_give_start_up_and_seconds_a_night():
    assert seconds([(1, 12.0), (301, 72.0)], 101) == pytest.approx(32.0)
    assert seconds([(10, 50.0)], 20) == 100.0 and seconds([(10, 50.0)], 1) == 50.0
    assert seconds([(1, 12.0)], 0) == 0.0
    assert estimate(Path("/nonexistent"), {"compute": 3}) is None


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("2017-02-30",), "'2017-02-30' is not a date"),
        (("../../etc",), "is not a date"),
        (("2031-01-01",), "outside the data, which runs from 2017-03-10 to 2017-03-16"),
        (("2017-03-09", "2017-03-12"), "Night 2017-03-09 is outside the data"),
        (("2017-03-12", "2017-03-11"), "before it begins"),
    ],
)
def test_a_bad_night_is_refused_with_a_sentence(settings, words, sentence):
    with pytest.raises(Refused, match=sentence):
        plan_nights.run(settings, parser().parse_args(["plan", *words]))


def test_a_missing_source_file_is_refused(settings):
    (settings.var / "panel" / "transactions.parquet").unlink()
    with pytest.raises(Refused, match=r"transactions\.parquet"):
        plan_nights.run(settings, parser().parse_args(["plan"]))


@pytest.mark.parametrize(
    ("data", "sentence"), [(b"{", "is not a manifest"), (b'{"format": 99}', "has format 99.*Upgrade Nightfill")]
)
def test_a_manifest_that_cannot_be_read_is_named(settings, data, sentence):
    land(settings)
    publish(settings)
    open_store(settings.store_uri).write(manifest_key("features", NIGHTS[3]), data)
    with pytest.raises(Refused, match=f"features/2017-03-13/manifest.json {sentence}"):
        plan_nights.run(settings, parser().parse_args(["plan"]))


def test_a_bucket_that_cannot_be_reached_is_a_sentence(settings, monkeypatch):
    names = {"AWS_ENDPOINT_URL": "http://127.0.0.1:9", "AWS_ACCESS_KEY_ID": "k", "AWS_SECRET_ACCESS_KEY": "a-secret"}
    for name, value in names.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(s3, "Limits", lambda: IMPATIENT)
    away = settings.model_copy(update={"store": "s3://shelves/one"})
    with pytest.raises(TryAgain, match="nothing answers there") as caught:
        plan_nights.run(away, parser().parse_args(["plan"]))
    assert "a-secret" not in str(caught.value)
