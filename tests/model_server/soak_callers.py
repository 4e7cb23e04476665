"""One process of callers for the soak: python soak_callers.py GRPC_PORT REST_PORT REQUESTS; one line of JSON out.

Each answer must be right for the version that it names: y = x * version.
"""

import http.client
import json
import sys
import threading
from typing import Any

import grpc
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

CALLERS = 6


class Tally:
    """Requests still to be made, and what went wrong."""

    def __init__(self, requests: int) -> None:
        self._lock = threading.Lock()
        self._left = requests
        self.failed: list[str] = []
        self.seen: dict[str, int] = {}

    def take(self) -> bool:
        with self._lock:
            self._left -= 1
            return self._left >= 0

    def note(self, version: int, good: bool, what: object = "") -> None:
        with self._lock:
            self.seen[str(version)] = self.seen.get(str(version), 0) + 1
            if not good:
                self.failed.append(str(what)[:300])


def by_grpc(port: int, label: str, tally: Tally) -> None:
    request = predict_pb2.PredictRequest()
    request.model_spec.name, request.model_spec.version_label = "scale", label
    tensor = request.inputs["x"]
    tensor.dtype = 1
    tensor.float_val.extend([3.0, 4.0])
    for size in (1, 2):
        tensor.tensor_shape.dim.add(size=size)
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
        while tally.take():
            try:
                response = stub.Predict(request, timeout=60)
            except grpc.RpcError as error:
                tally.note(0, False, f"{error.code()} {error.details()}")
                continue
            version = response.model_spec.version.value
            good = list(response.outputs["y"].float_val) == [3.0 * version, 4.0 * version]
            tally.note(version, good, response)


def by_rest(port: int, where: str, tally: Tally) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    while tally.take():
        try:
            connection.request("POST", f"/v1/models/scale{where}:predict", b'{"instances": [[3, 4]]}')
            reply = connection.getresponse()
            body: Any = json.loads(reply.read())
            found = body["predictions"][0]
            tally.note(found["version"], found["y"] == [3.0 * found["version"], 4.0 * found["version"]], body)
        except (OSError, http.client.HTTPException, KeyError, ValueError) as error:
            tally.note(0, False, repr(error))
            connection.close()


def main(grpc_port: str, rest_port: str, requests: str) -> None:
    tally = Tally(int(requests))
    threads = [
        threading.Thread(target=by_grpc, args=(int(grpc_port), label, tally)) for label in ("", "stable") * (CALLERS // 2)
    ]
    threads += [threading.Thread(target=by_rest, args=(int(rest_port), where, tally)) for where in ("", "/labels/stable")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(json.dumps({"failed": tally.failed, "seen": tally.seen}))


if __name__ == "__main__":
    main(*sys.argv[1:])
