"""Files that cannot be trusted end in a sentence that says where; what is harmless simply works."""

import datetime as dt
import gzip

import pytest

from include.errors import Refused
from include.jobs.validate_raw import ValidateRaw
from include.settings import SourceSpec
from include.sources.landing import Landing
from include.sources.opening import open_source
from include.sources.shop.lines_of_text import LONGEST
from include.store.objects import open_store
from include.store.partitions import list_nights
from tests.sources.own_shop import HEADER, LINES, MAPPING, read_all, shop, write

DATED = MAPPING.replace("{kind: csv}", '{kind: csv, date: "%Y-%m-%d.csv"}')
GOOD = "\n".join([HEADER, *LINES]) + "\n"


def refused(folder, words):
    """Reading and landing both refuse, and nothing is published."""
    with pytest.raises(Refused, match=words):
        read_all(folder)
    with pytest.raises(Refused, match=words):
        land(folder)
    assert list(open_store(str(folder / "store")).list("datasets")) == []


def land(folder):
    source = shop(folder)
    first, last = source.days()
    nights = [first + dt.timedelta(days=i) for i in range((last - first).days + 1)]
    Landing(open_store(str(folder / "store")), source, folder / "work").land(nights)


def test_what_is_good_lands(tmp_path):
    land(write(tmp_path))
    assert len(list_nights(open_store(str(tmp_path / "store")), "events")) == 3


def test_a_byte_order_mark_simply_works(tmp_path):
    plain = read_all(write(tmp_path / "plain"))
    assert read_all(write(tmp_path / "bom", "\ufeff" + GOOD)) == plain


def test_a_packed_file_simply_works(tmp_path):
    folder = write(tmp_path, GOOD, MAPPING.replace("{kind: csv}", '{kind: csv, names: "*.csv.gz"}'))
    (folder / "a.csv.gz").write_bytes(gzip.compress(GOOD.encode()))
    assert len(read_all(folder)) == 4
    (folder / "a.csv.gz").write_bytes(gzip.compress(GOOD.encode())[:-20])
    refused(folder, "a.csv.gz cannot be unpacked or read")


def test_another_encoding_works_when_it_is_declared_and_is_refused_with_the_byte_when_not(tmp_path):
    folder = write(tmp_path)
    (folder / "sales.csv").write_bytes(GOOD.replace("RED MUG", "CAFÉ").encode("latin-1"))
    refused(folder, r"Byte 4\d of sales.csv \(line 2\) is no utf-8")
    (folder / "nightfill.yaml").write_text(MAPPING.replace("{kind: csv}", "{kind: csv, encoding: latin-1}"))
    assert shop(folder).catalogue(dt.date(2024, 4, 1))["type"].to_pylist()[0] == "CAFÉ XL"


def test_a_file_in_utf_16_is_refused_by_name(tmp_path):
    folder = write(tmp_path)
    (folder / "sales.csv").write_bytes(GOOD.encode("utf-16"))
    refused(folder, "sales.csv is written in UTF-16")


@pytest.mark.parametrize(
    "text", ['1,anna,"A1,MUG,2,2024-03-30T10:00:00,1\n' + "x" * 50, '1,anna,"A"1,M,2,2024-03-30T10:00:00,1']
)
def test_a_broken_quote_is_refused_with_the_line_where_it_begins(tmp_path, text):
    refused(write(tmp_path, GOOD + text), "record that begins on line 6 of sales.csv")


def test_a_quote_within_a_word_and_a_line_break_within_quotes_are_fine(tmp_path):
    more = '4,carl,A1,12" PLATE,1,2024-03-30T10:00:00,1\n5,carl,B2,"TWO\nLINES, ""QUOTED""",1,2024-03-30T10:00:00,1\n'
    assert len(read_all(write(tmp_path, GOOD + more))) == 6


