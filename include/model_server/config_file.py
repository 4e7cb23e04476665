"""The model config file and its poll: read again every few seconds, and a bad one changes nothing."""

import logging
import threading
from pathlib import Path

from include.model_server.config import ModelSpec, model_specs, parse_config, single_model
from include.model_server.errors import StatusError, as_status
from include.model_server.flags import Flags
from include.model_server.manager import Manager

log = logging.getLogger("model_server")


def read_config_file(path: Path) -> dict[str, ModelSpec]:
    """The models that a file asks for. Raises StatusError, OSError."""
    return model_specs(parse_config(path.read_text(encoding="utf-8")))


def first_config(flags: Flags) -> dict[str, ModelSpec]:
    """The models that the server starts with: those of the file, or the one of the flags. Raises StatusError, OSError."""
    if not flags.model_config_file:
        return model_specs(single_model(flags.model_name, flags.model_base_path))
    return read_config_file(Path(flags.model_config_file))


def poll_config_file(path: Path, seconds: float, manager: Manager) -> threading.Thread:
    """Apply the file again and again, unchanged or not, so that it has the last word over a reload by RPC."""

    def work() -> None:
        said = ""
        wait = threading.Event()
        while not wait.wait(seconds):
            try:
                manager.reload(read_config_file(path))
                said = ""
            except (StatusError, OSError, UnicodeDecodeError) as error:
                if str(error) != said:
                    log.error("config file %s changes nothing: %s", path, as_status(error))
                said = str(error)

    thread = threading.Thread(target=work, name="config-poll", daemon=True)
    thread.start()
    return thread
