"""The text of --monitoring_config_file."""

from include.model_server.protos import parse_text

DEFAULT_PATH = "/monitoring/prometheus/metrics"


def metrics_path(text: str) -> str:
    """The path of the metrics page; empty when the text does not switch it on.

    Raises:
        StatusError: INVALID_ARGUMENT when the text cannot be parsed.
    """
    prometheus = parse_text("MonitoringConfig", text).prometheus_config
    return (prometheus.path or DEFAULT_PATH) if prometheus.enable else ""
