"""The panel's tables beside purchases, catalogue and promotions, each row with the day on which it became known.

A campaign is known from its start, with the households that it was sent to and its coupons; a redemption on its day;
demographics from the first day of the data, which is also the day of what began before it.
"""

import datetime as dt
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from include.errors import Refused
from include.sources.extras import KEYS, SCHEMAS, by_known
from include.sources.files import cast, read_columns
from include.sources.keys import tolerate_unknown, unique_rows
from include.sources.panel_contracts import CONTRACTS
from include.words import counted

TRAITS = {
    "age": "age",
    "income": "income",
    "home_ownership": "home",
    "marital_status": "marital",
    "household_size": "size",
    "household_comp": "members",
    "kids_count": "kids",
}
NAMES = {
    "household_id": "household",
    "campaign_id": "campaign",
    "coupon_upc": "coupon",
    "product_id": "product",
    "redemption_date": "day",
} | TRAITS


class PanelTables:
    """Reads each file once, when it is first asked for.

    Args:
        opens: the first day of the data.
        sample: keeps the rows of the households that the source keeps.
    """

    def __init__(self, folder: Path, opens: dt.date, sample: Callable[[pa.Table], pa.Table]) -> None:
        self.folder, self.opens, self.sample = folder, opens, sample
        self._known: dict[str, tuple[pa.Table, pa.Array]] = {}

    def known(self, dataset: str, nights: Sequence[dt.date]) -> Iterator[tuple[dt.date, pa.Table]]:
        """(night, rows of extras.SCHEMAS[dataset] that became known on it) of those of the nights that have any.

        Raises:
            Refused: a file is missing or unreadable, empty, repeats its keys, or names what is not there; a campaign ends
            before it starts.
        """
        if dataset in ("campaigns", "coupons") and not set(nights) & set(self._since(self._campaign).to_pylist()):
            return
        if dataset not in self._known:
            table, known = getattr(self, f"_{dataset}")()
            order = [(key, "ascending") for key in KEYS[dataset]]
            whole = table.select(SCHEMAS[dataset].names).cast(SCHEMAS[dataset]).append_column("known", known).sort_by(order)
            self._known[dataset] = whole.drop_columns(["known"]), whole["known"].combine_chunks()
        yield from by_known(*self._known[dataset], nights)

    def _households(self) -> tuple[pa.Table, pa.Array]:
        table = self.sample(self._table("households", "demographics.parquet"))
        return table, pa.array([self.opens] * table.num_rows, pa.date32())

    def _campaigns(self) -> tuple[pa.Table, pa.Array]:
        table = self.sample(self._table("campaigns", "campaigns.parquet"))
        about = self._about(table, "campaigns.parquet")
        for name in ("kind", "start", "end"):
            table = table.append_column(name, about[name])
        return table, self._since(about)

    def _coupons(self) -> tuple[pa.Table, pa.Array]:
        table = self._table("coupons", "coupons.parquet")
        products = read_columns(self.folder / "products.parquet", ["product_id"])["product_id"].cast(pa.string())
        tolerate_unknown(table["product"], products, "coupons.parquet", "a product that the catalogue does not have")
        return table, self._since(self._about(table, "coupons.parquet"))

    def _redemptions(self) -> tuple[pa.Table, pa.Array]:
        table = self._table("redemptions", "coupon_redemptions.parquet")
        about = self._about(table, "coupon_redemptions.parquet")
        early = pc.sum(pc.or_(pc.less(table["day"], about["start"]), pc.greater(table["day"], about["end"]))).as_py()
        if early:
            raise Refused(
                f"{early} of {table.num_rows} rows of coupon_redemptions.parquet lie outside their campaign",
                "Correct their dates, or those of the campaign",
            )
        table = self.sample(table)
        return table, table["day"].combine_chunks()

    @cached_property
    def _campaign(self) -> pa.Table:
        """campaign, kind, start, end."""
        table = self._table("campaigns", "campaign_descriptions.parquet")
        table = table.rename_columns({"campaign_type": "kind", "start_date": "start", "end_date": "end"})
        if lost := table["start"].null_count + table["end"].null_count:
            raise Refused(f"campaign_descriptions.parquet lacks {counted(lost, 'date')}", "Deliver every campaign with both")
        for row in table.filter(pc.less(table["end"], table["start"])).to_pylist():
            raise Refused(
                f"Campaign {row['campaign']} of campaign_descriptions.parquet ends on {row['end']}, before it starts on "
                f"{row['start']}",
                "Correct its dates",
            )
        return table.combine_chunks()

    def _about(self, table: pa.Table, file: str) -> pa.Table:
        """The campaign of each row. Raises Refused for one that is not described."""
        known = self._campaign["campaign"]
        tolerate_unknown(table["campaign"], known, file, "a campaign that is not described", share=0.0)
        return self._campaign.take(pc.index_in(table["campaign"].combine_chunks(), value_set=known.combine_chunks()))

    def _since(self, about: pa.Table) -> pa.Array:
        """date32 [rows]: the day on which each row's campaign became known."""
        return pc.max_element_wise(about["start"].combine_chunks(), pa.scalar(self.opens, pa.date32()))

    def _table(self, dataset: str, file: str) -> pa.Table:
        """The columns of a file that its contract names, by the project's names; ids are texts, moments are days."""
        wanted, path = CONTRACTS[dataset].tables[file], self.folder / file
        raw = unique_rows(read_columns(path, list(wanted.columns)), wanted, file)
        kinds = {name: pa.date32() if "date" in kind else pa.string() for name, kind in wanted.columns.items()}
        return pa.table({NAMES.get(name, name): cast(raw, name, kind, path) for name, kind in kinds.items()})
