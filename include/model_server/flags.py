"""The command line, in the flag syntax of TF Serving: `--name=value`, and a bare boolean means true.

Unknown flags are printed and ignored, as the real server does. A flag that this server knows of but does not honour is
refused, because ignoring it would serve something else than was asked for. Read before TensorFlow is imported.
"""

import os
import sys
from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from include.model_server.errors import Code, StatusError

NOT_HONOURED = (
    "prefer_tflite_model",
    "use_alts_credentials",
    "platform_config_file",
    "tensorflow_session_config_file",
    "thread_pool_factory_config_file",
    "xla_cpu_compilation_enabled",
    "mixed_precision",
)
ACCEPTED = (
    "flush_filesystem_caches",
    "per_process_gpu_memory_fraction",
    "remove_unused_fields_from_bundle_metagraph",
    "enable_profiler",
    "num_tflite_pools",
    "num_tflite_interpreters_per_pool",
    "skip_initialize_tpu",
)
"""Flags about means, not ends: taking them in silence changes no answer."""


class FlagError(StatusError):
    """The command line cannot be honoured."""

    def __init__(self, message: str) -> None:
        super().__init__(Code.INVALID_ARGUMENT, message)


class Flags(BaseModel):
    """What the server was asked for. Names and defaults are TF Serving's; `bind_address` is ours and defaults to loopback."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    port: int = 8500
    grpc_socket_path: str = ""
    ssl_config_file: str = ""
    grpc_channel_arguments: str = ""
    grpc_max_threads: int | None = None
    enable_grpc_healthcheck_service: bool = False
    rest_api_port: int = 0
    rest_api_num_threads: int = 4 * (os.cpu_count() or 1)
    rest_api_timeout_in_ms: int = 30_000
    rest_api_enable_cors_support: bool = False
    bind_address: str = "127.0.0.1"
    model_config_file: str = ""
    model_config_file_poll_wait_seconds: int = 0
    model_name: str = "default"
    model_base_path: str = ""
    file_system_poll_wait_seconds: int = 1
    max_num_load_retries: int = 5
    load_retry_interval_micros: int = 60_000_000
    num_load_threads: int = 0
    num_unload_threads: int = 0
    allow_version_labels_for_unavailable_models: bool = False
    enable_batching: bool = False
    batching_parameters_file: str = ""
    enable_per_model_batching_parameters: bool = False
    enable_model_warmup: bool = True
    num_request_iterations_for_warmup: int = 0
    monitoring_config_file: str = ""
    saved_model_tags: str = "serve"
    enable_signature_method_name_check: bool = False
    enable_serialization_as_tensor_content: bool = False
    enforce_session_run_timeout: bool = True
    tensorflow_session_parallelism: int = 0
    tensorflow_intra_op_parallelism: int = 0
    tensorflow_inter_op_parallelism: int = 0
    version: bool = False

    @property
    def tags(self) -> list[str]:
        """The tags of the graph to load."""
        return [tag for tag in self.saved_model_tags.split(",") if tag]

    @property
    def intra_op(self) -> int:
        return self.tensorflow_intra_op_parallelism or self.tensorflow_session_parallelism

    @property
    def inter_op(self) -> int:
        return self.tensorflow_inter_op_parallelism or self.tensorflow_session_parallelism

    @property
    def channel_arguments(self) -> list[tuple[str, int | str]]:
        """--grpc_channel_arguments: "key=value,key=value", whole numbers as numbers."""
        pairs = (word.partition("=") for word in self.grpc_channel_arguments.split(",") if word)
        return [(key, int(value) if value.lstrip("-").isdecimal() else value) for key, _, value in pairs]


def parse_flags(argv: Sequence[str]) -> Flags:
    """The flags of a command line.

    Raises:
        FlagError: a value has the wrong type, a flag is not honoured, or nothing to serve was named.
    """
    values: dict[str, Any] = {}
    for word in argv:
        name, mark, value = word.removeprefix("--").partition("=")
        if not word.startswith("--"):
            print(f"unknown argument: {word}")
        elif name in Flags.model_fields:
            values[name] = value if mark else _bare(name)
        elif name in NOT_HONOURED:
            if (value or "true") not in ("false", "0"):
                raise FlagError(f"--{name} is not honoured by this server; leave it out or use tensorflow_model_server")
        elif name not in ACCEPTED:
            print(f"unknown argument: {word}")
    sys.stdout.flush()
    try:
        flags = Flags.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        raise FlagError(f"--{first['loc'][0]}: {first['msg']}") from error
    if not flags.version:
        _check(flags)
    return flags


def _bare(name: str) -> str:
    if Flags.model_fields[name].annotation is not bool:
        raise FlagError(f"--{name} needs a value")
    return "true"


def _check(flags: Flags) -> None:
    if flags.port == 0 and not flags.grpc_socket_path:
        raise FlagError("server_options.grpc_port is not set.")
    if not flags.model_config_file and not flags.model_base_path:
        raise FlagError("Both server_options.model_base_path and server_options.model_config_file are empty!")
    if flags.batching_parameters_file and not flags.enable_batching:
        raise FlagError(
            "server_options.batching_parameters_file is set without setting server_options.enable_batching to true."
        )
    if flags.enable_per_model_batching_parameters and not flags.enable_batching:
        raise FlagError(
            "server_options.enable_per_model_batching_parameters is set without setting server_options.enable_batching to true."
        )
    threads = [flags.tensorflow_session_parallelism, flags.tensorflow_intra_op_parallelism]
    if all(number > 0 for number in (*threads, flags.tensorflow_inter_op_parallelism)):
        raise FlagError(
            "Either configure server_options.tensorflow_session_parallelism or "
            "(server_options.tensorflow_intra_op_parallelism, server_options.tensorflow_inter_op_parallelism) separately. "
            "You cannot configure all."
        )
    for name in ("port", "rest_api_port"):
        if not 0 <= getattr(flags, name) <= 65535:
            raise FlagError(f"--{name} must be between 0 and 65535")
    for name in ("grpc_max_threads", "rest_api_num_threads"):
        if (number := getattr(flags, name)) is not None and not 1 <= number <= 4096:
            raise FlagError(f"--{name} must be between 1 and 4096")
