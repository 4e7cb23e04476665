"""A mapping file is plain, small and exact; anything else is refused with the field's name."""

import pytest

from include.errors import Refused
from include.sources.shop.mapping_file import LARGEST, parse_mapping, read_mapping
from tests.sources.own_shop import MAPPING
from tests.sources.web_shop import MAPPING as WEB_SHOP


def test_the_mappings_of_the_tests_are_read():
    assert parse_mapping(MAPPING.encode(), "m").columns == ["who", "sku", "n", "name", "when", "price", "order"]
    web = parse_mapping(WEB_SHOP.encode(), "m")
    assert web.rules.not_merchandise.codes == ("POST", "BANK CHARGES") and web.price.currency == "GBP"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("zone:", "colour: red\nzone:"), "there is no field 'colour'"),
        (("{kind: csv}", "{kind: csv, colour: red}"), "there is no field 'files.colour'"),
        (("household: who\n", ""), "field 'household' is missing"),
        (("Europe/London", "Mars/Olympus"), "is no time zone"),
        (("Europe/London", "[Europe/London, UTC]"), "zone takes one text and got 2"),
        (("zone:", "zone: UTC\nzone:"), "gives 'zone' a second time"),
        (("csv", "xlsx"), "files.kind"),
        (("{kind: csv}", "{kind: csv, encoding: utf-16}"), "must be one of utf-8"),
        (("{kind: csv}", '{kind: csv, names: "../*.csv"}'), "must stay inside the folder"),
        (("{kind: csv}", '{kind: csv, names: "/etc/*"}'), "must stay inside the folder"),
        (("{column: when}", '{column: when, format: "%H:%M"}'), "must hold year, month and day"),
        (("{column: when}", '{column: when, format: "%Q"}'), "time.format"),
        (("quantity: n", "quantity: 5"), "quantity is the number 5: put it in quotes"),
        (("text: name", "rules: {not_merchandise: {codes: [0123]}}"), "put it in quotes"),
        (("text: name", 'rules: {returned: [{column: n, matches: "("}]}'), "no regular expression"),
        (("text: name", "rules: {returned: [{column: n}]}"), "exactly one of matches, equals and below"),
        (("currency: GBP", "currency: pounds"), "price.currency"),
        (("basket: order\n", "rules: {without_household: guest}\n"), "guest needs a basket"),
        (("zone:", "x: &a [1]\ny: [*a, *a]\nzone:"), "anchor or alias"),
        (("zone:", "x: !!python/object/apply:os.system [ls]\nzone:"), "constructor for the tag"),
        (("zone:", "x: [\nzone:"), "not plain YAML"),
    ],
)
def test_a_wrong_mapping_is_refused_by_field(change, words):
    with pytest.raises(Refused, match=words):
        parse_mapping(MAPPING.replace(*change, 1).encode(), "nightfill.yaml")


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "holds no mapping"),
        (b"- a\n- b\n", "holds no mapping"),
        (b"\xff\xfe", "is not UTF-8: byte 1"),
        (b"[" * 30_000, "nested too deeply"),
        (b"? {a: 1}\n: 2\n", "not plain YAML"),
    ],
)
def test_what_is_no_mapping_is_refused(data, words):
    with pytest.raises(Refused, match=words):
        parse_mapping(data, "nightfill.yaml")


def test_a_mapping_file_must_be_there_and_small(tmp_path):
    with pytest.raises(Refused, match=r"no mapping file .*nightfill shop init"):
        read_mapping(tmp_path / "nightfill.yaml")
    (tmp_path / "big.yaml").write_bytes(b"#" * (LARGEST + 1))
    with pytest.raises(Refused, match="more than 64 KB"):
        read_mapping(tmp_path / "big.yaml")
    with pytest.raises(Refused, match="cannot be read"):
        read_mapping(tmp_path)