def test_an_endless_line_is_refused_before_it_fills_the_memory(tmp_path):
    folder = write(tmp_path)
    with (folder / "sales.csv").open("ab") as file:
        file.truncate(file.tell() + 2_000_000_000)  # sparse: 2 GB of NUL bytes without a line end
    refused(folder, f"Line 6 of sales.csv is longer than {LONGEST:,} bytes")


def test_a_nul_byte_is_refused(tmp_path):
    refused(write(tmp_path, GOOD + "1,an\0na,A1,M,2,2024-03-30T10:00:00,1\n"), "Line 6 of sales.csv holds a NUL byte")


def test_a_missing_column_is_refused_with_the_nearest_name(tmp_path):
    refused(write(tmp_path, GOOD.replace("sku", "Sku")), r"no column 'sku'; did you mean 'Sku'\?")


def test_a_doubled_column_is_refused(tmp_path):
    refused(write(tmp_path, GOOD.replace("order,", "who,", 1)), "names 'who' more than once")


def bad(line, count=1):
    return tuple(f"{line}" for _ in range(count))


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("9,anna,A1,M,1,30/03/2024 10:00,1", "time is not in the declared format"),
        ("9,anna,A1,M,1,,1", "without time"),
        ("9,anna,,M,1,2024-03-30T10:00:00,1", "without product"),
        ("9,anna,A1,M,1,2024-03-30T10:00:00,-1", "price is below 0"),
        ("9,anna,A1,M,1,2024-03-30T10:00:00,free", "price is no amount of money"),
        ("9,anna,A1,M,1.5,2024-03-30T10:00:00,1", "quantity is no whole number"),
        ("9,anna,A1,M,99999999999,2024-03-30T10:00:00,1", "quantity is no whole number"),
        ("9,anna,A1,M,2000000000,2024-03-30T10:00:00,9999999", "quantity times price is too large"),
        ("9,an\x07na,A1,M,1,2024-03-30T10:00:00,1", "control characters"),
        (f"9,{'a' * 201},A1,M,1,2024-03-30T10:00:00,1", "longer than 200 characters"),
        ("9,anna,A1,M,1,2024-03-30T10:00:00", "another number of fields"),
        ("9,anna,A1,M,1,0001-01-01T10:00:00,1", "time is not in the declared format"),
    ],
)
def test_one_bad_line_in_five_is_refused_by_its_reason_and_one_in_five_hundred_is_counted(tmp_path, line, words):
    folder = write(tmp_path / "few", (*LINES, line))
    with pytest.raises(Refused, match=f"1 of 5 lines are refused: .*{words}"):
        land(folder)
    assert list(open_store(str(folder / "store")).list("datasets")) == []
    many = [f"m{i},anna,A1,M,1,2024-03-30T10:00:00,1" for i in range(500)]
    source = shop(write(tmp_path / "many", (*LINES, *many, line)))
    assert sum(source.unread(*source.days()).reasons.values()) == 1
    land(tmp_path / "many")


def test_dates_in_two_formats_are_refused_with_their_number(tmp_path):
    lines = (*LINES, *("9,anna,A1,M,1,30/03/2024 10:00,1",) * 3)
    with pytest.raises(Refused, match="3 of 7 lines are refused: time is not in the declared format"):
        land(write(tmp_path, lines))


def test_times_of_two_clocks_are_refused_with_a_line_of_each(tmp_path):
    lines = (*LINES, "9,anna,A1,M,1,2024-03-30T10:00:00+02:00,1")
    refused(write(tmp_path, lines), "two clocks: line 6 has a time zone of its own, line 2 has none")


def test_the_same_file_twice_is_refused_with_both_names(tmp_path):
    folder = write(tmp_path, GOOD + "4,carl,A1,M,1,2024-03-30T10:00:00,1\n", name="a.csv")
    (folder / "b.csv").write_bytes((folder / "a.csv").read_bytes())
    refused(folder, "a.csv and b.csv hold the same bytes")


