"""REST as TF Serving speaks it: bodies, error texts, status codes."""

import gzip
import json
import socket
import time

import pytest

pytestmark = pytest.mark.slow

SCALE, SHOP, TYPES = (f"/v1/models/{name}:predict" for name in ("scale", "shop", "types"))
METRICS = "/monitoring/prometheus/metrics"
ROW = {"flag": True, "number": 1, "real": 0.5, "text": "a"}


def error(reply: tuple[int, dict]) -> str:
    status, body = reply
    assert status == 400 and list(body) == ["error"], reply
    return body["error"]


def test_rows_answer_predictions_and_columns_answer_outputs(server):
    both = [{"version": 2, "y": [2.0, 4.0]}, {"version": 2, "y": [6.0, 0.4]}]
    assert server.post(SCALE, {"instances": [[1, 2], [3, 0.2]]}) == (200, {"predictions": both})
    assert server.post(SCALE, {"instances": [{"x": [1, 2]}]}) == (200, {"predictions": both[:1]})
    columns = {"version": [2], "y": [[2.0, 4.0]]}
    assert server.post(SCALE, {"inputs": [[1, 2]]}) == (200, {"outputs": columns})
    assert server.post(SCALE, {"inputs": {"x": [[1, 2]], "extra": 1}}) == (200, {"outputs": columns})


def test_versions_and_labels_choose_who_answers(server):
    for where, version in (("", 2), ("/versions/1", 1), ("/versions/2", 2), ("/labels/stable", 1)):
        _, body = server.post(f"/v1/models/scale{where}:predict", {"instances": [[1, 1]]})
        assert body["predictions"][0]["version"] == version


def test_another_signature_answers_under_its_name(server):
    assert server.post(SCALE, {"signature_name": "sum", "inputs": [[1, 2]]}) == (200, {"outputs": 6.0})
    assert 'Serving signature name: "s" not found in signature def' in error(
        server.post(SCALE, {"signature_name": "s", "inputs": [[1, 2]]})
    )
    assert "has no shape information" in error(server.post(SCALE, {"signature_name": "sum", "instances": [[1, 2]]}))


def test_several_inputs_are_named(server):
    rows = {"instances": [{"household": "a", "history": [1, 2]}, {"household": "b", "history": [3, 0]}]}
    answer = [{"product": "a-p", "score": 0.3}, {"product": "b-p", "score": 0.3}]
    assert server.post(SHOP, rows) == (200, {"predictions": answer})


def test_kinds_keep_their_values(server):
    row = {"flag": False, "number": 9007199254740993, "real": 1e-300, "text": 'é\n"'}
    _, body = server.post(TYPES, {"instances": [row]})
    assert body["predictions"] == [{**row, "raw_bytes": {"b64": "w6kKIg=="}}]
    _, body = server.post(TYPES, {"instances": [{**ROW, "text": {"b64": "/w8="}}]})
    assert body["predictions"][0]["raw_bytes"] == {"b64": "/w8="}


