"""Prometheus and Grafana: rules that fire when they should, and panels whose metrics exist."""

import contextlib
import json
import re
import shutil
import subprocess
import threading
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import yaml

from include.serving.admin import Admin
from include.serving.gateway import Gateway
from include.serving.routes import SurfaceRoute
from include.serving.run_gateway import command
from include.settings import ROOT, Settings
from tests.production.compose_file import compose, services
from tests.serving.conftest import free_settings

CONFIG = ROOT / "config"
TOOL = shutil.which("promtool")
needs_promtool = pytest.mark.skipif(TOOL is None, reason="promtool is missing (Debian: apt-get install prometheus)")
DASHBOARD = json.loads((CONFIG / "grafana/dashboards/nightfill.json").read_text())
RULES = [rule for group in yaml.safe_load((CONFIG / "prometheus/rules.yml").read_text())["groups"] for rule in group["rules"]]
EXPRESSIONS = [target["expr"] for panel in DASHBOARD["panels"] for target in panel["targets"]]


RULE_TESTS = ROOT / "tests/production/rules_test.yml"
PROMTOOL = [("check", "config", "config/prometheus/prometheus.yml"), ("test", "rules", str(RULE_TESTS))]


def metrics(expression: str) -> set[str]:
    """The names of metrics in an expression; what stands in quotes or is a label is none."""
    bare = re.sub(r'"[^"]*"|\bby \([^)]*\)', '""', expression)
    return set(re.findall(r"\b((?:envoy|airflow|nightfill)[\w:]*|up)\b(?=[\s\[{)]|$)", bare))


