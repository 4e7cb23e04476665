"""The rival in DuckDB: all that build_features publishes of a year, from the source's raw files.

python benchmarks/etl_duckdb.py FOLDER OUT      writes OUT/<dataset>.parquet and prints {"wall", "cpu", "rss"}
"""

import sys
from pathlib import Path

import duckdb

from benchmarks.etl_common import DATASETS, NO_CATEGORY, NOT_MERCHANDISE, measured

SETTINGS = ("threads = 2", "memory_limit = '12GB'", "preserve_insertion_order = false", "timezone = 'UTC'")
STEPS = {
    "lines": """
        select t.household_id::varchar household, t.product_id::varchar product, t.basket_id basket,
            timezone('America/New_York', timezone('UTC', t.transaction_timestamp::timestamp))::date as day,
            t.quantity, round(t.sales_value * 100)::bigint cents, coalesce(round(t.retail_disc * 100)::bigint, 0) discount_cents
        from read_parquet('{folder}/transactions.parquet') t semi join merchandise using (product_id)
        where t.quantity > 0 and round(t.sales_value * 100) > 0 and t.household_id is not null""",
    "product_index": """
        select product, (row_number() over (order by first_day, product) - 1)::int product_index, first_day
        from (select product, min(day) first_day from lines group by product)""",
    "pairs": """
        select household, product_index, day, count(*)::int baskets, sum(quantity)::int units, sum(cents)::bigint cents,
            sum(discount_cents)::bigint discount_cents
        from lines join product_index using (product) group by all""",
    "household_product": """
        select household, product_index, day, day known, baskets, units, cents, discount_cents,
            row_number() over w::int days_total, sum(units) over w::bigint units_total, sum(cents) over w::bigint cents_total,
            min(day) over w first_day, previous_day,
            sum(coalesce((day - previous_day) ** 2, 0)::bigint) over w::bigint gap_square_total
        from (select *, lag(day) over (partition by household, product_index order by day) previous_day from pairs)
        window w as (partition by household, product_index order by day)""",
    "product": """
        select *, sum(buyers) over w::bigint buyers_total, sum(new_buyers) over w::bigint new_buyers_total,
            sum(units) over w::bigint units_total, sum(cents) over w::bigint cents_total,
            sum(discount_cents) over w::bigint discount_cents_total
        from (select product_index, day, day known, count(*)::int buyers, (count(*) filter (days_total = 1))::int new_buyers,
                sum(units)::int units, sum(cents)::bigint cents, sum(discount_cents)::bigint discount_cents
            from household_product group by all)
        window w as (partition by product_index order by day)""",
    "household": """
        select *, sum(baskets) over w::bigint baskets_total, sum(products) over w::bigint products_total,
            sum(new_products) over w::bigint new_products_total, sum(cents) over w::bigint cents_total,
            row_number() over w::int days_total, min(day) over w first_day
        from (select household, day, day known, count(*)::int products, (count(*) filter (days_total = 1))::int new_products,
                sum(cents)::bigint cents from household_product group by all)
            join (select household, day, count(distinct basket)::int baskets from lines group by all) using (household, day)
        window w as (partition by household order by day)""",
}


def run(folder: Path, out: Path) -> None:
    """Write the four datasets, one file each."""
    out.mkdir(parents=True, exist_ok=True)
    connection = duckdb.connect()
    for setting in (*SETTINGS, f"temp_directory = '{out / 'spill'}'"):
        connection.execute(f"set {setting}")
    connection.execute(
        f"""create temp table merchandise as select product_id from read_parquet('{folder}/products.parquet')
        where product_category <> ? and (department is null or not list_contains(?, department))""",
        [NO_CATEGORY, list(NOT_MERCHANDISE)],
    )
    for name, query in STEPS.items():
        connection.execute(f"create temp table {name} as {query.format(folder=folder)}")
    for name in DATASETS:
        connection.execute(f"copy {name} to '{out / name}.parquet' (format parquet, compression zstd)")


if __name__ == "__main__":
    measured(run, Path(sys.argv[1]), Path(sys.argv[2]))
