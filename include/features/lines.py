"""Which purchase lines count, and under which numbers of products. Needs nothing but pyarrow: Spark ships it to its workers."""

import pyarrow as pa
import pyarrow.compute as pc

LINES = pa.schema(
    [
        *(("household", pa.string()), ("product", pa.string()), ("basket", pa.string())),
        *(("day", pa.date32()), ("known", pa.date32())),
        *(("quantity", pa.int32()), ("cents", pa.int64()), ("discount_cents", pa.int64())),
    ]
)
"""What is read of an event."""


def on_time(events: pa.Table) -> pa.Table:
    """Events of the very day of the night that delivered them."""
    return events.filter(pc.equal(events["day"], events["known"]))


def merchandise_lines(events: pa.Table, shelf: pa.Table) -> pa.Table:
    """LINES that count, by the rule of tables.RULE, in any order.

    `shelf` has the spans of nights in which a product is merchandise, see shelves.py; a line is judged by the night that
    delivered it.
    """
    sold = pc.and_(pc.greater(events["quantity"], 0), pc.greater(events["cents"], 0))
    lines = events.filter(pc.and_(sold, pc.is_valid(events["household"]))).select(LINES.names)
    lines = lines.join(shelf, "product", join_type="inner", use_threads=False)
    lines = lines.filter(pc.and_(pc.less_equal(lines["since"], lines["known"]), pc.less_equal(lines["known"], lines["until"])))
    discount = pc.fill_null(lines["discount_cents"], 0)
    return lines.select(LINES.names).set_column(len(LINES) - 1, "discount_cents", discount)


def first_days(lines: pa.Table) -> pa.Table:
    """product, first_day: the first night that told of a purchase of each product."""
    found = lines.group_by("product", use_threads=False).aggregate([("known", "min")])
    return found.rename_columns(["product", "first_day"])


def numbered(lines: pa.Table, index: pa.Table) -> pa.Table:
    """LINES with their product_index; `index` has product and product_index."""
    place = pc.index_in(lines["product"], index["product"].combine_chunks())
    return lines.append_column("product_index", index["product_index"].combine_chunks().take(place))
