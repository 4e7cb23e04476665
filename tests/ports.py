"""Free ports for real processes, below those that the system gives to outgoing connections.

Each worker of pytest-xdist takes them from a span of its own: a port is bound long after it was found to be free.
"""

import contextlib
import os
import random
import socket

SPAN = 3000
_WORKER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
_FIRST = 20000 + SPAN * (_WORKER % 4)


def free_base(count: int = 20) -> int:
    """The first of so many ports in a row that are free."""
    for base in random.sample(range(_FIRST, _FIRST + SPAN - count, count), 100):
        with contextlib.ExitStack() as held, contextlib.suppress(OSError):
            for port in range(base, base + count):
                held.enter_context(socket.socket()).bind(("127.0.0.1", port))
            return base
    raise RuntimeError(f"no {count} free ports")


def free_port() -> int:
    """One free port."""
    return free_base(1)
