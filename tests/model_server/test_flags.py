import subprocess
import sys

import pytest

from include.model_server.flags import FlagError, parse_flags
from include.settings import ROOT


def test_flags_have_the_syntax_and_defaults_of_tf_serving():
    flags = parse_flags(["--port=1234", "--model_config_file=/x", "--allow_version_labels_for_unavailable_models"])
    assert (flags.port, flags.rest_api_port, flags.file_system_poll_wait_seconds) == (1234, 0, 1)
    assert flags.allow_version_labels_for_unavailable_models and flags.bind_address == "127.0.0.1"
    assert flags.tags == ["serve"] and flags.max_num_load_retries == 5


def test_an_unknown_flag_is_printed_and_ignored(capsys):
    parse_flags(["--model_base_path=/x", "--no_such_flag=3"])
    assert "no_such_flag" in capsys.readouterr().out


@pytest.mark.parametrize(
    "flag", ["--prefer_tflite_model", "--prefer_tflite_model=true", "--platform_config_file=/x", "--use_alts_credentials"]
)
def test_what_is_not_honoured_is_refused_loudly(flag):
    with pytest.raises(FlagError, match="not honoured"):
        parse_flags(["--model_base_path=/x", flag])


def test_switching_an_unhonoured_flag_off_is_fine():
    assert parse_flags(["--model_base_path=/x", "--prefer_tflite_model=false"]).port == 8500


@pytest.mark.parametrize(
    "argv",
    [
        [],
        ["--port=1"],
        ["--model_base_path=/x", "--port=abc"],
        ["--model_base_path=/x", "--port=99999"],
        ["--model_base_path=/x", "--port"],
        ["--model_base_path=/x", "--port=0"],
        ["--model_base_path=/x", "--batching_parameters_file=/x"],
        ["--model_base_path=/x", "--enable_per_model_batching_parameters"],
        ["--model_base_path=/x", "--grpc_max_threads=0"],
        ["--model_base_path=/x", *(f"--tensorflow_{name}_parallelism=2" for name in ("session", "intra_op", "inter_op"))],
    ],
)
def test_a_command_line_that_cannot_work_is_refused(argv):
    with pytest.raises(FlagError):
        parse_flags(argv)


def test_arguments_of_channels_are_numbers_or_texts():
    flags = parse_flags(["--model_base_path=/x", "--grpc_channel_arguments=grpc.max_connection_age_ms=2000,a=b"])
    assert flags.channel_arguments == [("grpc.max_connection_age_ms", 2000), ("a", "b")]


def run(*argv: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "include.model_server", *argv], cwd=ROOT, capture_output=True, text=True, timeout=60
    )


def test_a_wrong_start_fails_at_once_with_code_255(tmp_path):
    done = run("--port=0", "--model_base_path=/x")
    assert done.returncode == 255 and done.stdout.startswith("Failed to start server. Error: ")


def test_the_version_is_told_without_anything_to_serve():
    done = run("--version")
    assert done.returncode == 0 and "TensorFlow Library: " in done.stdout


def test_a_relative_path_fails_before_tensorflow_is_imported():
    done = run("--model_base_path=models/m", "--model_name=m")
    assert (
        done.returncode == 255 and "Expected model m to have an absolute path or URI; got base_path()=models/m" in done.stdout
    )


def test_an_unparsable_config_fails_before_tensorflow_is_imported(tmp_path):
    config = tmp_path / "models.config"
    config.write_text("model_config_list { config { name: ")
    done = run(f"--model_config_file={config}")
    assert done.returncode == 255
    assert "Error parsing text-format tensorflow.serving.ModelServerConfig" in done.stdout
