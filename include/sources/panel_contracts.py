"""The contracts of the Complete Journey panel: what its files promise, by landed dataset. A share is what the panel itself has,
with room: 4,872 of its 116,204 coupon rows and 12,785 of its 20,940,529 promotion rows repeat a key."""

from include.sources.contract import Contract, Table

SOURCE = "complete_journey"

TRANSACTIONS = Table(
    columns={
        **dict.fromkeys(("household_id", "store_id", "basket_id", "product_id", "quantity"), "integer"),
        **dict.fromkeys(("sales_value", "retail_disc"), "number"),
        "transaction_timestamp": "moment",
    },
    beside=("coupon_disc", "coupon_match_disc", "week"),
)
PRODUCTS = Table(
    columns={
        **dict.fromkeys(("product_id", "manufacturer_id"), "integer"),
        **dict.fromkeys(("department", "product_category", "product_type", "brand"), "text"),
        "package_size": "text|nothing",
    },
    key=("product_id",),
)
PROMOTIONS = Table(
    columns={
        **dict.fromkeys(("week", "product_id", "store_id"), "integer"),
        **dict.fromkeys(("display_location", "mailer_location"), "text"),
    },
    key=("week", "product_id", "store_id"),
    doubled=0.01,
)
DEMOGRAPHICS = Table(
    columns={
        "household_id": "integer",
        **dict.fromkeys(("age", "income", "home_ownership", "marital_status"), "text"),
        **dict.fromkeys(("household_size", "household_comp", "kids_count"), "text"),
    },
    key=("household_id",),
)
CAMPAIGNS = Table(columns=dict.fromkeys(("campaign_id", "household_id"), "integer"), key=("campaign_id", "household_id"))
DESCRIPTIONS = Table(
    columns={"campaign_id": "integer", "campaign_type": "text", **dict.fromkeys(("start_date", "end_date"), "moment|date")},
    key=("campaign_id",),
)
COUPONS = Table(
    columns=dict.fromkeys(("coupon_upc", "product_id", "campaign_id"), "integer"),
    key=("campaign_id", "coupon_upc", "product_id"),
    doubled=0.1,
)
REDEMPTIONS = Table(
    columns={
        **dict.fromkeys(("household_id", "coupon_upc", "campaign_id"), "integer"),
        "redemption_date": "moment|date",
    },
    key=("household_id", "coupon_upc", "campaign_id", "redemption_date"),
)

_TABLES = {
    "events": {"transactions": TRANSACTIONS},
    "products": {"products": PRODUCTS},
    "promotions": {"promotions": PROMOTIONS},
    "placements": {"promotions": PROMOTIONS},
    "households": {"demographics": DEMOGRAPHICS},
    "campaigns": {"campaigns": CAMPAIGNS, "campaign_descriptions": DESCRIPTIONS},
    "coupons": {"coupons": COUPONS, "campaign_descriptions": DESCRIPTIONS},
    "redemptions": {"coupon_redemptions": REDEMPTIONS, "campaign_descriptions": DESCRIPTIONS},
}

CONTRACTS = {
    dataset: Contract(
        source=SOURCE, dataset=dataset, version=1, tables={f"{name}.parquet": table for name, table in tables.items()}
    )
    for dataset, tables in _TABLES.items()
}
