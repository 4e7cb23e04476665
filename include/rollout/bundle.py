"""The two things that the registry hands out: a registered model, and the pointer to the one that answers."""

import datetime as dt
from typing import Any

from pydantic import BaseModel, ConfigDict

from include.store.manifest import Manifest


class Bundle(BaseModel):
    """One registered model. `card` holds what was measured on it."""

    model_config = ConfigDict(frozen=True)

    surface: str
    version: int
    name: str
    manifest: Manifest
    card: dict[str, Any] = {}

    @property
    def night(self) -> str:
        """The ISO date as of which it was trained; empty when its maker did not say."""
        return str(self.manifest.meta.get("night", ""))

    @property
    def drill(self) -> str:
        """How it was spoilt on purpose, as "<fault> <form>"; empty for a real model."""
        return str(self.manifest.meta.get("drill", ""))


class Pointer(BaseModel):
    """Which version answers, since which night's release, and how often the pointer has moved."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: int
    name: str
    night: dt.date
    epoch: int
    release: str
