import time

import numpy as np
import pytest

from tests import tiny_models


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


@pytest.mark.slow
def test_a_run_without_a_limit_that_ends_late_is_late_all_the_same(monkeypatch):
    import tensorflow as tf

    from include.model_server.sessions import Servable

    servable = Servable(tiny_models.cached() / "scale" / "1", ["serve"], 1, 1)
    signature, limited = servable.signatures["serving_default"], []
    few, many = ({signature.feeds["x"]: np.ones((rows, 2), np.float32)} for rows in (1, 5000))
    fetches = list(signature.fetches.values())
    for _ in range(3):
        servable.run(few, fetches)
    call, run_limited = servable._call, servable._run_limited
    monkeypatch.setattr(servable, "_run_limited", lambda *told: limited.append(told[-1]) or run_limited(*told))
    servable.run(few, fetches, 10_000)
    assert limited == []
    servable.run(many, fetches, 10_000)
    assert limited == [10_000], "what is known of one row says nothing of thousands"
    monkeypatch.setattr(servable, "_call", lambda *told: time.sleep(0.6) or call(*told))
    with pytest.raises(tf.errors.DeadlineExceededError, match="Timed out waiting for notification"):
        servable.run(few, fetches, 500)
    assert limited == [10_000]
    servable.close()
