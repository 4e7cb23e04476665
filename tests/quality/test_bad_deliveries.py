"""Whatever is wrong with a delivery is named, and changes no published byte."""

import datetime as dt
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from include.errors import Refused
from include.jobs.validate_raw import ValidateRaw
from include.rollout import retention
from include.rollout.retention import Machine
from include.store.objects import Missing
from include.store.partitions import fetch, publish, read_manifest
from include.store.quarantine import accept, acceptance, delivered, quarantined
from tests.quality.daily_shop import HEADER, NIGHT, WEEKS, DailyShop, Line, eight_weeks, ordinary

Change = Callable[[list[Line]], list[Line]]


@pytest.fixture(scope="module")
def grown(tmp_path_factory) -> Path:
    return eight_weeks(tmp_path_factory.mktemp("shop")).root


@pytest.fixture
def shop(grown, tmp_path) -> DailyShop:
    """The shop after eight weeks, with a good delivery of the ninth; nothing of it has landed."""
    shutil.copytree(grown / "store", tmp_path / "store")
    found = DailyShop(tmp_path)
    for day in WEEKS:
        found.deliver(day, ordinary(day))
    found.deliver(NIGHT, ordinary(NIGHT))
    return found


def each(column: int, change: Callable[[int, str], str]) -> Change:
    return lambda lines: [[*one[:column], change(i, one[column]), *one[column + 1 :]] for i, one in enumerate(lines)]


def later(hours: float) -> Change:
    return each(6, lambda i, text: (dt.datetime.fromisoformat(text) + dt.timedelta(hours=hours)).isoformat())


SET_ASIDE: dict[str, tuple[Change, str]] = {
    "empty": (lambda lines: [], "no line at all on a day that the shop is open"),
    "a tenth of it": (lambda lines: lines[::10], "fewer than 0.2 or more than 5 times the lines"),
    "doubled": (lambda lines: lines + lines, "population stability index of quantity"),
    "prices x 100": (each(7, lambda i, price: f"{float(price) * 100:.2f}"), "the middle price of a line"),
    "clock skew": (later(4), "population stability index of hour"),
    "one household": (each(1, lambda i, who: "secret0" if i < 220 else who), "of one household (more than 15%"),
}


def night_of(shop: DailyShop, change: Change) -> dict:
    shop.deliver(NIGHT, change(ordinary(NIGHT)))
    return shop.night(NIGHT)


@pytest.mark.parametrize(("change", "sentence"), SET_ASIDE.values(), ids=SET_ASIDE)
def test_a_night_that_cannot_be_trusted_is_set_aside_with_its_reason(shop, change, sentence):
    before = shop.bytes("events", "products")
    told = night_of(shop, change)
    assert sentence in json.dumps(told["quarantined"][str(NIGHT)])
    assert sentence in " ".join(quarantined(shop.store)[NIGHT])
    assert read_manifest(shop.store, "events", NIGHT).rows == 0
    after = shop.bytes("events", "products")
    assert {key: after[key] for key in before} == before
    assert "secret" not in json.dumps(told)


REFUSED: dict[str, tuple[Callable[[DailyShop], object], str]] = {
    "renamed column": (lambda s: s.deliver(NIGHT, ordinary(NIGHT), HEADER.replace("price", "prize")), "price"),
    "changed type": (lambda s: s.deliver(NIGHT, each(5, lambda i, n: "two")(ordinary(NIGHT))), "quantity|number"),
    "future timestamps": (lambda s: s.deliver(NIGHT, later(24 * 7)(ordinary(NIGHT))), "time is on a later day"),
    "five percent null keys": (
        lambda s: s.deliver(NIGHT, each(2, lambda i, p: p if i % 20 else "")(ordinary(NIGHT))),
        "product",
    ),
    "unreadable": (lambda s: (s.folder / f"sales-{NIGHT}.csv").write_bytes(b"\x00\xff\xfe" * 999), "sales-2024-05-16"),
    "no files": (lambda s: [path.unlink() for path in s.folder.glob("*")], "files"),
    "no folder": (lambda s: shutil.rmtree(s.folder), "folder|files"),
}


