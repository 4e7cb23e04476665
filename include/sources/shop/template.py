"""The text of a new mapping file: every field with a word of what it means; what is not used stands there as a comment."""

import json
from collections.abc import Mapping, Sequence

Value = str | bool | list[str] | None

MISSING = "WRITE-THE-COLUMN"


def render(found: Mapping[str, Value], header: Sequence[str]) -> str:
    """YAML with comments. A needed column that was not found is called MISSING, which `check` refuses by name."""
    return "\n".join([*_head(found, header), *_columns(found), *_rules(found)]) + "\n"


def _text(value: Value) -> str:
    return json.dumps(value, ensure_ascii=False)


def _line(found: Mapping[str, Value], name: str, example: str, comment: str, indent: str = "") -> str:
    """`name: value  # comment`, or the same as a comment with an example."""
    value, key = found.get(name), name.rpartition(".")[2]
    if value is None:
        return f"{indent}# {key}: {example}  # {comment}"
    return f"{indent}{key}: {_text(value)}  # {comment}"


def _head(found: Mapping[str, Value], header: Sequence[str]) -> list[str]:
    return [
        "# How Nightfill reads this shop's files. Written by `nightfill shop init`: read it, correct it, then",
        "# `nightfill shop check`. Lines with a # are examples that are not used.",
        f"# The columns are: {', '.join(header)[:400]}",
        "format: 1",
        '# shop: "My web shop"  # what reports call it',
        "files:",
        f"  kind: {found['files.kind']}  # csv, jsonl or parquet",
        _line(found, "files.names", '"*.csv"', "which files below the folder; */*.csv for folders of a day", "  "),
        _line(found, "files.date", '"sales-%Y-%m-%d.csv"', "when each file is one day: the form of its name", "  "),
        _line(found, "files.encoding", "latin-1", "default utf-8", "  "),
        _line(found, "files.delimiter", '";"', "default ,", "  "),
        "  # shared_days: true  # when one day's lines lie in several files",
        "  # late_days: 28  # how many days before its file's day a line may lie",
        _line(found, "zone", "Europe/London", "a business day is a day on this clock"),
    ]


def _columns(found: Mapping[str, Value]) -> list[str]:
    unit = "line price" not in found
    price = found.get("unit price") if unit else found["line price"]
    return [
        f"household: {_text(found.get('household') or MISSING)}  # who buys: customer, member or card",
        f"product: {_text(found.get('product') or MISSING)}  # the product's code",
        _line(found, "basket", "[Till, Receipt]", "one or more columns; without it, what a household buys on a day"),
        _line(found, "store", "Branch", "without it there is one store"),
        "time:",
        f"  column: {_text(found.get('time') or MISSING)}  # or two, [Date, Hour], joined by a space",
        f"  format: {_text(found.get('time.format') or 'iso')}  # iso, unix, unix_ms, or a form such as %d/%m/%Y %H:%M",
        "  # zone: UTC  # the clock of the texts, when it is another than the shop's",
        f"quantity: {_text(found.get('quantity') or MISSING)}  # a whole number",
        "price:",
        f"  column: {_text(price or MISSING)}",
        f"  means: {'unit' if unit else 'line'}  # unit (times the quantity) or line (the total)",
        f"  decimal: {found.get('price.decimal') or 'point'}  # point (1,234.50) or comma (1.234,50)",
        "  # currency: GBP  # for reports; money is kept in hundredths of it",
        "# discount: {column: Rebate, means: line, negative: false}  # money taken off, beside the price"
        if "discount" not in found
        else f"discount: {{column: {_text(found['discount'])}, means: line, negative: false}}  # money taken off",
        _line(found, "text", "Description", "what the product is called; needed for the search surface"),
        _line(found, "department", "Department", "three levels of sorts, each optional"),
        _line(found, "category", "Category", "narrower than a department"),
        _line(found, "type", "Type", "without it, the text"),
        _line(found, "brand", "Brand", "who makes it"),
        _line(found, "query", "SearchTerm", "what was searched for; shown by check"),
        '# promotion: {column: OnOffer, texts: ["1", "Y"]}  # what was on offer last week counts as the plan of the next'
        if "promotion" not in found
        else f'promotion: {{column: {_text(found["promotion"])}, texts: ["1", "Y"]}}  # which texts mean yes',
    ]


def _rules(found: Mapping[str, Value]) -> list[str]:
    returned = []
    if pattern := found.get("returned.matches"):
        returned.append(f"    - {{column: {_text(found['basket'])}, matches: {_text(pattern)}}}")
    if found.get("returned.below"):
        returned.append(f"    - {{column: {_text(found['quantity'])}, below: 0}}")
    codes = found.get("not_merchandise") or []
    weekdays = found.get("closed.weekdays")
    return [
        "rules:",
        "  # a line that fits one of these was given back or cancelled: it is kept and counts as nothing bought",
        *(
            ["  returned:", *returned]
            if returned
            else ['  # returned: [{column: Invoice, matches: "^C"}, {column: Qty, below: 0}]']
        ),
        "  # a line that fits one of these is a test and the like: it never enters the store",
        '  # left_out: [{column: Customer, equals: ["TEST"]}]',
        "  # products that are no goods (postage, bank charges): never recommended",
        f'  not_merchandise: {{codes: {_text(codes)}}}  # exact codes; patterns: ["^GIFT"] for regular expressions',
        "  without_household: leave_out  # or guest (each basket a household of its own), or refuse",
        "# days without any business; another day without a line is refused",
        f"closed: {{weekdays: {_text(weekdays)}}}  # days: [2024-12-25]"
        if weekdays
        else "# closed: {weekdays: [Sunday], days: [2024-12-25]}",
    ]
