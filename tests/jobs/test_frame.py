import json
import subprocess
import sys
import time
from typing import Any

import pytest

from include.errors import EXIT_REFUSED, EXIT_TRY_AGAIN, Refused, TryAgain
from include.jobs.frame import BUG, DONE, Job, main


class Shelve(Job):
    """A job of this test."""

    fate: str

    def run(self) -> dict[str, Any]:
        if self.fate == "refused":
            raise Refused("The shelf is full", "Buy a bigger one")
        if self.fate == "try again":
            raise TryAgain("The ladder is in use", "Wait for it")
        return {"shelved": 3, "fate": 1 / len(self.fate)}


def run(tmp_path, spec):
    (tmp_path / "spec.json").write_text(spec if isinstance(spec, str) else json.dumps(spec))
    code = main(Shelve, ["--spec", str(tmp_path / "spec.json"), "--report", str(tmp_path / "out" / "report.json")])
    return code, json.loads((tmp_path / "out" / "report.json").read_text())


def test_a_job_that_ends_well_reports_its_result(tmp_path):
    code, report = run(tmp_path, {"store": "s", "fate": "fine"})
    assert code == DONE and report["ok"] and report["result"]["shelved"] == 3
    assert report["started"] < report["ended"] <= time.time()


@pytest.mark.parametrize("fate, code", [("refused", EXIT_REFUSED), ("try again", EXIT_TRY_AGAIN), ("", BUG)])
def test_the_two_families_of_error_and_a_defect_are_told_apart(tmp_path, fate, code):
    got, report = run(tmp_path, {"store": "s", "fate": fate})
    assert got == report["code"] == code and not report["ok"] and report["error"]["todo"]


@pytest.mark.parametrize(
    "spec", ["", "{", "[]", {"store": "s"}, {"store": "s", "fate": 3}, {"store": "s", "fate": "x", "more": 1}]
)
def test_a_wrong_spec_is_refused_and_named(tmp_path, spec):
    code, report = run(tmp_path, spec)
    assert code == EXIT_REFUSED and "Shelve" in report["error"]["what"]


def test_light_rooms_import_nothing_heavy():
    light = ["settings", "recipes", "store.partitions", "rollout.registry", "serving"]
    heavy = {"tensorflow", "pyspark", "pandas", "numpy", "pyarrow", "great_expectations", "airflow"}
    code = "".join(f"import include.{room}\n" for room in light) + "import sys; print(*sys.modules)"
    assert heavy.isdisjoint(subprocess.check_output([sys.executable, "-c", code], text=True).split())
