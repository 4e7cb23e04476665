from pathlib import Path

import pytest

from include.errors import Refused
from include.model_server.config import model_specs, parse_config
from include.serving.models_config import config_text, labelled, pinned

MODELS = Path("/srv/models")


def test_the_server_reads_what_was_written():
    text = config_text(MODELS, {"home": [3, 12], "search": [1]}, {"home": {"stable": 3}})
    specs = model_specs(parse_config(text))
    assert list(specs["home"].policy.specific.versions) == [3, 12]
    assert specs["home"].base_path == MODELS / "home" and specs["home"].labels == {"stable": 3}
    assert list(specs["search"].policy.specific.versions) == [1] and specs["search"].labels == {}


def test_a_config_reads_back_as_it_was_asked_for():
    text = config_text(MODELS, {"home": [12, 3, 3], "search": [0]}, {"search": {"canary": 0}})
    assert pinned(text) == {"home": [3, 12], "search": [0]}
    assert labelled(text) == {"home": {}, "search": {"canary": 0}}


def test_nothing_to_serve_is_a_config_too():
    assert model_specs(parse_config(config_text(MODELS, {}))) == {} == pinned(config_text(MODELS, {"home": []}))


def test_a_hostile_surface_never_reaches_the_config():
    with pytest.raises(Refused):
        config_text(MODELS, {'home" base_path: "/etc': [1]})
