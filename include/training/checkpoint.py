"""What a killed training goes on from: all variables and the losses so far, in one file that is replaced as a whole."""

import logging
import os
import time
import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import tensorflow as tf

log = logging.getLogger("nightfill")
SECONDS = 20.0
"""At most so much work is lost."""


class Checkpoint:
    """One file of a run. `key` names everything that the weights hang from: a file with another key is not gone on from.

    Args:
        seconds: between two saves.
    """

    def __init__(self, path: Path, key: str, seconds: float = SECONDS) -> None:
        self.path, self.key, self._seconds = path, key, seconds
        self._saved = time.monotonic()

    def restore(self, state: Mapping[str, tf.Variable]) -> list[float]:
        """Give the variables the values of the file; the losses of the steps that they have been through, none without one."""
        try:
            with np.load(self.path, allow_pickle=False) as found:
                if str(found["key"]) != self.key:
                    log.info("%s belongs to another training: beginning anew", self.path)
                    return []
                values = {name: found[f"state/{name}"] for name in state}
                losses = [float(loss) for loss in found["losses"]]
        except FileNotFoundError:
            return []
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
            log.warning("The checkpoint %s cannot be read (%s): beginning anew", self.path, error)
            return []
        for name, variable in state.items():
            variable.assign(values[name])
        log.info("going on after step %d", len(losses))
        return losses

    def save(self, state: Mapping[str, tf.Variable], losses: list[float], at_once: bool = False) -> None:
        """Write it, when it is time."""
        if not at_once and time.monotonic() - self._saved < self._seconds:
            return
        values = {f"state/{name}": variable.numpy() for name, variable in state.items()}
        beside = self.path.with_suffix(".new")
        with beside.open("wb") as file:
            np.savez(file, key=np.array(self.key), losses=np.array(losses, np.float64), **values)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(self.path)
        self._saved = time.monotonic()
