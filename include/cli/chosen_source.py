"""Which shop this `var` works for: written down when it is chosen, so that later commands need not be told again."""

import os

from include.errors import Refused
from include.settings import Settings, SourceSpec
from include.store.objects import open_store

FILE = "source.json"


def recall(settings: Settings) -> Settings:
    """The settings with the source that was chosen for this var, unless NIGHTFILL_SOURCE names one."""
    found = _read(settings)
    return settings if found is None or os.environ.get("NIGHTFILL_SOURCE") else settings.model_copy(update={"source": found})


def choose(settings: Settings, source: SourceSpec) -> Settings:
    """Write the source down, and return the settings with it.

    Raises:
        Refused: the store holds the nights of another one. A store belongs to one shop.
    """
    before = _read(settings)
    if not _same(before, source) and next(open_store(settings.store_uri).list("datasets"), None) is not None:
        whose = before.folder if before and before.folder else "another source"
        raise Refused(
            f"The store {settings.store_uri} holds nights of {whose}",
            "Give this shop a place of its own (NIGHTFILL_VAR=var-shop), or `make clean` to forget what is there",
        )
    settings.run.mkdir(parents=True, exist_ok=True)
    beside = settings.run / f".{FILE}.new"
    beside.write_text(source.model_dump_json(indent=1))
    beside.replace(settings.run / FILE)
    return settings.model_copy(update={"source": source})


def _same(before: SourceSpec | None, source: SourceSpec) -> bool:
    days = {"first": "", "last": ""}
    return before is not None and before.model_copy(update=days) == source.model_copy(update=days)


def _read(settings: Settings) -> SourceSpec | None:
    path = settings.run / FILE
    try:
        return SourceSpec.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise Refused(f"{path} is damaged", "Delete it and call `nightfill shop run` again") from error