@needs_promtool
@pytest.mark.parametrize("words", PROMTOOL)
def test_promtool_agrees(words: tuple[str, ...]) -> None:
    done = subprocess.run([str(TOOL), *words], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_alert_is_tested_firing_and_silent() -> None:
    tests = yaml.safe_load(RULE_TESTS.read_text())["tests"]
    cases = [case for test in tests for case in test["alert_rule_test"]]
    for name in (rule["alert"] for rule in RULES if "alert" in rule):
        fired = {bool(case["exp_alerts"]) for case in cases if case["alertname"] == name}
        assert fired == {True, False}, name


def test_every_alert_says_how_bad_it_is_and_what_happened() -> None:
    for rule in RULES:
        if "alert" in rule:
            assert rule["labels"]["severity"] in ("page", "ticket") and rule["annotations"]["summary"], rule["alert"]


def test_everything_that_is_scraped_is_where_the_compose_file_puts_it() -> None:
    jobs = yaml.safe_load((CONFIG / "prometheus/prometheus.yml").read_text())["scrape_configs"]
    targets = {target for job in jobs for told in job["static_configs"] for target in told["targets"]}
    settings = Settings(topology="config/topology/compose.yaml")
    servers = {
        f"{settings.host(name)}:{settings.port(f'{name}.rest')}" for name in ("stable-a", "stable-b", "canary", "shadow")
    }
    assert targets == servers | {f"{settings.host('gateway_admin')}:{settings.port('gateway_admin')}"}
    assert {"serving", "control"} <= set(services()["prometheus"]["networks"])
    path = re.search(r'path: "(.+?)"', (CONFIG / "monitoring.config").read_text())
    assert path and {job["metrics_path"] for job in jobs} == {"/stats/prometheus", path[1]}


def test_airflow_sends_its_measures_to_prometheus() -> None:
    told = services()["scheduler"]["environment"]
    assert told["OTEL_EXPORTER_OTLP_METRICS_ENDPOINT"] == "http://prometheus:9090/api/v1/otlp/v1/metrics"
    assert "--web.enable-otlp-receiver" in services()["prometheus"]["command"]
    for name, service in services().items():
        if service.get("environment", {}).get("AIRFLOW__METRICS__OTEL_ON") and name != "airflow-init":
            assert "metrics" in service["networks"], name


def test_airflow_knows_the_counters_that_are_shown() -> None:
    import airflow

    listed = (Path(airflow.__file__).parent / "_shared/observability/metrics/metrics_template.yaml").read_text()
    known = {f"airflow_{name}_total" for name in re.findall(r'name: "(\w+)"\s+description:[^-]*?type: "counter"', listed)}
    shown = {name for text in (*EXPRESSIONS, *(rule["expr"] for rule in RULES)) for name in metrics(text)}
    assert {name for name in shown if name.startswith("airflow")} <= known


def test_every_recorded_name_that_is_used_is_recorded() -> None:
    recorded = {rule["record"] for rule in RULES if "record" in rule}
    used = {name for text in (*EXPRESSIONS, *(rule["expr"] for rule in RULES)) for name in metrics(text)}
    assert {name for name in used if name.startswith("nightfill")} == recorded


def test_the_dashboard_is_provisioned_and_asks_the_source_that_is_there() -> None:
    provider = yaml.safe_load((CONFIG / "grafana/provisioning/dashboards/nightfill.yml").read_text())["providers"][0]
    source = yaml.safe_load((CONFIG / "grafana/provisioning/datasources/prometheus.yml").read_text())["datasources"][0]
    mounts = [mount.split(":")[1] for mount in services()["grafana"]["volumes"]]
    assert provider["options"]["path"] in mounts
    assert {panel["datasource"]["uid"] for panel in DASHBOARD["panels"]} == {source["uid"]}
    assert source["url"] == "http://prometheus:9090" and "prometheus" in compose()["services"]
    assert [panel["title"] for panel in DASHBOARD["panels"]] == [
        "Requests by arm",
        "Failures by arm, those that a retry hid included",
        "Latency by arm",
        "Airflow task failures",
    ]


class Stable(BaseHTTPRequestHandler):
    """Stands for a model server: alive, and right in every answer."""

    code = 200

    def do_GET(self) -> None:
        self._say(400)

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        self._say(self.code)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""

    def _say(self, code: int) -> None:
        self.send_response(code)
        self.send_header("content-length", "2")
        self.end_headers()
        self.wfile.write(b"{}")


class Canary(Stable):
    """Alive, and wrong in every answer."""

    code = 503


@contextlib.contextmanager
def served(port: int, kind: type[Stable]) -> Iterator[None]:
    server = ThreadingHTTPServer(("127.0.0.1", port), kind)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()


def ask(gateway: Gateway, times: int) -> None:
    for household in range(times):
        headers = {"x-nightfill-household": str(household)}
        request = urllib.request.Request(f"http://{gateway.address}/v1/models/home:predict", b"{}", headers)
        assert urllib.request.urlopen(request, timeout=10).status == 200


@pytest.mark.slow
def test_the_real_gateway_counts_what_rules_and_panels_ask_for(tmp_path: Path) -> None:
    """Half of the households ask a canary that is not there, then one that fails: no shopper sees it, the counters do."""
    settings = free_settings(tmp_path)
    gateway = Gateway(settings)
    gateway.prepare()
    process = subprocess.Popen(command(gateway), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        with served(settings.port("stable-a.rest"), Stable):
            gateway.wait_ready()
            gateway.push({"home": SurfaceRoute(weight=50)})
            ask(gateway, 20)
            with served(settings.port("canary.rest"), Canary):
                ask(gateway, 20)
            text = Admin(settings).get("/stats/prometheus")
    finally:
        process.terminate()
        process.wait()
    there = set(re.findall(r"^(envoy\w+)", text, re.MULTILINE))
    asked = {name for words in (*EXPRESSIONS, *(rule["expr"] for rule in RULES)) for name in metrics(words)}
    assert {name for name in asked if name.startswith("envoy")} <= there
    for name in ("envoy_cluster_upstream_rq_pending_failure_eject", "envoy_cluster_retry_upstream_rq_xx"):
        counted = re.findall(rf'^{name}{{[^}}]*envoy_cluster_name="(\w+)"[^}}]*}} [1-9]', text, re.MULTILINE)
        assert counted == ["canary_rest"], name
