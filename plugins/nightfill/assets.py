"""The assets that DAGs hand to each other. No date in a URI: night and digest are in the event's extra."""

from airflow.sdk import Asset


def features() -> Asset:
    """A nightly feature partition was published."""
    return Asset(name="features", uri="x-nightfill://features/nightly")


def features_backfill() -> Asset:
    """A range or backfill run published partitions. Nothing is scheduled on it: Airflow triggers on any event."""
    return Asset(name="features_backfill", uri="x-nightfill://features/backfill")


def reopen() -> Asset:
    """More of a business day's lines came late than the shop allows. Nothing is scheduled on it: a person decides."""
    return Asset(name="reopen", uri="x-nightfill://events/reopen")


def candidate(surface: str) -> Asset:
    """A candidate model was registered for a surface."""
    return Asset(name=f"candidate_{surface}", uri=f"x-nightfill://models/{surface}/candidate")
