"""A night that was set aside fails its run at the end with one sentence, and the checks link to their page."""

import datetime as dt
from types import SimpleNamespace

import pytest
from airflow.sdk.exceptions import AirflowFailException

from include.parquet import write_canonical
from include.sources.source import EVENTS
from include.store.objects import open_store
from include.store.partitions import publish
from include.store.quarantine import release, set_aside
from nightfill.operators.check import CheckOperator, DataDocsLink, QuarantineOperator

NIGHT = dt.date(2017, 5, 11)


@pytest.fixture
def store(tmp_path, monkeypatch):
    monkeypatch.setenv("NIGHTFILL_STORE", str(tmp_path / "store"))
    found = open_store(str(tmp_path / "store"))
    empty = write_canonical(EVENTS.empty_table(), tmp_path / "empty.parquet")
    publish(found, "events", NIGHT, {"e": empty}, rows=9, columns={}, inputs={}, spec="", transform="")
    set_aside(found, NIGHT, empty, ["9 rows: the middle price of a line"])
    return found


def task(first: dt.date, last: dt.date) -> QuarantineOperator:
    return QuarantineOperator(task_id="report_quarantine", first=str(first), last=str(last))


def test_a_run_with_a_night_that_was_set_aside_is_not_green(store):
    with pytest.raises(AirflowFailException, match=r"2017-05-11 is quarantined.*middle price.*nightfill accept 2017-05-11"):
        task(NIGHT - dt.timedelta(days=3), NIGHT).execute({})


def test_other_nights_and_released_ones_are_green(store):
    later = NIGHT + dt.timedelta(days=1)
    assert task(later, later).execute({}) == {"quarantined": 0}
    release(store, NIGHT)
    assert task(NIGHT, NIGHT).execute({}) == {"quarantined": 0}


def test_a_check_links_to_its_page_behind_the_login():
    operator = CheckOperator(task_id="validate_raw", job="validate_raw", spec={"first": "2017-05-11", "last": "2017-05-12"})
    (link,) = operator.operator_extra_links
    assert isinstance(link, DataDocsLink)
    assert link.get_link(operator, ti_key=SimpleNamespace()).endswith("/nightfill/checks/raw/2017-05-12")
