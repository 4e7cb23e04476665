"""What docker-compose.yaml promises, read from the file itself. No container engine is needed."""

import ipaddress
import json
import re
from pathlib import Path

import pytest
import yaml
from compose_spec import PyCompose

from include.cli import env_file
from include.settings import ROOT, Settings
from tests.production import compose_file
from tests.production.compose_file import compose, services

DATA = {"postgres", "redis", "s3", "spark-master", "spark-worker"}
AIRFLOW = {"api-server", "scheduler", "dag-processor", "triggerer", "worker", "gpu-worker"}
SERVING = {"stable-a", "stable-b", "canary", "shadow", "gateway", "prometheus", "grafana"}
INIT = {"airflow-init", "make-bucket", "database-role"}


def networks(service: dict) -> set[str]:  # type: ignore[type-arg]
    return set(service.get("networks", ()))


def addresses(chosen: list[dict]) -> list[str]:  # type: ignore[type-arg]
    named = [service["networks"] for service in chosen if isinstance(service.get("networks"), dict)]
    return [told["ipv4_address"] for one in named for told in one.values() if told]


def test_the_file_keeps_to_the_compose_specification() -> None:
    parsed = PyCompose.from_json(json.dumps(compose()))
    assert set(parsed.service_names()) == set(services())


def test_a_file_that_does_not_keep_to_it_would_be_seen() -> None:
    broken = {**compose(), "services": {"x": {"image": "a:1", "restrat": "always"}}}
    with pytest.raises(ValueError):
        PyCompose.from_json(json.dumps(broken))


def test_everything_that_the_night_needs_is_there() -> None:
    assert set(services()) >= DATA | AIRFLOW | SERVING | INIT


def test_every_variable_is_written_by_make_env_or_has_a_harmless_default() -> None:
    used = compose_file.variables(compose_file.PATH.read_text())
    required = {name for name, operator, _ in used if operator == ":?"}
    assert required <= env_file.names()
    optional = {name: rest for name, operator, rest in used if operator != ":?"}
    assert set(optional.values()) == {""} and {"NIGHTFILL_SOURCE", "NIGHTFILL_WEBHOOK"} <= set(optional)
    assert {name.removeprefix("NIGHTFILL_").lower() for name in optional} <= set(Settings.model_fields)
    assert env_file.names() - required == {"COMPOSE_PROFILES"}  # read by Compose itself


def test_without_an_env_file_compose_says_what_to_do() -> None:
    used = compose_file.variables(compose_file.PATH.read_text())
    assert {rest for _, operator, rest in used if operator == ":?"} == {"run make env"}
    with pytest.raises(KeyError, match="run make env"):
        compose_file.filled(compose_file.raw(), {})


def test_no_secret_stands_in_the_file() -> None:
    secret = re.compile(r"(PASSWORD|SECRET|_KEY|FERNET|BROKER_URL|RESULT_BACKEND|SQL_ALCHEMY_CONN)")
    for name, service in compose_file.raw()["services"].items():
        for key, value in service.get("environment", {}).items():
            if secret.search(key):
                assert "${" in value and ":?run make env}" in value, f"{name}: {key}"
    secrets = {value for key, value in compose_file.environment().items() if key not in env_file.CPU}
    assert not [value for value in secrets if value in compose_file.PATH.read_text()]


def test_no_secret_is_on_a_command_line() -> None:
    secrets = {value for key, value in compose_file.environment().items() if key not in env_file.CPU}
    for name, service in services().items():
        words = json.dumps([service.get("command"), service.get("entrypoint"), service.get("healthcheck")])
        assert not [value for value in secrets if value in words], name


def test_every_image_is_pinned_by_version() -> None:
    for name, service in services().items():
        image, _, tag = service["image"].rpartition(":")
        assert image and re.fullmatch(r"v?\d+(\.\d+)+(-[a-z]+)?", tag), f"{name}: {service['image']}"


