"""The supervisor's config file, from programs."""

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

from include.canonical import digest
from include.errors import Refused
from include.serving.programs import Program
from include.settings import Settings

SOCKET_LIMIT = 90
"""A unix socket's path may have about 107 bytes, and the supervisor adds its pid while it makes one."""


def socket_path(settings: Settings) -> Path:
    """Where the supervisor listens: in var/run, or in a private folder under /tmp when that path is too long.

    Raises:
        Refused: that folder under /tmp belongs to somebody else or is open to others.
    """
    path = settings.run.absolute() / "supervisor.sock"
    if len(os.fsencode(path)) <= SOCKET_LIMIT:
        return path
    folder = Path(tempfile.gettempdir()) / f"nightfill-{os.getuid()}-{digest(str(path))[:12]}"
    folder.mkdir(mode=0o700, exist_ok=True)
    stat = folder.lstat()
    if folder.is_symlink() or stat.st_uid != os.getuid() or stat.st_mode & 0o077:
        raise Refused(f"{folder} is not private to this user", "Remove it and start again")
    return folder / "supervisor.sock"


def config(settings: Settings, programs: Sequence[Program]) -> str:
    """The text of supervisord.conf. Log files are rotated at 10 MB, two older ones are kept."""
    logs, socket = settings.var.absolute() / "logs", socket_path(settings)
    head = f"""[unix_http_server]
file={_plain(socket)}
chmod=0700

[supervisord]
logfile={_plain(logs / "supervisord.log")}
logfile_maxbytes=10MB
logfile_backups=2
pidfile={_plain(settings.run.absolute() / "supervisord.pid")}
loglevel=info
nodaemon=false
silent=true
minfds=1024

[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface

[supervisorctl]
serverurl=unix://{_plain(socket)}
"""
    return head + "".join(_section(program, logs) for program in programs)


def _section(program: Program, logs: Path) -> str:
    pairs = ",".join(f"{key}={_plain(_value(key, value))}" for key, value in sorted(program.environment.items()))
    return f"""
[program:{program.name}]
command={" ".join(f'"{_plain(_quoted(word))}"' for word in program.command)}
directory={_plain(program.directory)}
environment={pairs}
autostart=true
autorestart=true
startsecs={program.start_seconds}
startretries=5
stopwaitsecs={program.stop_seconds}
stopasgroup=true
killasgroup=true
redirect_stderr=true
stdout_logfile={_plain(logs / f"{program.name}.log")}
stdout_logfile_maxbytes=10MB
stdout_logfile_backups=2
"""


def _quoted(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"')


def _value(key: str, value: str) -> str:
    """A value of the environment. The supervisor knows no escapes there, and strips quotes from both ends."""
    if value[:1] in ("'", '"') or value[-1:] in ("'", '"') or ("'" in value and '"' in value):
        raise Refused(f"{key} has quotes that the supervisor cannot carry", "Take the quotes out of the value and start again")
    return f"'{value}'" if '"' in value else f'"{value}"'


def _plain(value: object) -> str:
    """Percent signs are the supervisor's own expansions; a line break would end the value."""
    text = str(value)
    if "\n" in text or "\r" in text:
        raise Refused(f"A setting of the local stack has a line break in it: {text[:60]!r}", "Take it out and start again")
    return text.replace("%", "%%")
