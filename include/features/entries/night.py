"""What the calendar says of the coming week: a recipe names these among its household columns."""

from include.features.algebra import Context
from include.features.entry import Entry, Family

FAMILIES = (
    Family(
        "calendar",
        "night",
        "Holidays of the shop's country, and the season.",
        "public",
        (
            Entry("holidays_ahead", Context("holidays_ahead"), "holidays in the coming week", "days"),
            Entry("holiday_soon", Context("holiday_soon"), "nearness of the next holiday", "0 to 1", "0 beyond 28 days"),
            Entry("holiday_past", Context("holiday_past"), "nearness of the last holiday", "0 to 1", "0 beyond 28 days"),
            Entry("week_sine", Context("week_sine"), "sine of the coming week's place in the year", "-1 to 1", "never empty"),
            Entry("week_cosine", Context("week_cosine"), "cosine of the same", "-1 to 1", "never empty"),
            Entry("month_start", Context("month_start"), "whether a month begins in the coming week", "0 or 1"),
        ),
    ),
)
