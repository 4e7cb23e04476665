"""A server whose config file, directories and RPCs change while it runs."""

import shutil
import subprocess
import sys
import time
from pathlib import Path

import grpc
import pytest

from include.serving.models_config import config_text
from include.settings import ROOT
from tests import tiny_models
from tests.model_server.conftest import Server
from tests.ports import free_port

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("live")
    shutil.copytree(tiny_models.cached() / "scale" / "1", folder / "models/scale/1")
    write(folder, {"scale": [1]})
    return folder


@pytest.fixture(scope="module")
def live(place):
    made = Server(place / "models.config", place / "log", "--model_config_file_poll_wait_seconds=1", "--max_num_load_retries=0")
    yield made.wait()
    started = time.monotonic()
    assert made.stop() == 0 and time.monotonic() - started < 3


def write(folder: Path, versions, labels=None) -> None:
    (folder / "new").write_text(config_text(folder / "models", versions, labels))
    (folder / "new").rename(folder / "models.config")


def states(server: Server, model: str = "scale") -> dict[str, str]:
    status, body = server.get(f"/v1/models/{model}")
    return {entry["version"]: entry["state"] for entry in body["model_version_status"]} if status == 200 else {}


def until(server: Server, **expected: str) -> None:
    wanted = {name[1:]: state for name, state in expected.items()}
    for _ in range(100):
        if states(server) == wanted:
            return
        time.sleep(0.1)
    assert states(server) == wanted


