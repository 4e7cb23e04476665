"""python -m include.model_server --port= --rest_api_port= --model_config_file= ...

A server that speaks TF Serving's gRPC and REST protocol, for machines without tensorflow_model_server.
"""

import logging
import os
import sys
from pathlib import Path

from include.model_server.config import check_platforms
from include.model_server.config_file import read_config_file
from include.model_server.errors import StatusError
from include.model_server.flags import FlagError, Flags, parse_flags

FAILED = 255


def main(argv: list[str]) -> int:
    """The exit code is 255 when the server does not start, as with the real one."""
    try:
        flags = parse_flags(argv)
    except FlagError as error:
        print(f"Failed to start server. Error: {error}", flush=True)
        return FAILED
    if flags.version:
        print("Nightfill model server (TF Serving protocol, tensorflow-serving-api 2.21)")
        return 0
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    try:
        check_config(flags)
    except (StatusError, OSError, UnicodeDecodeError) as error:
        print(f"Failed to start server. Error: {getattr(error, 'message', error)}", flush=True)
        return FAILED
    from include.model_server.server import CannotStart, serve  # imports TensorFlow, which takes seconds

    try:
        serve(flags)
    except CannotStart as error:
        print(f"Failed to start server. Error: {error}", flush=True)
        return FAILED
    return 0


def check_config(flags: Flags) -> None:
    """Raises StatusError or OSError at once for a config file that nobody could serve."""
    if flags.model_config_file:
        check_platforms({}, read_config_file(Path(flags.model_config_file)))


if __name__ == "__main__":
    code = main(sys.argv[1:])
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)  # at once: threads of TensorFlow and gRPC have nothing to say any more
