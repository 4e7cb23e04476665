"""One Spark session, set up for short jobs over small files: in this process, or in a server that runs already.

Both understand the same DataFrame calls; what needs the JVM beside this process (sparkContext, RDDs) is not used.
"""

import logging
import os
import socket
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from include import spark_server
from include.errors import Refused, TryAgain
from include.settings import Settings

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

NAME = "nightfill-features"
JAVA = "-Xshare:auto -XX:-UsePerfData -Duser.timezone=UTC"
BRIEF = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"
"""The ETL's rows are counted in Python: little runs in the JVM, and the second compiler never pays."""
LONG = "-XX:+UseParallelGC"
SESSION: dict[str, Any] = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.files.maxPartitionBytes": "32m",
    "spark.sql.files.openCostInBytes": "64k",
    "spark.sql.sources.parallelPartitionDiscovery.threshold": "100000",
    "spark.sql.adaptive.enabled": "false",
    "spark.sql.execution.arrow.maxRecordsPerBatch": "100000",
}
PATIENCE = 90.0
"""Seconds that a job waits for a server that is not up yet: it starts with the stack, and again after a failure."""
QUIET = """rootLogger.level = error
rootLogger.appenderRef.stderr.ref = stderr
appender.stderr.type = Console
appender.stderr.name = stderr
appender.stderr.target = SYSTEM_ERR
appender.stderr.layout.type = PatternLayout
appender.stderr.layout.pattern = %d{HH:mm:ss} %p %c{1}: %m%n
"""


LOST = ("SparkConnectException", "SparkConnectGrpcException")
"""What Spark's client raises when the server, and not a job in it, has failed."""


def open_session(master: str, memory: str, work: Path, brief: bool = True, host: str = "127.0.0.1") -> "SparkSession":
    """Start Spark with all of its scratch under `work`, or open a session of the server at sc://host:port.

    Args:
        master: `local[*]`, the URL of a cluster, or that of a Spark Connect server.
        memory: of the driver, which in local mode is all there is, for example 4g; a server has its own.
        brief: start fast, for an ETL; otherwise run fast, for joins.
        host: this machine's address as the cluster's executors reach it.

    Raises:
        Refused: Java is missing or cannot be started, or the server does not know this stack's token.
        TryAgain: the server does not answer.
    """
    if master.startswith(spark_server.CONNECT):
        return _connect(master)
    return _start(master, memory, work, brief, host)


def _start(master: str, memory: str, work: Path, brief: bool, host: str) -> "SparkSession":
    from pyspark.sql import SparkSession

    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)  # a cluster with another place for Python sets it
    work.mkdir(parents=True, exist_ok=True)
    quiet = work / "log4j2.properties"
    quiet.write_text(QUIET)
    logging.getLogger("py4j").setLevel(logging.WARNING)
    java = f"{BRIEF if brief else LONG} {JAVA} -Dlog4j2.configurationFile={quiet.resolve().as_uri()}"
    settings = SESSION | {
        "spark.driver.memory": memory,
        "spark.driver.host": host,
        "spark.driver.bindAddress": host,
        "spark.driver.extraJavaOptions": java,
        "spark.local.dir": str(work / "scratch"),
        "spark.sql.warehouse.dir": str(work / "warehouse"),
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
    }
    try:
        session = SparkSession.builder.master(master).appName(NAME).config(map=settings).getOrCreate()
    except Exception as error:
        raise Refused(
            f"Spark did not start: {str(error)[:200]}", "Install Java 17 (openjdk-17-jre-headless) and run it again"
        ) from error
    session.sparkContext.setLogLevel("ERROR")
    return session


def _connect(master: str) -> "SparkSession":
    from pyspark.sql import SparkSession

    _wait_for(master)
    os.environ.setdefault(spark_server.TOKEN, spark_server.token(Settings.load()))
    try:
        return SparkSession.builder.remote(master).appName(NAME).config(map=SESSION).getOrCreate()
    except Exception as error:
        if "UNAUTHENTICATED" in str(error):
            raise Refused(
                f"Spark's server at {master} is not this stack's", "Set NIGHTFILL_SPARK_MASTER to your own"
            ) from error
        raise _gone(master) from error


def _wait_for(master: str) -> None:
    host, _, port = master.removeprefix(spark_server.CONNECT).split("/")[0].partition(":")
    until = time.monotonic() + PATIENCE
    while True:
        try:
            socket.create_connection((host, int(port or 15002)), timeout=2).close()
            return
        except ValueError:
            raise Refused(f"'{master[:60]}' names no Spark server", "Give sc://host:port") from None
        except OSError as error:
            if time.monotonic() > until:
                raise _gone(master) from error
        time.sleep(0.2)


def _gone(master: str) -> TryAgain:
    return TryAgain(
        f"Spark's server at {master} does not answer",
        "The stack starts it again: see `nightfill status` and `nightfill logs spark`; or set NIGHTFILL_SPARK_MASTER=local[*]",
    )


def explain_failure(error: Exception) -> Exception:
    """A failure inside Spark as one of ours where its cause is known: a full disk, or a lack of memory."""
    text = str(error)
    full = next((sign for sign in ("No space left on device", "File too large", "Disk quota exceeded") if sign in text), None)
    if full:
        return TryAgain(f"Spark could not write its files: {full}", "Free some disk space and run it again")
    if "MemoryError" in text or "GC overhead" in text:
        return Refused("Spark ran out of memory", "Raise NIGHTFILL_SPARK_MEMORY, or build fewer nights at once")
    if "capturingClassReader" in text:
        return TryAgain("Spark could not read a class of its own, as its first job now and then cannot", "Run it again")
    if type(error).__name__ in LOST or "INVALID_HANDLE" in text:
        return _gone("the address of this job")
    return error
