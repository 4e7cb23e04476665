import configparser
import shlex
from pathlib import Path

import pytest

from include.errors import Refused
from include.serving.processes import check_ports
from include.serving.programs import Program, local_programs, server_command
from include.serving.supervisor_config import config, socket_path
from include.settings import Settings


def parsed(settings: Settings, *programs: Program) -> configparser.RawConfigParser:
    parser = configparser.RawConfigParser()
    parser.read_string(config(settings, programs))
    return parser


def test_a_command_survives_quotes_spaces_and_percent_signs(tmp_path):
    words = ("/bin/a b", 'say "hi"', "50%", "back\\slash")
    text = parsed(Settings(var=tmp_path), Program("odd", words))["program:odd"]["command"]
    assert tuple(shlex.split(text.replace("%%", "%"))) == words


def test_a_line_break_in_a_value_is_refused(tmp_path):
    with pytest.raises(Refused, match="line break"):
        config(Settings(var=tmp_path), [Program("odd", ("a",), {"KEY": "x\ncommand=evil"})])


def test_a_value_that_the_supervisor_would_change_is_refused(tmp_path):
    with pytest.raises(Refused, match="quotes"):
        config(Settings(var=tmp_path), [Program("odd", ("a",), {"KEY": "'x'"})])


def test_every_program_listens_on_loopback_only(tmp_path):
    for program in local_programs(Settings(var=tmp_path)):
        line = " ".join(program.command)
        assert "0.0.0.0" not in line
        assert "127.0.0.1" in line or "run_gateway" in line


def test_servers_are_pinned_to_one_thread_each(tmp_path):
    line = server_command(Settings(var=tmp_path), "stable-a")
    assert "--tensorflow_intra_op_parallelism=1" in line and "--tensorflow_inter_op_parallelism=1" in line


def test_a_long_path_moves_the_socket_to_a_private_folder(tmp_path):
    short, long = socket_path(Settings(var=Path("/tmp/nv"))), socket_path(Settings(var=tmp_path / ("x" * 120)))
    assert short == Path("/tmp/nv/run/supervisor.sock")
    assert len(str(long)) < 100 and long.parent.stat().st_mode & 0o077 == 0
    assert long == socket_path(Settings(var=tmp_path / ("x" * 120)))


def test_a_taken_port_is_named_before_anything_starts(settings):
    import socket

    with socket.socket() as other:
        other.bind(("127.0.0.1", settings.port("canary.rest")))
        other.listen()
        with pytest.raises(Refused, match=r"canary\.rest"):
            check_ports(settings)