def test_our_images_carry_the_version_of_the_project() -> None:
    version = re.search(r'^version = "(.+)"', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    assert version
    ours = {service["image"] for service in services().values() if service["image"].startswith("nightfill/")}
    assert {image.split(":")[1].split("-")[0] for image in ours} == {version[1]}


def test_tf_serving_is_of_the_version_that_exports() -> None:
    pinned = re.search(r"^tensorflow==(.+)$", (ROOT / "requirements.txt").read_text(), re.MULTILINE)
    assert pinned
    images = {service["image"] for service in services().values() if "tensorflow/serving" in service["image"]}
    assert images == {f"tensorflow/serving:{pinned[1]}", f"tensorflow/serving:{pinned[1]}-gpu"}


def test_nothing_runs_as_root_or_may_become_it() -> None:
    for name, service in services().items():
        user, _, group = service["user"].partition(":")
        assert int(user) > 0 and int(group) > 0, name
        assert service["cap_drop"] == ["ALL"] and "cap_add" not in service and not service.get("privileged"), name
        assert service["security_opt"] == ["no-new-privileges:true"], name


def test_what_can_do_without_writing_has_a_file_system_that_is_read_only() -> None:
    writable = {name for name, service in services().items() if not service.get("read_only")}
    assert writable == {"worker", "gpu-worker", "spark-master", "spark-worker"}


def test_every_service_has_a_health_check_a_limit_and_a_restart_policy() -> None:
    for name, service in services().items():
        limits = service["deploy"]["resources"]["limits"]
        assert float(limits["cpus"]) > 0 and limits["memory"] and service["pids_limit"], name
        assert service["logging"]["options"]["max-size"], name
        if name in compose_file.once():
            assert service["healthcheck"] == {"disable": True}, name
        else:
            assert service["restart"] == "unless-stopped" and service["healthcheck"]["test"], name
            assert {"interval", "timeout", "retries", "start_period"} <= set(service["healthcheck"]), name


def test_only_the_loopback_is_published_and_no_port_twice() -> None:
    published = [port for service in services().values() for port in service.get("ports", [])]
    assert all(re.fullmatch(r"127\.0\.0\.1:\d+:\d+", port) for port in published)
    assert len({port.split(":")[1] for port in published}) == len(published)
    for name, service in services().items():
        assert "edge" in networks(service) or not service.get("ports"), f"{name}: an internal network publishes nothing"


def test_every_network_but_the_published_one_is_internal() -> None:
    assert {name for name, network in compose()["networks"].items() if not (network or {}).get("internal")} == {"edge"}


def test_the_admin_page_of_the_gateway_is_reached_by_those_who_need_it_only() -> None:
    there = {name for name, service in services().items() if "control" in networks(service)}
    assert there <= {"gateway", "worker", "prometheus", "api-server"}


def test_every_file_that_is_mounted_is_in_the_repository_and_read_only() -> None:
    volumes = set(compose()["volumes"])
    for name, service in services().items():
        for mount in service.get("volumes", []):
            source, _, *mode = mount.split(":")
            if source.startswith("."):
                assert (ROOT / source).exists() and mode == ["ro"], f"{name}: {mount}"
            else:
                assert source in volumes, f"{name}: {mount}"


def test_every_volume_and_network_that_is_declared_is_used() -> None:
    mounted = {mount.split(":")[0] for service in services().values() for mount in service.get("volumes", [])}
    assert set(compose()["volumes"]) <= mounted
    assert set(compose()["networks"]) == {name for service in services().values() for name in networks(service)}


def test_every_dependency_is_a_service_that_is_there_in_every_profile() -> None:
    for name, service in services().items():
        for other, how in service.get("depends_on", {}).items():
            assert not services()[other].get("profiles"), f"{name} waits for {other}, which a profile leaves out"
            wanted = "service_completed_successfully" if other in compose_file.once() else "service_healthy"
            assert how["condition"] == wanted, f"{name} -> {other}"


def test_every_host_that_is_named_is_a_service_on_a_common_network() -> None:
    for name, service in services().items():
        for key, value in service.get("environment", {}).items():
            for host in re.findall(r"(?:@|//)([a-z][a-z0-9-]*):\d+(?=/|$)", str(value)):
                assert host in services(), f"{name}: {key} names {host}"
                if "gateway" not in name and key.startswith("AIRFLOW__") and "airflow" in networks(service):
                    assert networks(service) & networks(services()[host]), f"{name} cannot reach {host}"


def test_a_model_server_writes_nothing_that_serves() -> None:
    for name in ("stable-a", "stable-b", "canary", "shadow", "sandbox"):
        assert all(mount.endswith(":ro") for mount in services()[name]["volumes"]), name
        assert networks(services()[name]) == {"serving"}, f"{name}: a candidate's code reaches no other network"


def test_profiles_choose_one_kind_of_model_server_each_with_its_own_address() -> None:
    for profile in (env_file.CPU, env_file.GPU):
        chosen = set(profile["COMPOSE_PROFILES"].split(","))
        up = [s for s in services().values() if not s.get("profiles") or chosen & set(s["profiles"])]
        taken = addresses(up)
        assert len(set(taken)) == len(taken)
        assert sum("tensorflow/serving" in s["image"] for s in up) == 5


def test_every_fixed_address_is_in_its_network() -> None:
    for name, service in services().items():
        named = service.get("networks", {})
        for network, told in named.items() if isinstance(named, dict) else ():
            if told:
                subnet = compose()["networks"][network]["ipam"]["config"][0]["subnet"]
                assert ipaddress.ip_address(told["ipv4_address"]) in ipaddress.ip_network(subnet), name


def test_the_env_file_stays_out_of_version_control_and_of_images() -> None:
    assert ".env" in (ROOT / ".gitignore").read_text().splitlines()
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    assert ignored[1] == "*" and "!.env" not in ignored and "**/.env" in ignored


def test_the_settings_are_read_as_ours() -> None:
    told = services()["worker"]["environment"]
    settings = Settings.load({key: str(value) for key, value in told.items()})
    assert settings.places and settings.store_uri == "s3://nightfill/store" and settings.var == Path("/var/lib/nightfill")
    known = {f"NIGHTFILL_{name.upper()}" for name in Settings.model_fields}
    assert {key for key in told if key.startswith("NIGHTFILL_")} <= known


def test_yaml_has_no_key_twice() -> None:
    class Strict(yaml.SafeLoader):
        def construct_mapping(self, node, deep=False):  # type: ignore[no-untyped-def]
            keys = [key.value for key, _ in node.value if key.tag != "tag:yaml.org,2002:merge"]
            assert len(set(keys)) == len(keys), f"twice: {sorted(keys)} at line {node.start_mark.line}"
            return super().construct_mapping(node, deep)

    Strict.add_constructor("tag:yaml.org,2002:map", lambda loader, node: loader.construct_mapping(node))
    yaml.load(compose_file.PATH.read_text(), Loader=Strict)
