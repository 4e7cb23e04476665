"""A contract is kept, broken with a sentence, or broken without harm when nobody reads the dataset."""

import datetime as dt
import logging

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from include.errors import Refused
from include.features.reads import pins
from include.settings import SourceSpec
from include.sources.contract import Contract, Table, accepted, breaks, columns_of
from include.sources.opening import open_source
from tests.sources.own_shop import HEADER, LINES, MAPPING, shop, write

WANTED = Table(columns={"id": "integer", "price": "number", "name": "text|nothing"}, beside=("note",))
CONTRACT = Contract(source="corner", dataset="sales", version=2, tables={"sales.parquet": WANTED})
GOOD = {"id": "integer", "price": "number", "name": "text"}
READERS = {"etl": {"sales": 2}, "other": {"stock": 1}}


def deliver(**columns):
    return lambda: {"sales.parquet": GOOD | columns}


def test_arrow_types_become_kinds():
    types = [pa.int8(), pa.float32(), pa.dictionary(pa.int8(), pa.string()), pa.timestamp("ns"), pa.date32(), pa.null()]
    schema = pa.schema([(f"c{i}", kind) for i, kind in enumerate([*types, pa.bool_(), pa.list_(pa.int8())])])
    kinds = ["integer", "number", "text", "moment", "date", "nothing", "flag", "list<item: int8>"]
    assert list(columns_of(schema).values()) == kinds


@pytest.mark.parametrize(
    ("came", "sentence"),
    [
        ({"id": "number", "price": "number", "name": "text"}, "column id: expected integer, came as number"),
        ({"id": "integer", "name": "nothing"}, "column price: expected number, it is gone"),
        ({"nr": "integer", "price": "number", "name": "text"}, "column id: expected integer, it is gone (new there: nr)"),
        ({"id": "integer", "price": "number", "name": "flag"}, "column name: expected text or nothing, came as flag"),
    ],
)
def test_a_break_names_column_expectation_and_delivery(came, sentence):
    assert breaks(WANTED.columns, came) == [sentence]


def test_a_delivery_as_promised_is_accepted():
    assert accepted(CONTRACT, deliver(note="text"), READERS)


def test_an_added_column_is_a_warning(caplog):
    with caplog.at_level(logging.WARNING):
        assert accepted(CONTRACT, deliver(colour="text"), READERS)
    assert "does not name: colour" in caplog.text


def test_a_break_is_refused_while_somebody_is_pinned():
    with pytest.raises(Refused, match=r"contract corner\.sales 2 \(pinned to it: etl\): sales.parquet: column id: expected"):
        accepted(CONTRACT, deliver(id="text"), READERS)


def test_a_break_of_what_nobody_reads_leaves_the_dataset_out(caplog):
    with caplog.at_level(logging.WARNING):
        assert not accepted(CONTRACT, deliver(id="text"), {"other": {"stock": 1}})
    assert "Nobody reads sales, so it is left out" in caplog.text


def test_a_break_of_what_every_night_needs_is_refused_without_readers():
    with pytest.raises(Refused, match="breaks contract"):
        accepted(CONTRACT, deliver(id="text"), {}, needed=True)


def test_a_new_version_is_refused_until_its_readers_have_moved():
    old = READERS | {"etl": {"sales": 1}}
    with pytest.raises(Refused, match=r"delivers sales by version 2 of its contract: etl reads version 1"):
        accepted(CONTRACT, deliver(), old)
    assert accepted(CONTRACT, deliver(), READERS)


def test_every_reader_is_pinned_to_the_version_that_the_panel_delivers():
    source = open_source(SourceSpec())
    for consumer, reads in pins().items():
        for dataset, version in reads.items():
            assert source.contract(dataset).version == version, consumer


def own(folder, **changed):
    """A shop of one Parquet file, some of whose columns have other values."""
    write(folder, LINES, MAPPING.replace("kind: csv", "kind: parquet"))
    rows = [dict(zip(HEADER.split(","), line.split(","), strict=True)) | changed for line in LINES]
    pq.write_table(pa.Table.from_pylist(rows), folder / "sales.parquet")
    return shop(folder)


def check(source):
    days = dt.date(2024, 3, 30), dt.date(2024, 4, 1)
    return accepted(source.contract("events"), lambda: source.delivered("events", *days), pins(), needed=True)


def test_a_shops_contract_says_what_its_mapping_reads(tmp_path):
    for source in (shop(write(tmp_path / "csv")), own(tmp_path / "parquet", n=2, colour="red")):
        (table,) = source.contract("events").tables.values()
        assert set(table.columns) == set(source.mapping.columns)
        assert source.contract("events").name == "shop.events 1"
        assert check(source)


def test_a_shops_column_of_another_kind_is_refused_by_name(tmp_path):
    with pytest.raises(
        Refused, match=r"shop\.events 1 \(pinned to it: etl, .*sales.parquet: column n: expected .*, came as flag"
    ):
        check(own(tmp_path, n=True))


def test_a_shop_has_nothing_beside_its_lines(tmp_path):
    source = shop(write(tmp_path))
    assert source.extras == () and list(source.known("campaigns", [])) == []
