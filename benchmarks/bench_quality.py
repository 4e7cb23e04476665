"""What do the checks cost beside the ETL, on the panel: CPU seconds of the process tree, without Great Expectations' import?

A range of nights is landed, checked, built in one warm Spark session and checked again; then one more night alone. The checks
are validate_raw and validate_features as the jobs run them, with their pages and bad rows; they start no Spark job.

    python benchmarks/bench_quality.py [NIGHTS]        writes var/bench/quality.json and prints a table; NIGHTS is 14
"""

import datetime as dt
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.report import finish, row  # noqa: E402
from include.features.spark_session import open_session  # noqa: E402
from include.jobs.build_features import BuildFeatures  # noqa: E402
from include.jobs.land_events import LandEvents  # noqa: E402
from include.jobs.publish_features import PublishFeatures  # noqa: E402
from include.jobs.validate_features import ValidateFeatures  # noqa: E402
from include.jobs.validate_raw import ValidateRaw  # noqa: E402

SHARE = 0.3
FIRST = dt.date(2017, 1, 1)


def cpu() -> float:
    """CPU seconds of this process and its living children so far."""
    own = psutil.Process()
    return sum(sum(one.cpu_times()[:2]) for one in [own, *own.children(recursive=True)])


def spent(run: Callable[[], Any]) -> float:
    before = cpu()
    run()
    return cpu() - before


def measure(fields: dict[str, Any], spark: Any) -> tuple[float, float, int]:
    """CPU seconds of the ETL and of all checks of one range, and the Spark jobs that the checks started."""
    LandEvents(**fields).run()
    tracker = spark.sparkContext.statusTracker()
    checks = spent(ValidateRaw(**fields).run)
    etl = spent(lambda: BuildFeatures(**fields).run(spark))
    jobs = len(tracker.getJobIdsForGroup())
    checks += spent(ValidateFeatures(**fields).run)
    started = len(tracker.getJobIdsForGroup()) - jobs
    PublishFeatures(**fields).run()
    return etl, checks, started


def main() -> int:
    """Run both, print and write."""
    import great_expectations  # noqa: F401 - its import is not counted

    nights = int(sys.argv[1]) if len(sys.argv) > 1 else 14
    root = Path(tempfile.mkdtemp(prefix="nightfill-quality-"))
    spark = open_session("local[2]", "3g", root / "spark")
    try:
        spark.range(1000).selectExpr("sum(id)").collect()
        last = FIRST + dt.timedelta(days=nights - 1)
        many = {"store": str(root / "store"), "work": root / "range", "first": str(FIRST), "last": str(last)}
        one = many | {"work": root / "night", "first": str(last + dt.timedelta(days=1)), "last": ""}
        found = [(f"checks of {nights} nights", measure(many, spark)), ("checks of one night", measure(one, spark))]
    finally:
        spark.stop()
        shutil.rmtree(root, ignore_errors=True)
    rows = [row(name, checks, "CPU s", "ETL", etl, SHARE) for name, (etl, checks, _) in found]
    started = sum(jobs for _, (_, _, jobs) in found)
    rows.append({"name": "Spark jobs started by checks", "value": started, "unit": "jobs", "rival": "limit", "rival_value": 0})
    rows[-1] |= {"ratio": None, "reach": 0, "ok": started == 0}
    for one_row in rows:
        print(
            f"{one_row['name']:<32} {one_row['value']:>8} {one_row['unit']:<6} {one_row['rival']} {one_row['rival_value']:>8}"
            f"  ratio {one_row['ratio']}  {'ok' if one_row['ok'] else 'MISSED'}"
        )
    return finish("quality", rows)


if __name__ == "__main__":
    sys.exit(main())
