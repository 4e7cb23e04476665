import numpy as np
import pytest


@pytest.mark.slow
def test_the_order_of_inputs_costs_no_second_graph(tmp_path):
    """Protobuf maps have no order: warm-up must cover every caller, whatever order its inputs come in."""
    import tensorflow as tf

    from include.model_server.sessions import Servable

    class Two(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([None], tf.float32, "a"), tf.TensorSpec([None], tf.float32, "b")])
        def serve(self, a, b):
            return {"difference": a - b}

    module = Two()
    tf.saved_model.save(module, str(tmp_path / "1"), signatures={"serving_default": module.serve})
    servable = Servable(tmp_path / "1", ["serve"])
    definition = servable.signatures["serving_default"].definition
    values = {definition.inputs["a"].name: np.array([3], np.float32), definition.inputs["b"].name: np.array([1], np.float32)}
    fetch = [definition.outputs["difference"].name]
    assert servable.run(values, fetch)[0].tolist() == [2.0]
    assert servable.run(dict(reversed(values.items())), fetch)[0].tolist() == [2.0]
    assert len(servable._fetched) == 1
    servable.close()
