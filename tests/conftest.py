"""Airflow, where a test imports it, keeps to a home of its own and knows this repository's folders."""

import os
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
os.environ.setdefault("AIRFLOW_HOME", tempfile.mkdtemp(prefix="nightfill-airflow-"))
os.environ.update(
    AIRFLOW__CORE__DAGS_FOLDER=str(ROOT / "dags"),
    AIRFLOW__CORE__PLUGINS_FOLDER=str(ROOT / "plugins"),
    AIRFLOW__CORE__LOAD_EXAMPLES="False",
    GX_ANALYTICS_ENABLED="false",
    TF_CPP_MIN_LOG_LEVEL="2",
)

# PySpark takes a main module without a file, which every worker of pytest-xdist has, for a run of its own doctests and exits.
if not hasattr(sys.modules["__main__"], "__file__"):
    sys.modules["__main__"].__file__ = __file__
