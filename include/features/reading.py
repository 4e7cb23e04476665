"""Open the feature store's history for the columns that a recipe reads, in this process or in Spark."""

import datetime as dt
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from include.features.asof import History
from include.features.holidays import country_of
from include.features.spec import FeatureSpec
from include.recipes.columns import Columns
from include.settings import Settings, SourceSpec
from include.sources.opening import zone_of
from include.spark_server import LOCAL
from include.store.objects import Store

if TYPE_CHECKING:
    from include.features.spark_history import SparkHistory


def read_history(store: Store, night: dt.date, columns: Columns, source: SourceSpec) -> History:
    """All that was published up to a night, as far as these columns read it.

    Raises:
        Refused: a column does not exist. See also History.load.
    """
    spec = FeatureSpec(columns=columns)
    return History.load(store, night, spec, country(spec, source))


@contextmanager
def spark_history(store: Store, night: dt.date, columns: Columns, source: SourceSpec, work: Path) -> "Iterator[SparkHistory]":
    """The same read by Spark, for a shop that outgrows this process; scratch goes under `work`."""
    from py4j.protocol import Py4JError
    from pyspark.errors import PySparkException

    from include.features.spark_history import SparkHistory
    from include.features.spark_session import explain_failure, open_session

    spec, settings = FeatureSpec(columns=columns), Settings.load()
    spec.chosen  # noqa: B018  a recipe that is wrong is refused before Spark starts
    master = settings.spark_master or LOCAL
    session = open_session(master, settings.spark_memory, work, brief=False, host=settings.spark_host)
    try:
        yield SparkHistory.load(session, store, night, spec, country(spec, source))
    except (Py4JError, PySparkException) as error:
        raise explain_failure(error) from error
    finally:
        session.stop()
        shutil.rmtree(work, ignore_errors=True)


def country(spec: FeatureSpec, source: SourceSpec) -> str:
    """Whose holidays count: as the source is told, or the country of its time zone; "" where no feature asks."""
    return (source.country or country_of(zone_of(source))) if spec.reads_calendar else ""
