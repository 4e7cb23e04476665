"""Open the feature store's history for the columns that a recipe reads."""

import datetime as dt

from include.features.asof import History
from include.features.holidays import country_of
from include.features.spec import FeatureSpec
from include.recipes.columns import Columns
from include.settings import SourceSpec
from include.sources.opening import zone_of
from include.store.objects import Store


def read_history(store: Store, night: dt.date, columns: Columns, source: SourceSpec) -> History:
    """All that was published up to a night, as far as these columns read it.

    Raises:
        Refused: a column does not exist. See also History.load.
    """
    spec = FeatureSpec(columns=columns)
    return History.load(store, night, spec, country(spec, source))


def country(spec: FeatureSpec, source: SourceSpec) -> str:
    """Whose holidays count: as the source is told, or the country of its time zone; "" where no feature asks."""
    return (source.country or country_of(zone_of(source))) if spec.reads_calendar else ""
