"""`nightfill shop init`: a commented mapping file, guessed from the header and some lines. It says what it guessed and why."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from include.errors import Refused
from include.nights import span
from include.sources.shop import values
from include.sources.shop.delivered import named_day
from include.sources.shop.lines_of_text import LONGEST
from include.sources.shop.mapping import NOTHING, WEEKDAYS, Files
from include.sources.shop.places import File, Place
from include.sources.shop.rows import first_rows, read_header, read_rows
from include.sources.shop.template import render

KINDS = {
    "csv": ("*.csv", "*.csv.gz", "*.tsv", "*.txt"),
    "jsonl": ("*.jsonl", "*.ndjson", "*.jsonl.gz", "*.json"),
    "parquet": ("*.parquet",),
}
NAMES: dict[str, tuple[str, ...]] = {
    "household": (
        "household",
        "customerid",
        "customer",
        "customerno",
        "client",
        "clientid",
        "userid",
        "user",
        "memberid",
        "kunde",
    ),
    "product": ("product", "productid", "stockcode", "sku", "article", "articleid", "itemid", "item", "artikel", "ean"),
    "basket": (
        "basket",
        "basketid",
        "invoiceno",
        "invoice",
        "orderid",
        "order",
        "orderno",
        "receipt",
        "receiptid",
        "transactionid",
    ),
    "store": ("store", "storeid", "shop", "branch", "filiale"),
    "time": ("time", "invoicedate", "orderdate", "timestamp", "datetime", "date", "createdat", "orderedat", "at", "datum"),
    "quantity": ("quantity", "qty", "units", "count", "menge", "pieces"),
    "unit price": ("unitprice", "priceperunit", "price", "preis", "itemprice"),
    "line price": ("linetotal", "total", "amount", "salesvalue", "linevalue", "betrag", "paid"),
    "discount": ("discount", "retaildisc", "rebate", "rabatt"),
    "text": ("text", "description", "productname", "name", "title", "bezeichnung"),
    "department": ("department", "dept", "division"),
    "category": ("category", "productcategory", "categoryname"),
    "type": ("type", "producttype", "subcategory"),
    "brand": ("brand", "make", "marke"),
    "query": ("query", "searchquery", "searchterm"),
    "promotion": ("promotion", "promo", "onoffer", "ispromotion"),
}
TIMES = (
    *(
        "iso",
        "%d/%m/%Y %H:%M",
        "%d/%m/%Y %H:%M:%S",
        "%m/%d/%Y %H:%M",
        "%m/%d/%Y %H:%M:%S",
        "%d.%m.%Y %H:%M",
        "%d.%m.%Y %H:%M:%S",
    ),
    *(
        "%d.%m.%Y",
        "%d/%m/%Y",
        "%m/%d/%Y",
        "%Y%m%d",
        "%Y%m%d%H%M%S",
        "%d-%m-%Y %H:%M",
        "%d/%m/%y %H:%M",
        "%m/%d/%y %H:%M",
        "unix",
    ),
    *("unix_ms",),
)
DATES = ((r"\d{4}-\d{2}-\d{2}", "%Y-%m-%d"), (r"\d{4}_\d{2}_\d{2}", "%Y_%m_%d"), (r"(?<!\d)\d{8}(?!\d)", "%Y%m%d"))
SAMPLE_FILES, SAMPLE_LINES = 20, 2_000
Value = str | bool | list[str] | None


@dataclass
class Guess:
    """What was found: values by the names of the template, and the sentences to say."""

    found: dict[str, Value] = field(default_factory=dict)
    said: list[str] = field(default_factory=list)

    def take(self, name: str, value: Value, why: str) -> None:
        self.found[name] = value
        self.said.append(f"{name}: {why}")


def guess(place: Place, zone: str = "") -> tuple[str, list[str]]:
    """The text of a mapping file, and what was guessed, a sentence each.

    Raises:
        Refused: there are no data files, or what every shop needs cannot be found in their header.
    """
    out = Guess()
    files = _files(place, out)
    known = _form(place, files[0], out)
    header = _header(place, files[0], known)
    columns = _columns(header, out)
    sample = _sample(place, files, known, sorted({*columns.values()}))
    _values(out, columns, sample)
    _zone(out, zone)
    _rules(out, columns, sample)
    _closed(out, files)
    return render(out.found, header), out.said


def _files(place: Place, out: Guess) -> list[File]:
    for kind, patterns in KINDS.items():
        for pattern in patterns:
            if files := place.files(pattern):
                out.take("files.kind", kind, f"{kind}, because of {len(files)} files {pattern}")
                out.found["files.names"] = pattern
                _named_days(files, out)
                return files
    raise Refused(f"There are no data files in {place.where}", "Give a folder with .csv, .jsonl or .parquet files")


def _named_days(files: Sequence[File], out: Guess) -> None:
    for pattern, form in DATES:
        match = re.search(pattern, files[0].name)
        if match is None:
            continue
        before, after = (part.replace("%", "%%") for part in (files[0].name[: match.start()], files[0].name[match.end() :]))
        try:
            days = [named_day(file.name, before + form + after) for file in files]
        except Refused:
            continue
        if len(set(days)) == len(days):
            out.take("files.date", before + form + after, f"{before + form + after}, each name holds its day")
            return


def _form(place: Place, file: File, out: Guess) -> Files:
    """Encoding and delimiter of a text file, from its first line."""
    kind = out.found["files.kind"]
    if kind != "csv":
        return Files.model_validate({"kind": kind})
    encoding = _encoding(place, file)
    if encoding != "utf-8":
        out.take("files.encoding", encoding, f"{encoding}, because {file.name} is no UTF-8; look at its letters with accents")
    with place.open(file) as opened:
        line = "".join(islice(_decoded(opened, file, encoding), 1))
    delimiter = max(",;\t|", key=line.count)
    if delimiter != ",":
        out.take("files.delimiter", delimiter, f"{delimiter!r}, the most frequent mark of the header")
    return Files.model_validate({"kind": kind, "encoding": encoding, "delimiter": delimiter})


def _encoding(place: Place, file: File) -> str:
    with place.open(file) as opened:
        try:
            for _ in islice(_decoded(opened, file, "utf-8"), SAMPLE_LINES):
                pass
        except Refused as error:
            if "is no utf-8" in error.what:
                return "cp1252"
            raise
    return "utf-8"


def _decoded(opened: Any, file: File, encoding: str) -> Iterator[str]:
    from include.sources.shop.lines_of_text import text_lines

    return text_lines(opened, file.name, encoding)


def _header(place: Place, file: File, files: Files) -> list[str]:
    with place.open(file) as opened:
        header = read_header(opened, file.name, files)
    if not header or sum(map(len, header)) > LONGEST // 10:
        raise Refused(f"{file.name} has no header", "Each file begins with the names of its columns")
    return header


def _columns(header: Sequence[str], out: Guess) -> dict[str, str]:
    """Meaning -> column, by name; the first meaning that fits a column has it."""
    plain = {re.sub(r"[^a-z]", "", column.lower()): column for column in reversed(header)}
    found: dict[str, str] = {}
    for meaning, names in NAMES.items():
        column = next((plain[name] for name in names if name in plain and plain[name] not in found.values()), None)
        if column is not None:
            found[meaning] = column
            out.take(meaning, column, f"column {column}, by its name")
    for meaning in ("household", "product", "time", "quantity"):
        if meaning not in found:
            out.take(meaning, None, "NOT FOUND in the header; write its column")
    if not {"unit price", "line price"} & found.keys():
        out.take("unit price", None, "NOT FOUND in the header; write its column")
    if "unit price" in found:
        found.pop("line price", None)
        out.found.pop("line price", None)
    return found


def _sample(place: Place, files: Sequence[File], known: Files, columns: Sequence[str]) -> dict[str, list[str]]:
    sample: dict[str, list[str]] = {column: [] for column in columns}
    step = max(1, len(files) // SAMPLE_FILES)
    for file in files[::step][:SAMPLE_FILES] if columns else ():
        with place.open(file) as opened:
            for rows in first_rows(read_rows(opened, file.name, known, columns), SAMPLE_LINES):
                for column in columns:
                    sample[column] += [str(value).strip() for value in rows.columns[column] if value not in (None, *NOTHING)]
    return sample


def _values(out: Guess, columns: dict[str, str], sample: dict[str, list[str]]) -> None:
    if moments := set(sample.get(columns.get("time", ""), [])):
        forms = [form for form in TIMES if all(values.moments(form, "UTC")(text) for text in moments)]
        out.take("time.format", forms[0] if forms else "iso", _about_time(forms, len(moments)))
    price = columns.get("unit price") or columns.get("line price") or ""
    if texts := set(sample.get(price, [])):
        fits = {mark: sum(values.money(mark)(text) is not None for text in texts) for mark in ("point", "comma")}
        mark = "comma" if fits["comma"] > fits["point"] else "point"
        out.take("price.decimal", mark, f"{mark}, as in {max(texts, key=len)}")
    elif price:
        out.found["price.decimal"] = "point"


def _about_time(forms: Sequence[str], count: int) -> str:
    if not forms:
        return "NOT FOUND: the times have no form that is known here; write one of strptime, such as %d/%m/%Y %H:%M"
    if len(forms) > 1:
        return f"{forms[0]}, but {forms[1]} would read all {count:,} times as well: LOOK AT IT"
    return f"{forms[0]}, the only known form that reads all {count:,} times of the sample"


def _zone(out: Guess, zone: str) -> None:
    why = "as you said" if zone else "NOT KNOWN: no file says it; write the shop's own zone, such as Europe/London"
    out.take("zone", zone or "UTC", f"{zone or 'UTC'}, {why}")


def _rules(out: Guess, columns: dict[str, str], sample: dict[str, list[str]]) -> None:
    baskets = sample.get(columns.get("basket", ""), [])
    letters = {text[0] for text in baskets if text[:1].isalpha()}
    if baskets and letters and sum(text[:1].isdigit() for text in baskets) > 0.5 * len(baskets):
        starts = "".join(sorted(letters))
        out.take(
            "returned.matches",
            f"^[{starts}]" if len(starts) > 1 else f"^{starts}",
            f"baskets that begin with {', '.join(sorted(letters))}",
        )
    if any(text.startswith("-") for text in sample.get(columns.get("quantity", ""), [])):
        out.take("returned.below", True, "quantities below 0")
    products = sample.get(columns.get("product", ""), [])
    words = sorted({text for text in products if not any(sign.isdigit() for sign in text)})
    if words and len(words) <= 30 and sum(text in set(words) for text in products) < 0.2 * len(products):
        out.take("not_merchandise", words, f"product codes without any digit: {', '.join(words[:8])}")


def _closed(out: Guess, files: Sequence[File]) -> None:
    form = str(out.found.get("files.date") or "")
    days = {day for file in files if (day := named_day(file.name, form))}
    if len(days) < 21:
        return
    missing = [day for day in span(min(days), max(days)) if day not in days]
    weekdays = [name for number, name in enumerate(WEEKDAYS) if not any(day.weekday() == number for day in days)]
    if weekdays:
        out.take("closed.weekdays", weekdays, f"{', '.join(weekdays)}: no file has such a day")
    rest = [str(day) for day in missing if WEEKDAYS[day.weekday()] not in weekdays]
    if rest:
        out.take("closed.days", None, f"NOT GUESSED: {len(rest)} more days have no file ({', '.join(rest[:5])})")
