"""python -m include.model_server --port= --rest_api_port= --model_config_file= ...

A server that speaks TF Serving's gRPC and REST protocol, for machines without tensorflow_model_server.
"""

import importlib.metadata
import logging
import os
import sys
from pathlib import Path

from include.model_server.batching_config import parse_batching
from include.model_server.config import check_platforms
from include.model_server.config_file import first_config
from include.model_server.errors import StatusError, as_status
from include.model_server.flags import Flags, parse_flags
from include.model_server.monitoring_config import metrics_path

FAILED = 255


def main(argv: list[str]) -> int:
    """The exit code is 255 when the server does not start, as with the real one."""
    try:
        flags = parse_flags(argv)
        if flags.version:
            print(f"TensorFlow ModelServer: stand-in of Nightfill, API {importlib.metadata.version('tensorflow-serving-api')}")
            print(f"TensorFlow Library: {importlib.metadata.version('tensorflow')}")
            return 0
        logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
        logging.getLogger("tensorflow").setLevel(logging.ERROR)
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
        check_files(flags)
        from include.model_server.server import serve  # imports TensorFlow, which takes seconds

        serve(flags)
    except (StatusError, OSError, UnicodeDecodeError) as error:
        print(f"Failed to start server. Error: {as_status(error)}", flush=True)
        return FAILED
    return 0


def check_files(flags: Flags) -> None:
    """Raises StatusError, OSError or UnicodeDecodeError at once for a file that nobody could serve by."""
    check_platforms(first_config(flags).values())
    if flags.batching_parameters_file:
        parse_batching(Path(flags.batching_parameters_file).read_text(encoding="utf-8"))
    if flags.monitoring_config_file:
        metrics_path(Path(flags.monitoring_config_file).read_text(encoding="utf-8"))


if __name__ == "__main__":
    code = main(sys.argv[1:])
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)  # at once: threads of TensorFlow and gRPC have nothing to say any more