@pytest.mark.parametrize(("token", "value"), [("NaN", "nan"), ("Inf", "inf"), ("-Infinity", "-inf"), ("-Inf", "-inf")])
def test_bare_numbers_that_json_does_not_have(server, token, value):
    body = json.dumps({"instances": [ROW | {"real": 7, "text": "Inf"}]}).replace("7", token).encode()
    status, answer = server.post(TYPES, body)
    assert status == 200 and str(answer["predictions"][0]["real"]) == value and answer["predictions"][0]["text"] == "Inf"


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"number": 1.0}, "Type: Number is not of expected type: int64"),
        ({"number": True}, "Type: True is not of expected type: int64"),
        ({"number": 1 << 63}, "is not of expected type: int64"),
        ({"flag": 1}, "Type: Number is not of expected type: bool"),
        ({"real": None}, "Type: Null is not of expected type: double"),
        ({"real": "1"}, "Type: String is not of expected type: double"),
        ({"text": 1}, "Type: Number is not of expected type: string"),
        ({"text": {"b64": "!"}}, "Unable to base64 decode"),
        ({"odd": 1}, "Failed to process element: 0 key: odd of 'instances' list. Error: INVALID_ARGUMENT: JSON object: "),
    ],
)
def test_a_wrong_value_is_named(server, change, text):
    assert text in error(server.post(TYPES, {"instances": [ROW | change]}))


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b"", "JSON Parse error: The document is empty"),
        (b'{"instances": [', "JSON Parse error: "),
        (b"[1]", "Is not object"),
        (b"{}", "Missing 'inputs' or 'instances' key"),
        (b'{"inputs": 1, "instances": 1}', "expecting only one of 'inputs' or 'instances' keys to exist"),
        (b'{"instances": 1}', "Expecting 'instances' to be an list/array"),
        (b'{"instances": []}', "No values in 'instances' array"),
        (b'{"inputs": [[1, 2], [3]]}', "Encountered list at unexpected size: 1 at level: 1 expected size: 2"),
        (b'{"inputs": [[1, [2]]]}', "Encountered list at unexpected level: 2 expected < 2"),
        (b'{"inputs": [[1, 2], 3]}', "JSON Value: 3 found at incorrect level: 2 in the JSON DOM. Expected at level: 2"),
        (
            b'{"instances": [[1, 2], [3]]}',
            "Error: INVALID_ARGUMENT: Expecting tensor size: 2 but got: 1",
        ),
        (b'{"instances": [[[1, 2]], [[1], [2]]]}', "Expecting shape [1,2] but got: [2,1]"),
        (b'{"instances": [[1, "a"]]}', 'JSON Value: "a" Type: String is not of expected type: float'),
        (b'{"instances": [[1, 2}', "JSON Parse error: Missing a comma or ] after an array element. at offset: 20"),
        (b'{"instances": [[1, 2]], 5}', "JSON Parse error: Missing a name for object member. at offset: 24"),
        (b'{"instances": [[1, 2]] "a": 5}', "JSON Parse error: Missing a comma or } after an object member. at offset: 23"),
        (b'{"instances": nil}', "JSON Parse error: Invalid value. at offset: 14"),
        (b'{"instances" [1]}', "JSON Parse error: Missing a colon after a name of object member. at offset: 13"),
        (b'{"instances": [[1e999, 1]]}', "JSON Parse error: Number too big to be stored in double."),
        (b"  \n", "JSON Parse error: The document is empty. at offset: 3"),
        (b'{"instances": [[1, 2], {"x": [1, 2]}]}', "Expecting value/list but got object at item 1 of input list"),
        (b'{"instances": [{"x": [1, 2]}, [1, 2]]}', "Expecting object but got list at item 1 of input list"),
        (b'{"inputs": {"z": 1}}', "Missing named input: x in 'inputs' object."),
        (b'{"signature_name": 3, "inputs": 1}', "'signature_name' key must be a string value."),
        (b"\xff\xfe", "JSON Parse error: "),
        (b"[" * 200_000, "JSON Parse error: "),
        (b'{"instances": ' + b"[" * 900 + b"]" * 900 + b"}", ""),
        (b'{"instances": [[1, ' + b"9" * 6000 + b"]]}", "JSON Parse error: "),
    ],
)
def test_a_malformed_body_is_refused_with_its_reason(server, body, text):
    assert text in error(server.post(SCALE, body))


def test_a_plain_list_cannot_feed_several_inputs(server):
    assert "instances is a plain list, but expecting list of objects" in error(server.post(SHOP, {"instances": [[1]]}))
    assert "keys must be equal to: history,household" in error(server.post(SHOP, {"instances": [{"household": "a"}]}))
    assert "inputs is a plain value/list" in error(server.post(SHOP, {"inputs": [1]}))


def test_a_wrong_shape_is_what_the_graph_says(server):
    status, body = server.post(SHOP, {"inputs": {"household": ["a"], "history": [1]}})
    assert status == 400 and body["error"]


def test_json_is_read_before_the_model_is_looked_up(server):
    assert "JSON Parse error" in error(server.post("/v1/models/ghost:predict", b"{"))
    status, body = server.post("/v1/models/ghost:predict", {"instances": [1]})
    assert (status, body["error"]) == (404, "Servable not found for request: Latest(ghost)")


