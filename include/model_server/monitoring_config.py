"""The text of --monitoring_config_file. Its message is in no package, so it is declared here, with the same numbers."""

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, text_format

from include.model_server.errors import invalid

DEFAULT_PATH = "/monitoring/prometheus/metrics"


def _message() -> type:
    file = descriptor_pb2.FileDescriptorProto(
        name="nightfill/monitoring_config.proto", package="tensorflow.serving", syntax="proto3"
    )
    inner = file.message_type.add(name="PrometheusConfig")
    kinds = descriptor_pb2.FieldDescriptorProto
    inner.field.add(name="enable", number=1, type=kinds.TYPE_BOOL, label=kinds.LABEL_OPTIONAL)
    inner.field.add(name="path", number=2, type=kinds.TYPE_STRING, label=kinds.LABEL_OPTIONAL)
    outer = file.message_type.add(name="MonitoringConfig")
    outer.field.add(
        name="prometheus_config",
        number=1,
        type=kinds.TYPE_MESSAGE,
        label=kinds.LABEL_OPTIONAL,
        type_name=".tensorflow.serving.PrometheusConfig",
    )
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("tensorflow.serving.MonitoringConfig"))


def metrics_path(text: str) -> str:
    """The path of the metrics page; empty when the text does not switch it on.

    Raises:
        StatusError: INVALID_ARGUMENT when the text cannot be parsed.
    """
    try:
        config = text_format.Parse(text, _message()())
    except text_format.ParseError as error:
        raise invalid(f"Error parsing text-format tensorflow.serving.MonitoringConfig: {error}") from error
    prometheus = config.prometheus_config
    return (prometheus.path or DEFAULT_PATH) if prometheus.enable else ""
