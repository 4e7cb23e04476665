"""One Spark session, set up for short jobs over small files."""

import logging
from pathlib import Path
from typing import TYPE_CHECKING

from include.errors import Refused, TryAgain

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

JAVA = "-Xshare:auto -XX:-UsePerfData -Duser.timezone=UTC"
BRIEF = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"
"""A job of half a minute is over before the second compiler pays: without it a night costs half the CPU seconds."""
LONG = "-XX:+UseParallelGC"
QUIET = """rootLogger.level = error
rootLogger.appenderRef.stderr.ref = stderr
appender.stderr.type = Console
appender.stderr.name = stderr
appender.stderr.target = SYSTEM_ERR
appender.stderr.layout.type = PatternLayout
appender.stderr.layout.pattern = %d{HH:mm:ss} %p %c{1}: %m%n
"""


def open_session(master: str, memory: str, work: Path, brief: bool = True, host: str = "127.0.0.1") -> "SparkSession":
    """Start Spark with all of its scratch under `work`.

    Args:
        master: `local[*]`, or the URL of a cluster.
        memory: of the driver, which in local mode is all there is, for example 4g.
        brief: start fast, for a few nights; otherwise run fast, for many.
        host: this machine's address as the cluster's executors reach it.

    Raises:
        Refused: Java is missing or cannot be started.
    """
    from pyspark.sql import SparkSession

    work.mkdir(parents=True, exist_ok=True)
    quiet = work / "log4j2.properties"
    quiet.write_text(QUIET)
    logging.getLogger("py4j").setLevel(logging.WARNING)
    java = f"{BRIEF if brief else LONG} {JAVA} -Dlog4j2.configurationFile={quiet.resolve().as_uri()}"
    settings = {
        "spark.driver.memory": memory,
        "spark.driver.host": host,
        "spark.driver.bindAddress": host,
        "spark.driver.extraJavaOptions": java,
        "spark.local.dir": str(work / "scratch"),
        "spark.sql.warehouse.dir": str(work / "warehouse"),
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.files.maxPartitionBytes": "32m",
        "spark.sql.files.openCostInBytes": "64k",
        "spark.sql.sources.parallelPartitionDiscovery.threshold": "100000",
        "spark.sql.adaptive.enabled": "false",
        "spark.sql.inMemoryColumnarStorage.compressed": "false",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
    }
    builder = SparkSession.builder.master(master).appName("nightfill-features")
    for name, value in settings.items():
        builder = builder.config(name, value)
    try:
        session = builder.getOrCreate()
    except Exception as error:
        raise Refused(
            f"Spark did not start: {str(error)[:200]}", "Install Java 17 (openjdk-17-jre-headless) and run it again"
        ) from error
    session.sparkContext.setLogLevel("ERROR")
    return session


def explain_failure(error: Exception) -> Exception:
    """A failure inside Spark as one of ours where its cause is known: a full disk, or a lack of memory."""
    text = str(error)
    full = next((sign for sign in ("No space left on device", "File too large", "Disk quota exceeded") if sign in text), None)
    if full:
        return TryAgain(f"Spark could not write its files: {full}", "Free some disk space and run it again")
    if "OutOfMemoryError" in text or "GC overhead" in text:
        return Refused("Spark ran out of memory", "Raise NIGHTFILL_SPARK_MEMORY, or build fewer nights at once")
    return error
