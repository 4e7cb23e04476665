"""The server's config files: text of a ModelServerConfig and of a MonitoringConfig."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from google.protobuf import text_format
from tensorflow_serving.config import file_system_storage_path_source_pb2, model_server_config_pb2

from include.model_server.errors import Code, StatusError, invalid

Policy = file_system_storage_path_source_pb2.FileSystemStoragePathSourceConfig.ServableVersionPolicy

PLATFORMS = ("tensorflow",)
_DEPRECATED_TYPES = {1: "tensorflow", 2: "other"}


@dataclass(frozen=True)
class ModelSpec:
    """One model that the server shall serve: where its versions lie, which of them, and their labels."""

    name: str
    base_path: Path
    platform: str
    policy: Any
    labels: Mapping[str, int]


def parse_config(text: str) -> model_server_config_pb2.ModelServerConfig:
    """A ModelServerConfig from text. Raises StatusError INVALID_ARGUMENT for an empty or unparsable one."""
    if not text.strip():
        raise invalid("Error parsing text-format tensorflow.serving.ModelServerConfig: the file is empty")
    try:
        return text_format.Parse(text, model_server_config_pb2.ModelServerConfig())
    except text_format.ParseError as error:
        raise invalid(f"Error parsing text-format tensorflow.serving.ModelServerConfig: {error}") from error


def model_specs(config: model_server_config_pb2.ModelServerConfig) -> dict[str, ModelSpec]:
    """The models of a config list, validated: names, paths, platforms.

    Raises:
        StatusError: INVALID_ARGUMENT with the words of TF Serving, FAILED_PRECONDITION for another kind of config.
    """
    kind = config.WhichOneof("config")
    if kind == "custom_model_config":
        raise StatusError(
            Code.FAILED_PRECONDITION,
            "Cannot transition to requested config. It is only legal to transition from one ModelConfigList to another.",
        )
    specs: dict[str, ModelSpec] = {}
    for model in config.model_config_list.config:
        if model.name in specs:
            raise invalid(f"Illegal to list model {model.name} multiple times in config list")
        if not PurePosixPath(model.base_path).is_absolute() and "://" not in model.base_path:
            raise invalid(f"Expected model {model.name} to have an absolute path or URI; got base_path()={model.base_path}")
        policy = Policy()
        policy.CopyFrom(model.model_version_policy)
        specs[model.name] = ModelSpec(model.name, Path(model.base_path), _platform(model), policy, dict(model.version_labels))
    return specs


def check_unchanged(now: Mapping[str, ModelSpec], wanted: Mapping[str, ModelSpec]) -> None:
    """Raises StatusError when a known model would change its platform."""
    for name, spec in wanted.items():
        if name in now and now[name].platform != spec.platform:
            raise invalid(
                f"Illegal to change a model's platform. For model {name} platform was {now[name].platform} "
                f"and new platform requested is {spec.platform}"
            )


def check_platforms(wanted: Iterable[ModelSpec]) -> None:
    """Raises StatusError when a platform is not supported."""
    for spec in wanted:
        if spec.platform not in PLATFORMS:
            raise invalid(f"Model {spec.name} requests unsupported platform {spec.platform}")


def single_model(name: str, base_path: str) -> model_server_config_pb2.ModelServerConfig:
    """The config that --model_name and --model_base_path stand for."""
    config = model_server_config_pb2.ModelServerConfig()
    config.model_config_list.config.add(name=name, base_path=base_path, model_platform="tensorflow")
    return config


def _platform(model: model_server_config_pb2.ModelConfig) -> str:
    if model.model_platform:
        return str(model.model_platform)
    if model.model_type:
        return _DEPRECATED_TYPES.get(model.model_type, "other")
    raise invalid(
        "Illegal setting neither ModelServerConfig::model_type (deprecated) nor ModelServerConfig::model_platform, "
        f"model name is {model.name}"
    )
