"""A synthetic web shop: daily CSV files with invoices, cancellations, lines without customer, postage and bank charges.

Everything here is invented by a seeded generator; no line comes from a real shop. Its customers have habits, so that a
model can learn something: each buys some favourites again and again, and follows what is popular in the season.
"""

import csv
import datetime as dt
import io
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

HEADER = ("InvoiceNo", "StockCode", "Description", "Quantity", "InvoiceDate", "UnitPrice", "CustomerID", "Country")
FIRST = dt.date(2023, 9, 4)
NOUNS = ("MUG", "CANDLE", "LANTERN", "BUNTING", "TEAPOT", "CUSHION", "CLOCK", "BOWL", "RIBBON", "DOORMAT")
STYLES = ("RED RETROSPOT", "VINTAGE", "HEART", "POLKADOT", "WHITE HANGING", "GARDEN", "CHRISTMAS", "PAPER")

MAPPING = """\
format: 1
shop: Synthetic web shop
files:
  kind: csv
  names: "sales-*.csv"
  date: "sales-%Y-%m-%d.csv"
zone: Europe/London
household: CustomerID
product: StockCode
basket: InvoiceNo
time:
  column: InvoiceDate
  format: "%d/%m/%Y %H:%M"
quantity: Quantity
price:
  column: UnitPrice
  means: unit
  decimal: point
  currency: GBP
text: Description
rules:
  returned:
    - {column: InvoiceNo, matches: "^C"}
    - {column: Quantity, below: 0}
  not_merchandise:
    codes: ["POST", "BANK CHARGES"]
  without_household: leave_out
closed:
  weekdays: [Saturday]
"""


@dataclass(frozen=True)
class WebShop:
    """The size of the shop."""

    customers: int = 150
    products: int = 160
    weeks: int = 18
    seed: int = 7

    def days(self) -> Iterator[tuple[dt.date, list[tuple[str, ...]]]]:
        """Each open day with its lines, HEADER without. The shop is closed on Saturdays."""
        rng = np.random.default_rng(self.seed)
        favourites = np.stack([rng.choice(self.products, 8, replace=False) for _ in range(self.customers)])
        rate = rng.uniform(0.25, 0.6, self.customers)
        price = np.round(rng.lognormal(0.9, 0.6, self.products), 2) + 0.05
        popular = rng.dirichlet(np.full(self.products, 0.3))
        number = 536365
        for day in (FIRST + dt.timedelta(days=i) for i in range(7 * self.weeks)):
            if day.strftime("%A") == "Saturday":
                continue
            lines: list[tuple[str, ...]] = []
            for customer in np.flatnonzero(rng.random(self.customers) < rate):
                number += 1
                chosen = np.where(
                    rng.random(5) < 0.75,
                    rng.choice(favourites[customer], 5),
                    rng.choice(self.products, 5, p=popular),
                )
                lines += self._invoice(rng, day, number, int(customer), np.unique(chosen), price)
            yield day, lines

    def _invoice(self, rng, day, number, customer, products, price) -> list[tuple[str, ...]]:  # type: ignore[no-untyped-def]
        at = f"{day:%d/%m/%Y} {rng.integers(8, 20):02d}:{rng.integers(0, 60):02d}"
        who, where = (str(12346 + customer) if rng.random() > 0.04 else ""), "United Kingdom" if customer % 9 else "France"
        lines = []
        for product in products.tolist():
            text = f"{STYLES[product % 8]} {NOUNS[product // 8 % 10]}" + (f" NO {product // 80}" if product >= 80 else "")
            count = str(rng.integers(1, 13))
            lines.append((str(number), f"{22000 + product}", text, count, at, f"{price[product]:.2f}", who, where))
        if where == "France":
            lines.append((str(number), "POST", "POSTAGE", "1", at, "18.00", who, where))
        if rng.random() < 0.03:
            lines.append((f"C{number}", *lines[0][1:3], f"-{lines[0][3]}", *lines[0][4:]))
        if rng.random() < 0.005:
            lines.append((str(number), "BANK CHARGES", "Bank Charges", "1", at, "15.00", who, where))
        return lines


def csv_text(lines: list[tuple[str, ...]]) -> str:
    """The lines as the text of a file, header included."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(HEADER)
    writer.writerows(lines)
    return out.getvalue()


def write_web_shop(folder: Path, shop: WebShop = WebShop(), mapping: str = MAPPING) -> Path:
    """Write the daily files and the mapping file; returns the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for day, lines in shop.days():
        (folder / f"sales-{day}.csv").write_text(csv_text(lines), newline="")
    (folder / "nightfill.yaml").write_text(mapping)
    return folder


if __name__ == "__main__":
    print(f"Wrote the synthetic web shop into {write_web_shop(Path(sys.argv[1]))}")
