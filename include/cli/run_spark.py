"""The stack's Spark Connect server: python -m include.cli.run_spark

It writes Spark's settings to var/run/spark/conf and becomes the server, which listens on loopback and asks for a token.
"""

import importlib.util
import os
import shutil
import sys
from pathlib import Path

from include import spark_server
from include.cli.java import find_java, java_home
from include.errors import Refused
from include.features.spark_session import BRIEF, JAVA, QUIET
from include.serving.programs import Program
from include.settings import LOOPBACK, ROOT, Settings

HEAP = "-XX:MinHeapFreeRatio=10 -XX:MaxHeapFreeRatio=30"
"""Asks the heap to shrink when little of it is used."""
CLASS = "org.apache.spark.sql.connect.service.SparkConnectServer"


def programs(settings: Settings) -> list[Program]:
    """The server as a supervised process; none where Spark runs elsewhere."""
    if not spark_server.is_own(settings):
        return []
    environment = {"PYTHONPATH": str(ROOT), **settings.model_copy(update={"var": settings.var.absolute()}).environ()}
    return [Program("spark", (sys.executable, "-m", "include.cli.run_spark"), environment, stop_seconds=10)]


def server_settings(settings: Settings, scratch: Path) -> dict[str, str]:
    """What only the server can be told, and not a session."""
    return {
        "spark.master": spark_server.LOCAL,
        "spark.driver.memory": settings.spark_memory,
        "spark.driver.host": LOOPBACK,
        "spark.driver.bindAddress": LOOPBACK,
        "spark.driver.extraJavaOptions": f"{BRIEF} {HEAP} {JAVA}",
        "spark.connect.grpc.binding.address": LOOPBACK,
        "spark.connect.grpc.binding.port": str(settings.port("spark")),
        "spark.connect.session.manager.defaultSessionTimeout": "10m",
        "spark.local.dir": str(scratch),
        "spark.sql.warehouse.dir": str(scratch / "warehouse"),
        "spark.ui.enabled": "false",
    }


def main() -> None:
    """Become the server.

    Raises:
        Refused: Java or PySpark is missing.
    """
    settings = Settings.load()
    java, found = find_java(), importlib.util.find_spec("pyspark")
    if java is None or found is None or not found.submodule_search_locations:
        raise Refused("Spark's server needs Java 17 or newer and PySpark", "Run make setup")
    home, scratch = Path(found.submodule_search_locations[0]), settings.var.absolute() / "tmp" / "spark"
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    conf = spark_server.config_folder(settings)
    lines = [f"{name} {value}\n" for name, value in server_settings(settings, scratch).items()]
    (conf / "spark-defaults.conf").write_text("".join(lines))
    (conf / "log4j2.properties").write_text(QUIET)
    environment = os.environ | {
        "SPARK_HOME": str(home),
        "SPARK_CONF_DIR": str(conf),
        "SPARK_CONNECT_MODE": "0",
        "PYSPARK_PYTHON": sys.executable,
        "JAVA_HOME": str(java_home(java)),
        spark_server.TOKEN: spark_server.token(settings),
    }
    os.execve(home / "bin" / "spark-submit", ["spark-submit", "--class", CLASS, "spark-internal"], environment)


if __name__ == "__main__":
    main()
