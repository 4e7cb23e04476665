"""`nightfill shop init`: a commented mapping file, guessed from the header and some lines. It says what it guessed and why."""

import re
from collections.abc import Sequence

from include.nights import span
from include.sources.shop import values
from include.sources.shop.delivered import named_day
from include.sources.shop.guess_files import Guess, find_files, form_of, header_of
from include.sources.shop.mapping import NOTHING, WEEKDAYS, Files
from include.sources.shop.places import File, Place
from include.sources.shop.rows import first_rows, read_rows
from include.sources.shop.template import render
from include.words import counted

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
SAMPLE_FILES, SAMPLE_LINES = 20, 2_000


def guess(place: Place, zone: str = "") -> tuple[str, list[str]]:
    """The text of a mapping file, and what was guessed, a sentence each.

    Raises:
        Refused: there are no data files, or what every shop needs cannot be found in their header.
    """
    out = Guess()
    files = find_files(place, out)
    known = form_of(place, files[0], out)
    header = header_of(place, files[0], known)
    columns = _columns(header, out)
    sample = _sample(place, files, known, sorted({*columns.values()}))
    _values(out, columns, sample)
    _zone(out, zone)
    _rules(out, columns, sample)
    _closed(out, files)
    return render(out.found, header), out.said


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
        said = f"NOT GUESSED: {counted(len(rest), 'more day')} without a file ({', '.join(rest[:5])})"
        out.take("closed.days", None, said)
