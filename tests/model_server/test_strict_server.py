"""A second server, started with --model_base_path, keys, batching and every strict flag, on TF Serving's example model."""

import datetime as dt
import importlib
import ipaddress
import json
import os
import shutil
import subprocess
import sys
import time

import grpc
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from include.settings import ROOT
from tests import tiny_models
from tests.model_server.conftest import Server
from tests.ports import free_port

pytestmark = pytest.mark.slow


def key_and_certificate() -> tuple[str, str]:
    """PEM texts of a key for 127.0.0.1, and of a certificate that it has signed itself."""
    key, name, now = ec.generate_private_key(ec.SECP256R1()), x509.Name([]), dt.datetime.now(dt.UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now, now + dt.timedelta(1))
    address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    certificate = builder.add_extension(address, critical=True).sign(key, hashes.SHA256())
    private = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return key.private_bytes(*private).decode(), certificate.public_bytes(serialization.Encoding.PEM).decode()


@pytest.fixture(scope="module")
def keys():
    return key_and_certificate()


@pytest.fixture(scope="module")
def strict(tmp_path_factory, keys):
    folder = tmp_path_factory.mktemp("strict")
    (folder / "ssl").write_text(f"server_key: {json.dumps(keys[0])} server_cert: {json.dumps(keys[1])} client_verify: false")
    (folder / "batching").write_text(
        "max_batch_size { value: 4 } batch_timeout_micros { value: 1000 } num_batch_threads { value: 2 }"
    )
    (folder / "monitoring").write_text('prometheus_config { enable: true path: "/numbers" }')
    made = Server(
        None,
        folder / "log",
        f"--model_base_path={tiny_models.cached() / 'half'}",
        "--model_name=half",
        "--enable_batching",
        f"--batching_parameters_file={folder / 'batching'}",
        f"--monitoring_config_file={folder / 'monitoring'}",
        "--enable_signature_method_name_check",
        "--enable_serialization_as_tensor_content",
        "--grpc_channel_arguments=grpc.max_receive_message_length=100000",
        f"--ssl_config_file={folder / 'ssl'}",
        "--no_such_flag=1",
    )
    yield made.wait()
    assert made.stop() == 0


def test_rows_beyond_the_largest_batch_are_refused(strict):
    assert strict.post("/v1/models/half:predict", {"instances": [[1.0], [2.0]]}) == (200, {"predictions": [[2.5], [3.0]]})
    status, body = strict.post("/v1/models/half:predict", {"instances": [[1.0]] * 5})
    assert (status, body["error"]) == (400, "Task size 5 is larger than maximum input batch size 4")
    page = strict.get("/numbers")[1].decode()
    assert ":tensorflow:serving:batching_session:input_batch_size_count{} 1" in page
    assert ":tensorflow:serving:batching_session:wrapped_run_count{} " in page


def test_a_signature_answers_only_the_call_that_it_was_exported_for(strict):
    body = {"examples": [{"x": 1.0}]}
    assert strict.post("/v1/models/half:regress", body | {"signature_name": "flat"}) == (200, {"results": [2.5]})
    for verb, kind, name in (("classify", "classification", "flat"), ("regress", "regression", "both")):
        status, reply = strict.post(f"/v1/models/half:{verb}", body | {"signature_name": name})
        assert status == 400 and f"Expected {kind} signature method_name to be tensorflow/serving/{verb}. Was" in reply["error"]


def test_outputs_are_packed_and_a_message_over_the_limit_is_refused(strict, keys):
    predict_pb2 = importlib.import_module("tensorflow_serving.apis.predict_pb2")
    service = importlib.import_module("tensorflow_serving.apis.prediction_service_pb2_grpc")
    request = predict_pb2.PredictRequest()
    request.model_spec.name = "half"
    tensor = request.inputs["x"]
    tensor.dtype = 1
    tensor.float_val.append(2.0)
    for size in (1, 1):
        tensor.tensor_shape.dim.add(size=size)
    address = f"127.0.0.1:{strict.grpc_port}"
    with grpc.secure_channel(address, grpc.ssl_channel_credentials(keys[1].encode())) as channel:
        stub = service.PredictionServiceStub(channel)
        output = stub.Predict(request, timeout=10).outputs["y"]
        assert output.tensor_content == b"\0\0\x40\x40" and not output.float_val
        tensor.tensor_content = b"\0" * 200_000
        with pytest.raises(grpc.RpcError) as caught:
            stub.Predict(request, timeout=10)
        assert caught.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
        tensor.ClearField("tensor_content")
        assert stub.Predict(request, timeout=10).model_spec.name == "half"


def test_who_speaks_without_keys_is_not_answered(strict):
    service = importlib.import_module("tensorflow_serving.apis.model_service_pb2_grpc")
    status_pb2 = importlib.import_module("tensorflow_serving.apis.get_model_status_pb2")
    with grpc.insecure_channel(f"127.0.0.1:{strict.grpc_port}") as channel, pytest.raises(grpc.RpcError) as caught:
        service.ModelServiceStub(channel).GetModelStatus(status_pb2.GetModelStatusRequest(), timeout=5)
    assert caught.value.code() == grpc.StatusCode.UNAVAILABLE


def test_what_was_ignored_was_printed(strict):
    assert "unknown argument: --no_such_flag=1" in strict.log.read_text()


def test_sigterm_in_the_middle_of_a_load_ends_at_once(tmp_path):
    """Its warm-up would take minutes: the ports are not open yet, and nobody waits for it."""
    shutil.copytree(tiny_models.cached() / "slow" / "1", tmp_path / "slow" / "1")
    (tmp_path / "slow/1/assets.extra").mkdir(exist_ok=True)
    shutil.copy(tiny_models.cached() / "warm/1/assets.extra/tf_serving_warmup_requests", tmp_path / "slow/1/assets.extra/")
    command = [sys.executable, "-m", "include.model_server", f"--port={free_port()}", f"--model_base_path={tmp_path / 'slow'}"]
    command += ["--num_request_iterations_for_warmup=1000"]
    with (tmp_path / "log").open("wb") as out:
        process = subprocess.Popen(command, cwd=ROOT, stdout=out, stderr=out, env=os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"})
    for _ in range(300):
        if "loading default version 1" in (tmp_path / "log").read_text():
            break
        time.sleep(0.1)
    time.sleep(1.5)
    assert process.poll() is None
    started = time.monotonic()
    process.terminate()
    assert process.wait(10) != 0 and time.monotonic() - started < 3
