"""One set of code and config files serves both topologies: processes on loopback, and containers."""

import json
import subprocess
from pathlib import Path

import pytest
import yaml

from include.errors import Refused, TryAgain
from include.serving import clusters, routes, run_prepare
from include.serving.admin import Admin
from include.serving.gateway import Gateway
from include.serving.precheck import envoy_path, precheck
from include.serving.replica import Replica
from include.serving.routes import SurfaceRoute
from include.serving.sandbox import running_server
from include.serving.topology import REPLICAS
from include.settings import ROOT, Settings
from tests.production.compose_file import services

FILE = ROOT / "config" / "topology" / "compose.yaml"
SPLIT = {"home": SurfaceRoute(weight=5, salt="release-1"), "search": SurfaceRoute()}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(var=tmp_path, topology=str(FILE))


def changed(tmp_path: Path, **changes: object) -> Settings:
    value = yaml.safe_load(FILE.read_text())
    for key, change in changes.items():
        if isinstance(change, dict):
            value[key] = {name: told for name, told in {**value[key], **change}.items() if told is not None}
        else:
            value[key] = change
    (tmp_path / "t.yaml").write_text(yaml.safe_dump(value))
    return Settings(var=tmp_path, topology=str(tmp_path / "t.yaml"))


def test_without_a_file_everything_is_on_the_loopback() -> None:
    settings = Settings(port_base=19000)
    assert {settings.host(name) for name in (*REPLICAS, "gateway")} == {"127.0.0.1"} == {settings.listen("gateway")}
    assert settings.port("gateway") == 19000


def test_addresses_and_ports_are_those_of_the_compose_file(settings: Settings) -> None:
    for name in (*REPLICAS, "sandbox"):
        service = services()[name]
        assert service["networks"]["serving"]["ipv4_address"] == settings.host(name)
        assert f"--port={settings.port(f'{name}.grpc')}" in service["command"]
        assert f"--rest_api_port={settings.port(f'{name}.rest')}" in service["command"]
    gateway = services()["gateway"]
    assert gateway["networks"]["serving"]["ipv4_address"] == settings.host("gateway")
    assert gateway["networks"]["control"]["ipv4_address"] == settings.host("gateway_admin") == settings.listen("gateway_admin")
    assert gateway["ports"] == [f"127.0.0.1:18500:{settings.port('gateway')}"]
    api = services()["api-server"]
    assert settings.report_address("2017-10-22").startswith(f"{api['environment']['AIRFLOW__API__BASE_URL']}/")
    assert api["ports"] == ["127.0.0.1:18503:8080"] and "8080" in api["command"]


def test_a_job_gets_the_same_topology(settings: Settings) -> None:
    assert Settings.load(settings.environ()).host("canary") == settings.host("canary")


def test_clients_ask_where_the_topology_says(settings: Settings) -> None:
    assert Replica("canary", settings).grpc == "10.213.7.13:8500"
    assert Replica("canary", settings).rest == "http://10.213.7.13:8501"
    assert Gateway(settings).address == "10.213.7.2:8080" and Admin(settings).base == "http://10.213.8.2:9901"


def test_the_gateway_knows_every_replica_by_address_and_asks_no_dns(settings: Settings) -> None:
    for cluster in clusters.clusters(settings)["resources"]:
        assert cluster["type"] == "STATIC"
    text = json.dumps(clusters.clusters(settings))
    assert all(settings.host(name) in text for name in REPLICAS) and "127.0.0.1" not in text


@pytest.mark.slow
@pytest.mark.parametrize("topology", ["", str(FILE)])
def test_the_real_gateway_takes_the_files_of_both_topologies(tmp_path: Path, topology: str) -> None:
    """Routes and clusters written into a static twin, and the bootstrap that watches them: the binary refuses neither."""
    settings = Settings(var=tmp_path, topology=topology)
    assert precheck(settings, routes.routes(SPLIT), clusters.clusters(settings)) == ""
    gateway = Gateway(settings)
    assert gateway.prepare() == ""
    command = [envoy_path(), "--mode", "validate", "--use-dynamic-base-id", "-c", str(gateway.bootstrap_file), "-l", "error"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 0, done.stderr


def test_a_sandbox_that_always_runs_is_taken_by_one_check_at_a_time(tmp_path: Path) -> None:
    settings = changed(tmp_path, hosts={"sandbox": "127.0.0.1"}, ports={"sandbox.rest": 1})
    with pytest.raises(TryAgain, match="did not answer"), running_server(settings, seconds=0.3):
        pass


@pytest.mark.parametrize(
    "changes, said",
    [
        ({"hosts": {"canary": "canary"}}, "IPv4 or IPv6"),
        ({"hosts": {"canary": None}}, "canary"),
        ({"hosts": {"canary-b": "10.0.0.1"}}, "canary-b"),
        ({"ports": {"gateway": 0}}, "gateway"),
        ({"ports": {"gateway": "x"}}, "gateway"),
        ({"listen": {"gateway": "everywhere"}}, "everywhere"),
        ({"sandbox": "sometimes"}, "sandbox"),
        ({"more": 1}, "more"),
    ],
)
def test_a_topology_that_cannot_be_used_is_refused(tmp_path: Path, changes: dict[str, object], said: str) -> None:
    with pytest.raises(Refused, match=said):
        changed(tmp_path, **changes).host("canary")


@pytest.mark.parametrize("text", ["", "[]", "hosts: [", "a: !!python/object/apply:os.system [ls]", "\x00"])
def test_a_file_that_is_no_topology_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "t.yaml").write_text(text)
    with pytest.raises(Refused, match="cannot be used"):
        Settings(topology=str(tmp_path / "t.yaml")).port("gateway")


def test_a_file_that_is_not_there_is_refused() -> None:
    with pytest.raises(Refused, match="cannot be used"):
        Settings(topology="/nowhere.yaml").port("gateway")


def test_the_light_start_reads_no_yaml() -> None:
    code = "import sys, include.settings as s; s.Settings().port('gateway'); assert 'yaml' not in sys.modules"
    subprocess.run([str(ROOT / ".venv/bin/python"), "-c", code], check=True, cwd=ROOT)


def test_the_init_job_makes_what_model_servers_start_with(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in settings.environ().items():
        monkeypatch.setenv(name, value)
    for _ in range(2):  # as at a second start
        run_prepare.main()
    for name in (*REPLICAS, "sandbox"):
        assert (settings.serving / name / "models.config").read_text() == "model_config_list {\n}\n"
    assert (settings.serving / "gateway").is_dir() and (settings.var / "tmp").is_dir()
