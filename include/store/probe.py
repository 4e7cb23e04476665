"""Is the store there, may we write, and does it keep the one promise that everything rests on?

    python -m include.store.probe URI      one sentence; exit code 0, 65 (refused) or 75 (try again)

A server that takes a conditional write and ignores the condition would lose updates silently, so it is tried.
"""

import contextlib
import secrets
import sys

from include.errors import EXIT_REFUSED, EXIT_TRY_AGAIN, NightfillError, Refused, TryAgain
from include.store.objects import ABSENT, Conflict, Store, open_store
from include.store.s3 import S3Store
from include.store.s3_client import IMPATIENT


def probe(uri: str) -> str:
    """Write, read and delete one small key; returns what was found.

    Raises:
        Refused: the store cannot be used. TryAgain: it cannot be reached now.
    """
    store: Store = open_store(uri)
    if isinstance(store, S3Store):
        store.limits = IMPATIENT
    key = f"check/{secrets.token_hex(8)}.json"
    store.write(key, b"{}", expect=ABSENT)
    try:
        _must_conflict(store, key, ABSENT)
        old = store.etag(key)
        store.write(key, b"[]", expect=old)
        _must_conflict(store, key, old)
        if store.read(key) != b"[]":
            raise Refused("The store does not give back what was written", "Take a store that reads its own writes")
    finally:
        with contextlib.suppress(NightfillError):
            store.delete(key)
    return f"{uri} can be read and written"


def _must_conflict(store: Store, key: str, expect: str) -> None:
    try:
        store.write(key, b"lost", expect=expect)
    except Conflict:
        return
    raise Refused(
        "The store takes a conditional write and ignores the condition, so two runs could overwrite each other",
        "Take an S3 server that knows If-None-Match and If-Match on PUT",
    )


def main(argv: list[str]) -> int:
    """The command line of this module."""
    try:
        print(probe(argv[0]))
    except NightfillError as error:
        print(error)
        return EXIT_TRY_AGAIN if isinstance(error, TryAgain) else EXIT_REFUSED
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
