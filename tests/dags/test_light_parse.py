"""Parsing the DAG of the checks imports none of what the checks themselves need: Great Expectations takes 9 to 12 seconds."""

import os
import subprocess
import sys

from include.settings import ROOT

HEAVY = {"great_expectations", "pyspark", "tensorflow"}


def test_the_dag_of_the_checks_is_read_without_great_expectations():
    code = "import runpy, sys; runpy.run_path('dags/build_features.py'); print(*{name.split('.')[0] for name in sys.modules})"
    environ = os.environ | {"PYTHONPATH": f"{ROOT}:{ROOT / 'plugins'}"}
    found = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environ, capture_output=True, text=True, check=True)
    loaded = set(found.stdout.split())
    assert "nightfill" in loaded and not loaded & HEAVY