def test_a_half_written_config_changes_nothing(live, place):
    whole = (place / "models.config").read_text()
    for broken in (whole[: len(whole) // 2], "", "model_config_list { config { name: 'scale' } }"):
        (place / "models.config").write_text(broken)
        time.sleep(1.3)
        assert states(live) == {"1": "AVAILABLE"}
    (place / "models.config").unlink()
    time.sleep(1.3)
    assert states(live) == {"1": "AVAILABLE"}
    write(place, {"scale": [1]})


def test_a_corrupt_version_beside_a_good_one_leaves_the_good_one(live, place):
    bad = place / "models/scale/2"
    shutil.copytree(place / "models/scale/1", bad)
    data = bad / "variables" / "variables.data-00000-of-00001"
    data.write_bytes(b"\0" * 3)
    write(place, {"scale": [2]})
    until(live, v1="AVAILABLE", v2="END")
    assert live.post("/v1/models/scale:predict", {"instances": [[1, 2]]})[1]["predictions"][0]["version"] == 1
    shutil.rmtree(bad)
    write(place, {"scale": [1]})
    time.sleep(1.3)


def test_an_unknown_operation_fails_the_load_and_nothing_else(live, place):
    bad = place / "models/scale/3"
    shutil.copytree(place / "models/scale/1", bad)
    graph = (bad / "saved_model.pb").read_bytes()
    (bad / "saved_model.pb").write_bytes(graph.replace(b"\x03Mul", b"\x03Xul"))
    write(place, {"scale": [1, 3]})
    for _ in range(100):
        if states(live).get("3") == "END":
            break
        time.sleep(0.1)
    assert states(live)["3"] == "END" and states(live)["1"] == "AVAILABLE"
    _, body = live.get("/v1/models/scale/versions/3")
    assert "Xul" in body["model_version_status"][0]["status"]["error_message"]
    shutil.rmtree(bad)
    write(place, {"scale": [1]})


def spoil(place: Path, number: int, server: Server) -> dict:
    """Ask for a spoiled version beside the good one; what its status says when it has ended."""
    write(place, {"scale": [1, number]})
    for _ in range(100):
        status, body = server.get(f"/v1/models/scale/versions/{number}")
        if status == 200 and body["model_version_status"][0]["state"] == "END":
            break
        time.sleep(0.1)
    assert states(server)["1"] == "AVAILABLE"
    write(place, {"scale": [1]})
    return body["model_version_status"][0]["status"]


def test_what_cannot_be_loaded_says_why_in_the_words_of_tensorflow(live, place):
    first = place / "models/scale/1"
    shutil.copytree(first, place / "models/scale/31")
    graph = (first / "saved_model.pb").read_bytes()
    (place / "models/scale/31/saved_model.pb").write_bytes(graph.replace(b"\x05serve", b"\x05other"))
    said = spoil(place, 31, live)
    assert (
        said["error_code"] == "NOT_FOUND"
        and "Could not find meta graph def matching supplied tags: { serve }" in said["error_message"]
    )
    (place / "models/scale/32").mkdir()
    said = spoil(place, 32, live)
    assert said["error_code"] == "NOT_FOUND" and "Could not find SavedModel .pb or .pbtxt at supplied" in said["error_message"]
    shutil.copytree(first, place / "models/scale/33")
    (place / "models/scale/33/saved_model.pb").write_bytes(graph[: len(graph) // 2])
    assert spoil(place, 33, live)["error_code"] == "DATA_LOSS"


def test_links_out_of_the_base_are_followed_and_hurt_nobody(live, place):
    """As in the real server: who may write into the base path decides what is served."""
    base = place / "models/scale"
    (base / "40").symlink_to("/etc")
    assert "Could not find SavedModel" in spoil(place, 40, live)["error_message"]
    (base / "41").symlink_to(base / "41")
    (base / "42").symlink_to(tiny_models.cached() / "scale" / "2")
    write(place, {"scale": [1, 41, 42]})
    for _ in range(100):
        if states(live).get("42") == "AVAILABLE":
            break
        time.sleep(0.1)
    assert "41" not in states(live) and states(live)["42"] == "AVAILABLE"
    (base / "42").unlink()
    write(place, {"scale": [1]})
    time.sleep(1.3)


def test_labels_move_in_two_steps(live, place):
    shutil.copytree(tiny_models.cached() / "scale" / "2", place / "models/scale/5")
    write(place, {"scale": [1, 5]}, {"scale": {"stable": 5}})
    time.sleep(1.3)
    assert "5" not in states(live)
    write(place, {"scale": [1, 5]}, {"scale": {"stable": 1}})
    for _ in range(100):
        if states(live).get("5") == "AVAILABLE":
            break
        time.sleep(0.1)
    write(place, {"scale": [1, 5]}, {"scale": {"stable": 5}})
    time.sleep(1.3)
    _, body = live.post("/v1/models/scale/labels/stable:predict", {"instances": [[1, 2]]})
    assert body["predictions"][0]["version"] == 2


def test_a_version_directory_that_vanishes_is_unloaded(live, place):
    shutil.rmtree(place / "models/scale/5")
    for _ in range(50):
        if states(live).get("5") == "END":
            break
        time.sleep(0.1)
    assert states(live)["5"] == "END" and states(live)["1"] == "AVAILABLE"
    write(place, {"scale": [1]})
    time.sleep(1.3)


def test_a_reload_by_rpc_is_taken_refused_and_overridden_by_the_file(live, place):
    from tensorflow_serving.apis import model_management_pb2, model_service_pb2_grpc

    request = model_management_pb2.ReloadConfigRequest(metric_names=["/tensorflow/serving/request_count"])
    models = request.config.model_config_list.config
    models.add(name="scale", base_path=str(place / "models/scale"), model_platform="tensorflow")
    with grpc.insecure_channel(f"127.0.0.1:{live.grpc_port}") as channel:
        stub = model_service_pb2_grpc.ModelServiceStub(channel)
        response = stub.HandleReloadConfigRequest(request, timeout=10)
        assert response.status.error_code == 0 and response.metric[0].name == "/tensorflow/serving/request_count"
        models[0].version_labels["next"] = 9
        with pytest.raises(grpc.RpcError) as caught:
            stub.HandleReloadConfigRequest(request, timeout=10)
    assert caught.value.code() == grpc.StatusCode.FAILED_PRECONDITION
    assert "Request to assign label to version 9 of model scale" in caught.value.details()
    assert states(live)["1"] == "AVAILABLE"


def test_only_corrupt_versions_refuse_the_start(tmp_path):
    (tmp_path / "models/scale/1").mkdir(parents=True)
    (tmp_path / "models/scale/1/saved_model.pb").write_bytes(b"nonsense")
    write(tmp_path, {"scale": [1]})
    command = [sys.executable, "-m", "include.model_server", f"--port={free_port()}", "--max_num_load_retries=0"]
    command += [f"--model_config_file={tmp_path / 'models.config'}"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 255
    assert (
        "Failed to start server. Error: UNKNOWN: 1 servable(s) did not become available: {{{name: scale version: 1}"
        in done.stdout
    )