def test_text_after_the_object_and_the_content_type_do_not_matter(server):
    status, _ = server.post(SCALE, b'{"instances": [[1, 2]]} and more', Content_Type="text/csv")
    assert status == 200


def test_a_zipped_body_is_unzipped(server):
    body = gzip.compress(b'{"instances": [[1, 2]]}')
    assert server.post(SCALE, body, Content_Encoding="gzip")[0] == 200
    assert "not gzip" in error(server.post(SCALE, b"{}", Content_Encoding="gzip"))


def test_status_lists_versions_from_the_highest(server):
    status, body = server.get("/v1/models/scale")
    entry = {"version": "2", "state": "AVAILABLE", "status": {"error_code": "OK", "error_message": ""}}
    assert status == 200 and body["model_version_status"] == [entry, entry | {"version": "1"}]
    assert server.get("/v1/models/scale/labels/stable") == server.get("/v1/models/scale"), "a label says nothing here"
    assert server.get("/v1/models/scale/versions/1")[1]["model_version_status"] == [entry | {"version": "1"}]
    assert server.get("/v1/models/ghost") == (404, {"error": "Could not find any versions of model ghost"})
    assert server.get("/v1/models/scale/versions/9") == (404, {"error": "Could not find version 9 of model scale"})


def test_metadata_has_its_signatures_nested_twice(server):
    _, body = server.get("/v1/models/scale/versions/1/metadata")
    assert body["model_spec"] == {"name": "scale", "signature_name": "", "version": "1"}
    signatures = body["metadata"]["signature_def"]["signature_def"]
    assert {"serving_default", "sum", "__saved_model_init_op"} == set(signatures)
    x = signatures["serving_default"]["inputs"]["x"]
    assert x["dtype"] == "DT_FLOAT" and x["tensor_shape"]["unknown_rank"] is False
    assert x["tensor_shape"]["dim"][0] == {"size": "-1", "name": ""}


@pytest.mark.parametrize(
    ("method", "path", "status", "text"),
    [
        ("GET", "/v1/models", 400, "Missing model name in request."),
        ("POST", "/v1/foo", 400, "Malformed request: POST /v1/foo"),
        ("DELETE", "/v1/models/scale", 400, "Malformed request: DELETE /v1/models/scale"),
        ("POST", "/v1/models/scale:Predict", 400, "Malformed request"),
        ("POST", "/v1/models/scale/labels/none:predict", 400, "Unrecognized servable version label: none"),
        ("GET", "/v1/models/scale/versions/99999999999999999999", 400, "Failed to convert version: 99999999999999999999"),
        ("POST", "/v1/models:predict", 400, "Malformed request: POST /v1/models:predict"),
        ("GET", "/v1/models/versions/3", 400, "Missing model name in request."),
        ("GET", "/v1/models/scale/metadata/more", 400, "Malformed request"),
    ],
)
def test_paths_and_their_refusals(server, method, path, status, text):
    got, body = server.request(method, path, b'{"instances": [[1, 2]]}' if method == "POST" else None)
    assert got == status and text in body["error"]


def test_outside_of_v1_there_is_nothing(server):
    assert server.get("/")[0] == server.get("/etc/passwd")[0] == 404


def test_paths_may_be_encoded_and_of_any_case_and_carry_a_query(server):
    for path in ("/v1/models/%73cale:predict?a=1", "/V1/Models/scale/LABELS/%73table:predict"):
        assert server.post(path, {"instances": [[1, 2]]})[0] == 200


def test_what_numpy_would_take_for_a_number_is_not_one(server):
    for value in ("true", "null", '"1"', "[1]", "{}", "[]"):
        body = b'{"instances": [[1, 2], [1, %s]]}' % value.encode()
        assert server.post(SCALE, body)[0] == 400, value
    assert server.post(TYPES, {"instances": [ROW | {"number": -(1 << 63)}, ROW]})[0] == 200
    assert server.post(TYPES, {"instances": [ROW | {"number": 1 << 64}, ROW]})[0] == 400
    assert server.post(SCALE, b'{"instances": [[1e39, -1e39]]}')[1]["predictions"][0]["y"] == [float("inf"), float("-inf")]


