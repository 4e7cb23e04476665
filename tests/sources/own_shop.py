"""A shop of a few lines in files of its own, for one test each."""

from pathlib import Path

from include.settings import SourceSpec
from include.sources.opening import open_source
from include.sources.shop.source import Shop

HEADER = "order,who,sku,name,n,when,price"
LINES = (
    "1,anna,A1,RED MUG,2,2024-03-30T10:00:00,1.10",
    "1,anna,B2,BLUE BOWL,1,2024-03-30T10:00:00,3.33",
    "2,bert,A1,RED MUG,3,2024-03-31T00:30:00,1.15",
    "3,anna,A1,RED MUG XL,1,2024-04-01T09:15:00,0.005",
)
MAPPING = """\
files: {kind: csv}
zone: Europe/London
household: who
product: sku
basket: order
time: {column: when}
quantity: n
price: {column: price, currency: GBP}
text: name
"""


def write(folder: Path, lines: tuple[str, ...] | str = LINES, mapping: str = MAPPING, name: str = "sales.csv") -> Path:
    """One CSV file and its mapping; returns the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    text = lines if isinstance(lines, str) else "\n".join([HEADER, *lines]) + "\n"
    (folder / name).write_text(text, encoding="utf-8", newline="")
    (folder / "nightfill.yaml").write_text(mapping, encoding="utf-8")
    return folder


def shop(folder: Path, **fields: str) -> Shop:
    source = open_source(SourceSpec(name="shop", folder=str(folder), mapping=str(folder / "nightfill.yaml"), **fields))
    assert isinstance(source, Shop)
    return source


def read_all(folder: Path) -> list[dict]:
    """EVENTS of all days as dicts."""
    source = shop(folder)
    return source.read_events(*source.days()).to_pylist()
