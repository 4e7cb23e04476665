"""One process of callers, closed-loop or paced: python benchmarks/serving_load.py SPEC.json, one line of JSON out.

A paced call's latency counts from when it was due, so that a stall is everybody's who waited for it.
"""

import contextlib
import http.client
import json
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

METHOD, PATH = "/tensorflow.serving.PredictionService/Predict", "/v1/models/bench:predict"


@contextlib.contextmanager
def grpc_caller(spec: dict) -> Iterator[Callable[[], bool]]:
    import grpc

    body = Path(spec["payload"]).read_bytes()
    with grpc.insecure_channel(f"127.0.0.1:{spec['port']}", [("grpc.max_receive_message_length", -1)]) as channel:
        call = channel.unary_unary(METHOD)

        def ask() -> bool:
            try:
                return call(body, timeout=60) is not None
            except grpc.RpcError:
                return False

        yield ask


@contextlib.contextmanager
def rest_caller(spec: dict) -> Iterator[Callable[[], bool]]:
    body, local = Path(spec["payload"]).read_bytes(), threading.local()

    def ask() -> bool:
        if not hasattr(local, "connection"):
            local.connection = http.client.HTTPConnection("127.0.0.1", spec["port"], timeout=60)
        local.connection.request("POST", PATH, body)
        reply = local.connection.getresponse()
        return bool(reply.read()) and reply.status == 200

    yield ask


def drive(ask: Callable[[], bool], callers: int, seconds: float, rate: float) -> dict:
    """Requests, seconds, failures and all latencies in ms of callers in threads; rate 0 asks as fast as it goes."""
    latencies: list[float] = []
    failed = [0] * callers
    start = time.perf_counter() + 0.05

    def one(number: int) -> None:
        own, turn = [], 0
        time.sleep(max(0.0, start - time.perf_counter()))
        while True:
            due = start + (turn * callers + number) / rate if rate else time.perf_counter()
            if due > start + seconds:
                break
            time.sleep(max(0.0, due - time.perf_counter()))
            failed[number] += not ask()
            own.append((time.perf_counter() - due) * 1e3)
            turn += 1
        latencies.extend(own)

    threads = [threading.Thread(target=one, args=(number,)) for number in range(callers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return {"seconds": time.perf_counter() - start, "failed": sum(failed), "latencies": sorted(latencies)}


def main(path: str) -> None:
    spec = json.loads(Path(path).read_text())
    with (grpc_caller if spec["kind"] == "grpc" else rest_caller)(spec) as ask:
        for _ in range(2):
            ask()
        print(json.dumps(drive(ask, spec["callers"], spec["seconds"], spec["rate"])))


if __name__ == "__main__":
    main(sys.argv[1])