@pytest.mark.parametrize(("damage", "sentence"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_read_is_refused_by_name_and_lands_nothing(shop, damage, sentence):
    before = shop.bytes("events", "products")
    damage(shop)
    with pytest.raises(Refused, match=sentence):
        shop.night(NIGHT)
    assert shop.bytes("events", "products") == before


def test_a_missing_delivery_is_set_aside_and_released_when_it_comes(shop):
    path = shop.folder / f"sales-{NIGHT}.csv"
    late = path.read_text()
    path.unlink()
    assert shop.night(NIGHT)["nights_quarantined"] == 1
    path.write_text(late)
    assert shop.night(NIGHT)["nights_quarantined"] == 0
    assert read_manifest(shop.store, "events", NIGHT).rows == 1100
    assert quarantined(shop.store) == {}


def test_the_report_of_the_checks_says_first_what_did_not_hold_and_names_nobody(shop):
    told = night_of(shop, SET_ASIDE["prices x 100"][0])
    data = shop.store.read(told["docs"])
    page = json.loads(data)
    assert [finding["severity"] for finding in page["findings"]] == sorted(one["severity"] for one in page["findings"])
    broken = [check for check in page["checks"] if not check["held"]]
    assert broken == page["checks"][: len(broken)] and len(page["checks"]) == told["checks"]
    (price,) = [check for check in broken if check["name"] == "price_wrong"]
    assert (price["allowed"], price["seen"], price["severity"]) == ("0.2 to 5", "100", "quarantine")
    assert page["nights"] == [str(NIGHT)] * 2 and page["judge"].startswith("Great Expectations 1.") and b"secret" not in data


def test_a_shop_that_has_no_categories_is_not_told_so_every_night(shop):
    assert night_of(shop, lambda lines: lines)["warnings"] == []


def test_looking_again_changes_nothing(shop):
    night_of(shop, SET_ASIDE["prices x 100"][0])
    before = shop.bytes("events", "quarantine")
    assert shop.night(NIGHT)["nights_quarantined"] == 1
    assert shop.bytes("events", "quarantine") == before
    assert delivered(shop.store, NIGHT).rows == 1100


def test_a_bad_delivery_of_a_published_night_is_refused_and_undone(shop):
    shop.night(NIGHT)
    rows = {"rows": {"household_product": 900}}
    publish(shop.store, "features", NIGHT, {}, rows=0, columns={}, inputs={}, spec="", transform="", meta=rows)
    before = shop.bytes("events", "products", "features")
    with pytest.raises(Refused, match=f"middle price.*night {NIGHT} stays as it was published"):
        night_of(shop, SET_ASIDE["prices x 100"][0])
    assert shop.bytes("events", "products", "features") == before
    assert NIGHT in quarantined(shop.store)


def clean_up(shop: DailyShop) -> None:
    """As long after as can be: nothing is young, and no night is one of the last."""
    nowhere = Machine(answers=shop.root / "answers")
    retention.apply(shop.store, nowhere, retention.plan(shop.store, nowhere, [], nights=0, days=0, grace=-1.0))


def test_a_clean_up_keeps_what_was_set_aside_until_a_person_has_judged_it(shop):
    night_of(shop, SET_ASIDE["prices x 100"][0])
    clean_up(shop)
    accept(shop.store, NIGHT, "prices are in pence now", "ada", "2024-05-17T06:00:00Z", [])
    clean_up(shop)
    assert shop.night(NIGHT)["nights_quarantined"] == 0
    assert len(fetch(shop.store, "events", [NIGHT])) == 1 and read_manifest(shop.store, "events", NIGHT).rows == 1100


def test_what_was_set_aside_goes_when_a_corrected_delivery_has_taken_its_place(shop):
    night_of(shop, SET_ASIDE["prices x 100"][0])
    (bad,) = delivered(shop.store, NIGHT).files
    night_of(shop, lambda lines: lines)
    clean_up(shop)
    with pytest.raises(Missing):
        shop.store.fetch(bad.sha256)


def test_a_clean_up_between_a_bad_delivery_and_its_checks_keeps_what_is_published(shop):
    shop.night(NIGHT)
    rows = {"rows": {"household_product": 900}}
    publish(shop.store, "features", NIGHT, {}, rows=0, columns={}, inputs={}, spec="", transform="", meta=rows)
    before = shop.bytes("events")
    shop.deliver(NIGHT, SET_ASIDE["prices x 100"][0](ordinary(NIGHT)))
    shop.land(NIGHT)
    clean_up(shop)
    with pytest.raises(Refused, match=f"night {NIGHT} stays as it was published"):
        ValidateRaw(**shop.fields(NIGHT)).run()
    assert shop.bytes("events") == before and fetch(shop.store, "events", [NIGHT])


def test_an_accepted_night_counts_when_it_is_run_again(shop):
    night_of(shop, SET_ASIDE["prices x 100"][0])
    record = accept(shop.store, NIGHT, "prices are in pence now", "ada", "2024-05-17T06:00:00Z", [])
    assert record["into"] == str(NIGHT)
    told = shop.night(NIGHT)
    assert told["nights_quarantined"] == 0
    assert "accepted for 2024-05-16: prices are in pence now" in " ".join(told["warnings"])
    assert read_manifest(shop.store, "events", NIGHT).rows == 1100


def test_an_accepted_night_under_later_ones_comes_late_and_stays_as_it_was_published(shop):
    night_of(shop, SET_ASIDE["prices x 100"][0])
    before, next_night = shop.bytes("events", "products"), NIGHT + dt.timedelta(days=1)
    record = accept(shop.store, NIGHT, "prices are in pence now", "ada", "2024-05-17T06:00:00Z", [NIGHT, next_night])
    assert record["into"] == str(next_night)
    assert shop.night(NIGHT)["nights_quarantined"] == 0
    assert shop.bytes("events", "products") == before and NIGHT in quarantined(shop.store)
    shop.night(next_night)
    late = read_manifest(shop.store, "events", next_night)
    assert late.rows == 1100 and late.meta["late"] == {str(NIGHT): 1100}
    assert quarantined(shop.store) == {}
    after = shop.bytes("events", "products")
    assert {key: after[key] for key in before} == before


def test_an_acceptance_holds_for_the_bytes_that_were_accepted(shop):
    night_of(shop, SET_ASIDE["prices x 100"][0])
    accept(shop.store, NIGHT, "prices are in pence now", "ada", "2024-05-17T06:00:00Z", [])
    assert night_of(shop, SET_ASIDE["a tenth of it"][0])["nights_quarantined"] == 1
    assert acceptance(shop.store, NIGHT, delivered(shop.store, NIGHT)) is None


@pytest.mark.parametrize("reason", ["", "  x ", "a\x07b\x07c", "long " * 60])
def test_nothing_is_accepted_without_a_reason(shop, reason):
    night_of(shop, SET_ASIDE["prices x 100"][0])
    with pytest.raises(Refused, match="3 to 250 characters"):
        accept(shop.store, NIGHT, reason, "ada", "2024-05-17T06:00:00Z", [])


def test_nothing_is_accepted_that_was_not_set_aside(shop):
    with pytest.raises(Refused, match="is not quarantined"):
        accept(shop.store, NIGHT, "why not", "ada", "2024-05-17T06:00:00Z", [])


def test_bad_rows_are_kept_up_to_a_limit_and_masked(shop):
    night_of(shop, each(5, lambda i, n: "0" if i < 300 else n))
    kept = json.loads((shop.root / "work" / "bad_rows_raw.json").read_text())["quantity_zero"]
    assert len(kept) == 100
    assert kept[0]["household"] == "household 1" and kept[0]["basket"] == "basket 1" and kept[0]["product"] == "p0"
    assert "secret" not in json.dumps(kept)


def test_the_result_that_goes_through_airflow_is_a_summary(shop):
    assert len(json.dumps(night_of(shop, SET_ASIDE["prices x 100"][0]))) < 4000


def test_the_page_of_great_expectations_needs_nothing_from_elsewhere_and_names_nobody(shop):
    told = night_of(shop, SET_ASIDE["prices x 100"][0])
    page = shop.store.read(told["docs"]).decode()
    assert "price_wrong" in page and len(page) < 400_000
    assert "secret" not in page and "<script" not in page and 'src="http' not in page and "<link" not in page


def test_an_error_in_a_check_is_a_defect_with_an_exit_code_of_its_own(shop, monkeypatch, tmp_path):
    from include.jobs import frame
    from include.quality import raw_nights

    shop.land(NIGHT)
    monkeypatch.setattr(raw_nights, "profile_lines", lambda lines: 1 / 0)
    spec = tmp_path / "spec.json"
    fields = shop.fields(NIGHT)
    spec.write_text(ValidateRaw(**fields).model_dump_json())
    before = shop.bytes("events", "quarantine")
    assert frame.main(ValidateRaw, ["--spec", str(spec), "--report", str(tmp_path / "report.json")]) == frame.BUG
    assert "defect" in (tmp_path / "report.json").read_text()
    assert shop.bytes("events", "quarantine") == before
