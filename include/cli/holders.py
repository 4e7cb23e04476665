"""Who listens on a port, read from /proc. Standard library only: it runs before anything is installed."""

import os
import socket
from pathlib import Path

STACK = "NIGHTFILL_STACK"
"""Environment variable that marks every process of the stack; its value is the var folder."""

_LISTEN = "0A"


def is_free(port: int) -> bool:
    """Whether this port of the loopback can be bound now."""
    with socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            sock.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def holder(port: int) -> int | None:
    """The pid that listens on a port; None when nobody does or it belongs to another user."""
    wanted = {f"socket:[{inode}]" for inode in _inodes(port)}
    for folder in Path("/proc").glob("[0-9]*/fd"):
        try:
            if any(str(link.readlink()) in wanted for link in folder.iterdir()):
                return int(folder.parent.name)
        except OSError:
            continue
    return None


def describe(pid: int) -> str:
    """The first words of a process's command line, and its pid."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").split()
    except OSError:
        words = []
    return f"{' '.join(words[:4]) or 'a process'} (pid {pid})"


def is_member(pid: int, var: Path) -> bool:
    """Whether the stack in this var folder started a process.

    Its variables say so; Airflow's programs write their title over those, and are known by working in var/airflow.
    """
    if _mark_of(pid) == str(var):
        return True
    try:
        return Path(f"/proc/{pid}/cwd").readlink() == var / "airflow" and "airflow" in describe(pid).split(" (pid")[0]
    except OSError:
        return False


def members(var: Path) -> list[int]:
    """Pids of all processes that the stack in this var folder started, children of children included."""
    pids = [int(folder.name) for folder in Path("/proc").glob("[0-9]*")]
    return [pid for pid in pids if pid != os.getpid() and is_member(pid, var) and not _is_zombie(pid)]


def _mark_of(pid: int) -> str:
    try:
        entries = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return ""
    mark = f"{STACK}=".encode()
    return next((entry[len(mark) :].decode() for entry in entries if entry.startswith(mark)), "")


def _is_zombie(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    except OSError:
        return True


def _inodes(port: int) -> set[str]:
    out = set()
    for table in ("tcp", "tcp6"):
        try:
            rows = Path(f"/proc/net/{table}").read_text().splitlines()[1:]
        except OSError:
            continue
        for row in rows:
            cells = row.split()
            if cells[3] == _LISTEN and int(cells[1].rsplit(":", 1)[1], 16) == port:
                out.add(cells[9])
    return out
