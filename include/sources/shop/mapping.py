"""The mapping: how a shop's own files become purchases. One frozen, strict value; `nightfill shop init` writes an example."""

import datetime as dt
import zoneinfo
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator, model_validator

ENCODINGS = ("utf-8", "ascii", "latin-1", "iso-8859-15", "cp1250", "cp1251", "cp1252", "cp1253", "cp1254", "koi8-r")
"""Encodings in which a byte 10 always ends a line. UTF-16 is none of them."""
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
NOTHING = ("", "NULL", "null", "None", "NaN", "nan", "N/A")

Column = Annotated[str, Field(min_length=1, max_length=200)]
Columns = Column | Annotated[tuple[Column, ...], Field(min_length=1, max_length=4)]
"""One column, or several whose texts are put together with a space (a date and an hour, a till and a receipt)."""


def _compiles(pattern: str) -> str:
    """RE2 takes time in proportion to the text, whatever the pattern: a hostile one cannot hang the night."""
    import pyarrow as pa
    import pyarrow.compute as pc

    try:
        pc.match_substring_regex(pa.scalar(""), pattern)
    except pa.ArrowException as error:
        raise ValueError(f"'{pattern}' is no regular expression of RE2: {str(error)[:120]}") from error
    return pattern


Pattern = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_compiles)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


def column_names(columns: "Columns | None") -> tuple[str, ...]:
    """The columns behind one meaning; none for None."""
    if columns is None:
        return ()
    return (columns,) if isinstance(columns, str) else columns


class Files(_Part):
    """Which files there are. `names` is matched against the path below the folder or prefix."""

    kind: Literal["csv", "jsonl", "parquet"]
    names: str = Field(default="", max_length=200)
    date: str = Field(default="", max_length=200, description="strptime form of a file's name, when the name holds its day")
    shared_days: bool = Field(default=False, description="lines of one day may lie in several files")
    late_days: int = Field(default=28, ge=0, le=366, description="how many days before its file's day a line may lie")
    encoding: str = "utf-8"
    delimiter: str = Field(default=",", min_length=1, max_length=1)
    quote: str = Field(default='"', max_length=1)

    @field_validator("names")
    @classmethod
    def _stays_inside(cls, names: str) -> str:
        if names.startswith("/") or ".." in names.split("/") or "\\" in names:
            raise ValueError("must stay inside the folder: no leading '/', no '..', no '\\'")
        return names

    @field_validator("encoding")
    @classmethod
    def _known(cls, encoding: str) -> str:
        if encoding.lower() not in ENCODINGS:
            raise ValueError(f"must be one of {', '.join(ENCODINGS)}")
        return encoding.lower()

    @property
    def pattern(self) -> str:
        return self.names or {"csv": "*.csv", "jsonl": "*.jsonl", "parquet": "*.parquet"}[self.kind]


class Time(_Part):
    """`format` is iso, unix (seconds), unix_ms or a strptime form; `zone` the clock of texts without an offset."""

    column: Columns
    format: str = Field(default="iso", min_length=1, max_length=100)
    zone: str = ""

    @field_validator("format")
    @classmethod
    def _usable(cls, form: str) -> str:
        if form in ("iso", "unix", "unix_ms"):
            return form
        try:
            dt.datetime.strptime(dt.datetime(2017, 10, 29, 13, 45, tzinfo=dt.UTC).strftime(form), form)
        except ValueError as error:
            raise ValueError(f"is neither iso, unix, unix_ms nor a form that strptime knows ({error})") from error
        if not all(any(f"%{letter}" in form for letter in letters) for letters in ("YyGcx", "mbBjcxUWV", "djcxuAaw")):
            raise ValueError("must hold year, month and day")
        return form


class Price(_Part):
    """Money of a line: `unit` prices are multiplied by the quantity, `line` totals are taken as they are."""

    column: Column
    means: Literal["unit", "line"] = "unit"
    decimal: Literal["point", "comma"] = "point"
    currency: str = Field(default="", pattern="^([A-Z]{3})?$")