def test_a_day_in_two_files_is_refused_with_both_names_unless_days_are_shared(tmp_path):
    folder = write(tmp_path, LINES[:2], name="a.csv")
    write(tmp_path, LINES[1:], name="b.csv")
    refused(folder, "Day 2024-03-30 is delivered twice: by a.csv and by b.csv")
    (folder / "nightfill.yaml").write_text(MAPPING.replace("{kind: csv}", "{kind: csv, shared_days: true}"))
    assert [line["quantity"] for line in read_all(folder)] == [2, 2, 3, 1]


def test_two_file_names_of_one_day_are_refused(tmp_path):
    mapping = MAPPING.replace("{kind: csv}", '{kind: csv, names: "*/*.csv", date: "%Y-%m/%d.csv"}')
    folder = write(tmp_path, LINES[:2], mapping, "x.txt")
    for name in ("2024-03/30.csv", "2024-3/30.csv"):
        (folder / name).parent.mkdir()
        (folder / name).write_text(GOOD + name)
    refused(folder, "Day 2024-03-30 is delivered twice")


def test_a_line_of_a_later_day_than_the_files_name_is_counted(tmp_path):
    folder = write(tmp_path, LINES[:3], DATED, "2024-03-30.csv")
    with pytest.raises(Refused, match="1 of 3 lines are refused: time is on a later day than the file's name"):
        land(folder)


def test_a_file_name_without_the_declared_day_is_refused(tmp_path):
    refused(write(tmp_path, LINES, DATED, "thursday.csv"), "file name thursday.csv does not have the form")


def test_an_empty_day_and_an_empty_file_are_no_purchase(tmp_path):
    folder = write(tmp_path, LINES[:2], DATED, "2024-03-30.csv")
    (folder / "2024-03-31.csv").write_text("")
    (folder / "2024-04-01.csv").write_text(HEADER + "\n")
    source = shop(folder)
    assert source.days() == (dt.date(2024, 3, 30), dt.date(2024, 4, 1))
    assert source.read_events(dt.date(2024, 3, 31), dt.date(2024, 4, 1)).num_rows == 0
    refused(write(tmp_path / "nothing", ""), "hold no purchase")


def test_a_folder_that_is_not_there_or_empty_is_refused(tmp_path):
    folder = write(tmp_path)
    (folder / "sales.csv").unlink()
    refused(folder, r"No file in .* is called \*.csv")
    mapping = folder / "nightfill.yaml"
    with pytest.raises(Refused, match="There is no folder"):
        open_source(SourceSpec(name="shop", folder=str(tmp_path / "gone"), mapping=str(mapping))).days()


def test_a_link_out_of_the_folder_is_refused(tmp_path):
    folder = write(tmp_path / "data")
    (tmp_path / "secret.csv").write_text(GOOD)
    (folder / "other.csv").symlink_to(tmp_path / "secret.csv")
    refused(folder, "other.csv is a link that leads out of the folder")


def test_damaged_json_and_parquet_are_refused_or_counted(tmp_path):
    folder = write(tmp_path / "json", '{"who": 1\n[1]\n', MAPPING.replace("csv", "jsonl"), "a.jsonl")
    refused(folder, "hold no purchase")
    folder = write(tmp_path / "parquet", "PAR1 no PAR1", MAPPING.replace("csv", "parquet"), "a.parquet")
    refused(folder, "a.parquet is no Parquet file")


def test_an_empty_day_is_set_aside_unless_it_is_declared_closed(tmp_path):
    folder = write(tmp_path, LINES[:2], DATED, "2024-03-30.csv")
    (folder / "2024-03-31.csv").write_text(HEADER + "\n")
    land(folder)
    spec = shop(folder).spec
    fields = {"store": str(folder / "store"), "work": folder / "work", "first": "2024-03-30", "last": "2024-03-31"}
    assert "no line at all on a day that the shop is open" in str(ValidateRaw(source=spec, **fields).run()["quarantined"])
    (folder / "nightfill.yaml").write_text(DATED + "closed: {days: [2024-03-31]}\n")
    land(folder)
    told = ValidateRaw(source=spec, **fields).run()
    assert (told["rows"], told["nights_quarantined"]) == (2, 0)
