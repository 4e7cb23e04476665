"""From the name of a source to the source. A new kind of shop is one more line in this table."""

from collections.abc import Callable

from include.errors import Refused
from include.settings import SourceSpec
from include.sources.complete_journey import ZONE, CompleteJourney
from include.sources.shop.source import Shop
from include.sources.source import Source

_KINDS: dict[str, Callable[[SourceSpec], Source]] = {"complete_journey": CompleteJourney, "shop": Shop}

_ZONES: dict[str, Callable[[SourceSpec], str]] = {
    "complete_journey": lambda spec: ZONE,
    "shop": lambda spec: Shop(spec).mapping.zone,
}


def zone_of(spec: SourceSpec) -> str:
    """The time zone of a source's business days."""
    open_source(spec)
    return _ZONES[spec.name](spec)


def open_source(spec: SourceSpec) -> Source:
    """The source that a spec names.

    Raises:
        Refused: there is no such source, or its files are missing or unreadable.
    """
    if spec.name not in _KINDS:
        raise Refused(f"There is no source '{spec.name}'", f"Choose one of {', '.join(sorted(_KINDS))}")
    return _KINDS[spec.name](spec)