class Discount(_Part):
    """Money that was taken off, as a number of 0 or more, or of 0 or less when `negative`."""

    column: Column
    means: Literal["unit", "line"] = "line"
    negative: bool = False


class Flag(_Part):
    """A column that says yes or no; every text in `texts` means yes."""

    column: Column
    texts: tuple[str, ...] = ("1", "true", "True", "TRUE", "yes", "Y", "y")


class Condition(_Part):
    """What a line must show: a text that `matches` a regular expression (RE2), `equals` one of some, or a number `below`."""

    column: Column
    matches: Pattern | None = None
    equals: tuple[str, ...] | None = None
    below: float | None = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        if sum(value is not None for value in (self.matches, self.equals, self.below)) != 1:
            raise ValueError("give exactly one of matches, equals and below")
        return self


class NotMerchandise(_Part):
    """Products that are no goods: exact codes, and regular expressions (RE2) searched for in the code."""

    codes: tuple[str, ...] = ()
    patterns: tuple[Pattern, ...] = ()


class Rules(_Part):
    """What is more than an ordinary sale. A line that fits any condition of a list belongs to it."""

    returned: tuple[Condition, ...] = Field(default=(), description="goods or money given back: kept, with a negative quantity")
    left_out: tuple[Condition, ...] = Field(default=(), description="tests and the like: never enter the store")
    not_merchandise: NotMerchandise = NotMerchandise()
    without_household: Literal["leave_out", "guest", "refuse"] = "leave_out"


class Closed(_Part):
    """Days without business. Any other day without a line is refused when its night is built."""

    weekdays: tuple[Literal["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"], ...] = ()
    days: tuple[dt.date, ...] = ()

    def holds(self, day: dt.date) -> bool:
        return day in self.days or WEEKDAYS[day.weekday()] in self.weekdays


class Usual(_Part):
    """Above these a line is reported as odd; nothing is left out for it."""

    quantity: int = Field(default=100, ge=1)
    line: int = Field(default=1000, ge=1, description="money of one line, in whole units of the currency")


class Mapping(_Part):
    """The whole mapping file."""

    format: Literal[1] = 1
    shop: str = Field(default="", max_length=100, description="what reports call the shop")
    files: Files
    zone: str
    household: Column
    product: Column
    time: Time
    quantity: Column
    price: Price
    basket: Columns | None = None
    store: Column | None = None
    discount: Discount | None = None
    text: Column | None = None
    department: Column | None = None
    category: Column | None = None
    type: Column | None = None
    brand: Column | None = None
    query: Column | None = None
    promotion: Flag | None = None
    nothing: tuple[str, ...] = NOTHING
    rules: Rules = Rules()
    closed: Closed = Closed()
    usual: Usual = Usual()

    @model_validator(mode="after")
    def _fits(self) -> Self:
        for name, zone in (("zone", self.zone), ("time.zone", self.time.zone)):
            if zone and zone not in zoneinfo.available_timezones():
                raise ValueError(f"{name} '{zone[:60]}' is no time zone; write one such as Europe/London or UTC")
        if not self.zone:
            raise ValueError("zone is empty; write the shop's time zone, such as Europe/London")
        if self.rules.without_household == "guest" and self.basket is None:
            raise ValueError("without_household: guest needs a basket, which becomes the guest")
        return self

    @property
    def meanings(self) -> dict[str, tuple[str, ...]]:
        """Meaning -> columns, for all that is mapped."""
        single = ("household", "product", "quantity", "store", "text", "department", "category", "type", "brand", "query")
        found = {name: column_names(getattr(self, name)) for name in single}
        found |= {"time": column_names(self.time.column), "price": (self.price.column,), "basket": column_names(self.basket)}
        found["discount"] = (self.discount.column,) if self.discount else ()
        found["promotion"] = (self.promotion.column,) if self.promotion else ()
        return {name: columns for name, columns in found.items() if columns}

    @property
    def columns(self) -> list[str]:
        """All columns that must be there, once each."""
        conditions = [condition.column for condition in (*self.rules.returned, *self.rules.left_out)]
        return list(dict.fromkeys([column for columns in self.meanings.values() for column in columns] + conditions))
