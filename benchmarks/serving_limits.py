"""What the model server is held against, each in a process of its own.

python benchmarks/serving_limits.py empty PORT                a gRPC server whose Predict does nothing
python benchmarks/serving_limits.py bare SPEC.json            the session's own callable, no server around it
python benchmarks/serving_limits.py big FOLDER                a SavedModel with one table of 200 MB
python benchmarks/serving_limits.py home FOLDER               a home bundle of a made-up shop as large as the panel
python benchmarks/serving_limits.py requests MODEL ROWS FOLDER     a request of ROWS rows for gRPC and for REST
"""

import json
import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")

PRODUCTS, WIDTHS, SLOTS = 68_509, {"history": 18, "product": 15, "household": 8}, 384
"""Of the panel: products that were bought, features of a pair, of a product and of a household, and the longest history."""


def empty(port: str) -> None:
    """The same gRPC server as the model server's, as many threads, the protocol's own messages, and nothing in the handler."""
    from concurrent import futures

    import grpc
    from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

    class Nothing(prediction_service_pb2_grpc.PredictionServiceServicer):
        def Predict(self, request, context):
            return predict_pb2.PredictResponse()

    threads = futures.ThreadPoolExecutor((os.cpu_count() or 1) + 1)
    server = grpc.server(threads, options=[("grpc.max_receive_message_length", -1)])
    prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(Nothing(), server)
    server.add_insecure_port(f"127.0.0.1:{port}")
    server.start()
    server.wait_for_termination()


def bare(path: str) -> None:
    """Latencies of a session callable on ready arrays, in `callers` threads, as fast as it goes or paced."""
    import tensorflow as tf
    from tensorflow.core.protobuf import config_pb2

    from benchmarks.serving_load import drive

    spec = json.loads(Path(path).read_text())
    graph = tf.Graph()
    one = tf.compat.v1.ConfigProto(intra_op_parallelism_threads=1, inter_op_parallelism_threads=1)
    with tf.compat.v1.Session(graph=graph, config=one) as session, graph.as_default():
        meta = tf.compat.v1.saved_model.loader.load(session, ["serve"], spec["model"])
        definition = meta.signature_def["serving_default"]
        arrays = {alias: tf.make_ndarray(proto) for alias, proto in _request(Path(spec["payload"])).inputs.items()}
        options = config_pb2.CallableOptions(
            feed=[definition.inputs[alias].name for alias in arrays], fetch=[one.name for one in definition.outputs.values()]
        )
        options.run_options.inter_op_thread_pool = -1  # each caller in its own thread, on as many cores as there are callers
        call, values = session._make_callable_from_options(options), list(arrays.values())
        for _ in range(5):
            call(*values)
        print(json.dumps(drive(lambda: bool(call(*values)), spec["callers"], spec["seconds"], spec["rate"])))


def big(folder: str) -> None:
    import tensorflow as tf

    class Table(tf.Module):
        def __init__(self) -> None:
            super().__init__()
            self.rows = tf.Variable(tf.random.normal([500_000, 100]))

        @tf.function(input_signature=[tf.TensorSpec([None], tf.int32, "row")])
        def serve(self, row):
            return {"values": tf.gather(self.rows, row)}

    table = Table()
    tf.saved_model.save(table, str(Path(folder) / "1"), signatures={"serving_default": table.serve})


def home(folder: str) -> None:
    """Train the pair ranker for one epoch on the toy shop, stretched to the panel's sizes, and export it."""
    import numpy as np

    from include.models.build import serve
    from include.models.export import write_bundle
    from include.models.model import Model
    from include.training.assemble import assemble
    from include.training.fit import fit
    from include.training.windows import windows
    from include.training.workspace import Workspace
    from tests import toy_shop
    from tests.stretched_shop import StretchedHistory

    sizes = {"epochs": 1, "batch": 128, "embedding": 16, "hidden": (64, 32), "history_slots": SLOTS, "hot_products": 512}
    recipe = toy_shop.RECIPE.model_copy(update=sizes)
    work = Workspace(Path(folder) / "work")
    cut = windows(toy_shop.NIGHT, toy_shop.FIRST, recipe.train_weeks, recipe.gate_weeks)
    counts = assemble(StretchedHistory(WIDTHS, households=300, products=PRODUCTS), recipe, cut, toy_shop.FIRST, work)
    work.write_json("assembled.json", {"windows": cut.model_dump(mode="json"), "inputs": {}, "spec": "made up", **counts})
    made = fit(recipe, [work.parts(night) for night in cut.train], [work.products(night) for night in cut.train])
    model = Model(recipe, made.vocabulary, made.arrays, WIDTHS, "made up")
    rng = np.random.default_rng(0)
    counted = lambda *shape: np.log1p(rng.poisson(0.8, shape)).astype(np.float32)
    questions = {
        "history_product": np.stack([rng.permutation(PRODUCTS)[:SLOTS] for _ in range(8)]).astype(np.int32),
        "history_features": counted(8, SLOTS, WIDTHS["history"]),
        "household_features": counted(8, WIDTHS["household"]),
        "exclude_bought": np.zeros(8, bool),
    }
    served = serve(model, work.products(toy_shop.NIGHT))
    write_bundle(model, served, str(toy_shop.NIGHT), questions, Path(folder) / "home" / "1")


def requests(model: str, rows: str, folder: str) -> None:
    """predict.pb and predict.json: the largest request of the bundle's warm-up file, or ones, repeated to so many rows."""
    import numpy as np
    import tensorflow as tf
    from tensorflow_serving.apis import predict_pb2, prediction_log_pb2

    from include.model_server.json_write import shortest

    arrays: dict[str, np.ndarray] = {"x": np.ones((1, 2), np.float32)}
    file = Path(model) / "assets.extra" / "tf_serving_warmup_requests"
    if file.exists():
        logs = [prediction_log_pb2.PredictionLog.FromString(one) for one in tf.compat.v1.io.tf_record_iterator(str(file))]
        largest = max((log.predict_log.request for log in logs), key=lambda request: request.ByteSize())
        arrays = {alias: tf.make_ndarray(proto) for alias, proto in largest.inputs.items()}
    count = int(rows)
    arrays = {alias: np.repeat(one, -(-count // len(one)), axis=0)[:count] for alias, one in arrays.items()}
    request = predict_pb2.PredictRequest()
    request.model_spec.name = "bench"
    for alias, array in arrays.items():
        request.inputs[alias].CopyFrom(tf.make_tensor_proto(array))
    lists = {alias: (shortest(one) if one.dtype == np.float32 else one).tolist() for alias, one in arrays.items()}
    body = {"instances": [dict(zip(lists, row, strict=True)) for row in zip(*lists.values(), strict=True)]}
    Path(folder).mkdir(parents=True, exist_ok=True)
    (Path(folder) / "predict.pb").write_bytes(request.SerializeToString())
    (Path(folder) / "predict.json").write_text(json.dumps(body))


def _request(path: Path):
    from tensorflow_serving.apis import predict_pb2

    return predict_pb2.PredictRequest.FromString(path.read_bytes())


if __name__ == "__main__":
    globals()[sys.argv[1]](*sys.argv[2:])
