import json

from include.serving.attempts import log_end, parse_attempt, read_attempts, rotate_attempts

LINE = {
    "attempt": "1",
    "cluster": "canary_grpc",
    "code": 200,
    "flags": "-",
    "grpc": 14,
    "household": "h1",
    "ms": 65,
    "path": "/tensorflow.serving.PredictionService/Predict",
    "replica": "canary",
    "request_id": "r1",
    "surface": "home",
    "t": "1795309965.128747",
    "us": 64628,
}


def line(**changes) -> bytes:
    return json.dumps(LINE | changes).encode() + b"\n"


def test_a_grpc_error_is_seen_behind_http_200():
    attempt = parse_attempt(line())
    assert (attempt.arm, attempt.grpc, attempt.ok, attempt.us) == ("canary", 14, False, 64628)
    assert parse_attempt(line(grpc=0)).ok


def test_a_rest_attempt_has_its_surface_from_the_path():
    attempt = parse_attempt(line(path="/v1/models/search:predict", surface=None, grpc=None, cluster="stable_rest"))
    assert (attempt.surface, attempt.arm, attempt.grpc, attempt.ok) == ("search", "stable", None, True)


def test_no_connection_is_a_failed_attempt_without_a_time():
    attempt = parse_attempt(line(code=503, grpc=None, flags="UF,URX", us=None, attempt="2"))
    assert not attempt.ok and attempt.us is None and attempt.attempt == 2


def test_reading_goes_on_where_it_stopped_and_waits_for_a_half_line(tmp_path):
    log = tmp_path / "attempts.jsonl"
    assert read_attempts(log) == ([], 0)
    log.write_bytes(line() + line(request_id="r2")[:20])
    first, offset = read_attempts(log)
    assert [one.request_id for one in first] == ["r1"] and offset == len(line())
    log.write_bytes(line() + line(request_id="r2") + b"garbage\n" + line(request_id="r3"))
    later, end = read_attempts(log, offset)
    assert [one.request_id for one in later] == ["r2", "r3"] and end == log_end(log)


def test_after_a_rotation_reading_begins_anew(tmp_path):
    log = tmp_path / "attempts.jsonl"
    log.write_bytes(line() * 10)
    _, offset = read_attempts(log)
    assert not rotate_attempts(log) and rotate_attempts(log, limit=100)
    log.write_bytes(line(request_id="new"))
    assert [one.request_id for one in read_attempts(log, offset)[0]] == ["new"]
