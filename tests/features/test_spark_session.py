"""What a person reads when Spark cannot start."""

import os
import subprocess
import sys

import pytest

from include.settings import ROOT

CODE = """
import sys
from pathlib import Path
from include.errors import Refused
from include.features.spark_session import open_session
try:
    open_session("local[1]", "512m", Path(sys.argv[1]))
except Refused as error:
    print(error)
"""


@pytest.mark.slow
def test_a_machine_without_java_is_told_what_to_install(tmp_path):
    environ = dict(os.environ, JAVA_HOME=str(tmp_path / "no-java"))
    done = subprocess.run(
        [sys.executable, "-c", CODE, str(tmp_path)], cwd=ROOT, env=environ, capture_output=True, text=True, check=False
    )
    assert "Spark did not start" in done.stdout
    assert "Install Java 17 (openjdk-17-jre-headless)" in done.stdout
