"""Programs of Airflow that answer no request never load the pages."""

import subprocess
import sys

from include.settings import ROOT

CODE = """
import sys
import nightfill_plugin
assert nightfill_plugin.NightfillPlugin.fastapi_apps[0]["url_prefix"] == "/nightfill"
print(sorted(name for name in sys.modules if name.startswith(("nightfill.web.", "airflow.api_fastapi.core_api"))))
"""


def test_the_plugin_alone_loads_neither_the_pages_nor_the_api_server(tmp_path):
    env = {"PYTHONPATH": f"{ROOT}:{ROOT / 'plugins'}", "AIRFLOW_HOME": str(tmp_path), "PATH": "/usr/bin:/bin"}
    done = subprocess.run([sys.executable, "-c", CODE], env=env, capture_output=True, text=True, check=True)
    assert done.stdout.strip().splitlines()[-1] == "['nightfill.web.lazy']"
