import pytest

from include.model_server.config import check_platforms, check_unchanged, model_specs, parse_config
from include.model_server.errors import Code, StatusError
from include.model_server.monitoring_config import metrics_path

ONE = 'config {{ name: "{0}" base_path: "{1}" model_platform: "{2}" }}'


def specs(*models: tuple[str, str, str]):
    return model_specs(parse_config("model_config_list { " + " ".join(ONE.format(*model) for model in models) + " }"))


@pytest.mark.parametrize("text", ["", "  \n", "model_config_list {", "nonsense: 3"])
def test_an_unparsable_or_empty_file_is_refused(text):
    with pytest.raises(StatusError, match="Error parsing text-format") as caught:
        parse_config(text)
    assert caught.value.code == Code.INVALID_ARGUMENT


def test_a_model_may_be_listed_once():
    with pytest.raises(StatusError, match="Illegal to list model m multiple times in config list"):
        specs(("m", "/a", "tensorflow"), ("m", "/b", "tensorflow"))


def test_a_path_must_be_absolute():
    with pytest.raises(StatusError, match=r"Expected model m to have an absolute path or URI; got base_path\(\)=a/b"):
        specs(("m", "a/b", "tensorflow"))


def test_a_platform_must_be_named_supported_and_kept():
    with pytest.raises(StatusError, match="Illegal setting neither"):
        specs(("m", "/a", ""))
    with pytest.raises(StatusError, match="Model m requests unsupported platform caffe"):
        check_platforms(specs(("m", "/a", "caffe")).values())
    with pytest.raises(StatusError, match="For model m platform was tensorflow and new platform requested is caffe"):
        check_unchanged(specs(("m", "/a", "tensorflow")), specs(("m", "/a", "caffe")))


def test_the_metrics_page_has_a_default_path_and_may_be_off():
    assert metrics_path("prometheus_config { enable: true }") == "/monitoring/prometheus/metrics"
    assert metrics_path('prometheus_config { enable: true path: "/m" }') == "/m"
    assert metrics_path("prometheus_config { enable: false }") == metrics_path("") == ""
    with pytest.raises(StatusError):
        metrics_path("prometheus {")