def test_of_two_equal_keys_the_first_counts(server):
    body = b'{"signature_name": "sum", "inputs": [[1, 2]], "signature_name": "none", "inputs": 7}'
    assert server.post(SCALE, body) == (200, {"outputs": 6.0})


def test_a_graph_that_takes_too_long_is_cancelled(server):
    started = time.monotonic()
    status, body = server.post("/v1/models/slow:predict", {"signature_name": "endless", "instances": [[1, 2]]})
    assert (status, body["error"][:34]) == (504, "Timed out waiting for notification")
    assert 3.5 < time.monotonic() - started < 15
    assert server.post(SCALE, {"instances": [[1, 2]]})[0] == 200


def raw(server, text: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", server.rest_port), 10) as connection:
        connection.sendall(text)
        connection.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: connection.recv(65536), b""))


def test_bodies_may_come_in_chunks_and_requests_one_after_the_other(server):
    head = b"POST /v1/models/scale:predict HTTP/1.1\r\nHost: x\r\n"
    chunked = head + b'Transfer-Encoding: chunked\r\n\r\nb\r\n{"inputs": \r\n8;a=b\r\n[[1, 2]]\r\n1\r\n}\r\n0\r\nA: b\r\n\r\n'
    plain = head + b'Content-Length: 20\r\n\r\n{"inputs": [[1, 2]]}'
    found = raw(server, chunked + plain + plain)
    assert found.count(b"HTTP/1.1 200 OK") == 3 and found.count(b'"outputs"') == 3


@pytest.mark.parametrize(
    "head", [b"Content-Length: -1", b"Content-Length: many", b"Content-Length: 999", b"Transfer-Encoding: chunked"]
)
def test_a_body_that_is_not_what_it_says_is_refused(server, head):
    found = raw(server, b"POST /v1/models/scale:predict HTTP/1.1\r\nHost: x\r\n" + head + b"\r\n\r\nzz\r\n")
    assert found.startswith(b"HTTP/1.1 400 ")
    assert server.post(SCALE, {"instances": [[1, 2]]})[0] == 200


def test_pages_of_other_origins_may_ask_when_the_flag_says_so(server):
    import urllib.request

    for method, path, allowed in (("GET", "/v1/models/scale", "*"), ("OPTIONS", SCALE, "*"), ("GET", METRICS, None)):
        request = urllib.request.Request(f"http://127.0.0.1:{server.rest_port}{path}", method=method)
        with urllib.request.urlopen(request, timeout=10) as reply:
            assert reply.headers["Access-Control-Allow-Origin"] == allowed
            assert reply.headers["Access-Control-Allow-Methods"] == (allowed and "POST, GET")


def test_the_metrics_page_counts_by_status(server):
    server.post(SCALE, {"instances": [[1, 2]]})
    server.post(SCALE, b"{")
    status, page = server.get(METRICS)
    lines = page.decode().splitlines()
    assert status == 200 and "# TYPE :tensorflow:serving:request_count counter" in lines
    for code in ("OK", "INVALID_ARGUMENT"):
        line = next(
            one for one in lines if one.startswith(f':tensorflow:serving:request_count{{model_name="scale",status="{code}"}}')
        )
        assert int(line.split()[-1]) > 0
    buckets = [one for one in lines if one.startswith(":tensorflow:serving:request_latency_bucket") and 'API="predict"' in one]
    assert 'le="+Inf"' in buckets[33] and len(buckets) % 34 == 0


def test_warm_up_comes_before_available_and_a_bad_one_fails_the_load(server):
    _, body = server.get("/v1/models/warm")
    states = {entry["version"]: (entry["state"], entry["status"]["error_message"]) for entry in body["model_version_status"]}
    assert states["1"] == ("AVAILABLE", "")
    assert states["2"][0] == "END" and "gone" in states["2"][1]


def test_a_slow_model_does_not_hold_up_the_status_page(server):
    import threading

    ended = []
    thread = threading.Thread(target=lambda: ended.append(server.post("/v1/models/slow:predict", {"instances": [[1, 2]]})))
    thread.start()
    time.sleep(0.1)
    assert server.get("/v1/models/scale")[0] == 200 and not ended
    thread.join()
    assert ended[0][0] == 200
