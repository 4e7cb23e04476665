"""Real SavedModels, and the real sandbox server: what a candidate may be, and what is refused."""

import subprocess
import sys

import pytest

from include.errors import Refused
from include.jobs.check_bundle import CheckBundle
from include.rollout import contract, graph_scan, registry
from include.serving.replica import Replica
from include.serving.sandbox import answers
from include.settings import ROOT, Settings
from include.store.objects import FolderStore
from tests.ports import free_base
from tests.rollout.toy_bundles import NAME

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def bundles(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bundles")
    subprocess.run([sys.executable, "-m", "tests.rollout.toy_bundles", str(folder)], check=True, cwd=ROOT, capture_output=True)
    return folder


def test_a_plain_ranker_does_nothing_it_should_not(bundles):
    assert graph_scan.faults(bundles / "good" / "saved_model.pb") == []
    assert contract.signature_faults(bundles / "good" / "saved_model.pb") == []


@pytest.mark.parametrize(("kind", "op"), [("reads_file", "ReadFile"), ("runs_python", "EagerPyFunc")])
def test_a_graph_that_reads_files_or_runs_python_is_named(bundles, kind, op):
    assert f"{op} is not on the list of allowed operations" in graph_scan.faults(bundles / kind / "saved_model.pb")


def test_a_signature_that_leads_to_the_savers_operations_is_named(bundles):
    model = graph_scan.read(bundles / "good" / "saved_model.pb")
    functions = {one.signature.name: one for one in model.meta_graphs[0].graph_def.library.function}
    inner = next(one for name, one in functions.items() if "serve" in name)
    inner.node_def.add(name="evil", op="SaveV2")
    path = bundles / "evil.pb"
    path.write_bytes(model.SerializeToString())
    assert any("leads to SaveV2" in fault for fault in graph_scan.faults(path))


def test_a_signature_that_differs_from_the_contract_is_named(bundles):
    found = contract.signature_faults(bundles / "wrong_type" / "saved_model.pb")
    assert found == ["input household_features has type 2, not float32"]
    assert contract.signature_faults(bundles / "missing_output" / "saved_model.pb") == ["output score is missing"]


@pytest.mark.parametrize("data", [b"", b"no model", None])
def test_a_file_that_is_no_saved_model_is_refused(tmp_path, data):
    path = tmp_path / "saved_model.pb"
    if data is not None:
        path.write_bytes(data)
    with pytest.raises(Refused):
        graph_scan.faults(path)


@pytest.fixture
def check(bundles, tmp_path, monkeypatch):
    monkeypatch.setenv("NIGHTFILL_VAR", str(tmp_path / "var"))
    monkeypatch.setenv("NIGHTFILL_PORT_BASE", str(free_base()))

    def run(kind: str) -> dict:
        store = FolderStore(tmp_path / "store")
        version = registry.register(store, "home", bundles / kind, NAME, {}, {})
        return CheckBundle(store=str(tmp_path / "store"), surface="home", version=version, p99_ms=5000).run()["verdict"]

    yield run
    assert not answers(Replica("sandbox", Settings.load())), "the sandbox server was left running"


def test_a_good_bundle_passes_the_sandbox(check):
    verdict = check("good")
    assert verdict["kind"] == "ADVANCE", verdict["reason"]
    assert verdict["figures"]["golden"] == 1 and verdict["figures"]["p99_ms"] > 0


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("reads_file", "ReadFile is not on the list"),
        ("wrong_type", "household_features has type"),
        ("constant", "all scores of an answer are equal"),
        ("other_golden", "differs from the golden scores"),
    ],
)
def test_a_bad_bundle_is_refused_with_its_reason(check, kind, words):
    verdict = check(kind)
    assert verdict["kind"] == "REFUSE" and words in verdict["reason"]
