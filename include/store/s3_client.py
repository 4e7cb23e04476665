"""The one way to an S3 client: everything comes from the AWS variables or the profile, nothing from our settings.

AWS_ENDPOINT_URL_S3 or AWS_ENDPOINT_URL names a server that is not Amazon's. Every call goes through `retrying`.
"""

import logging
import os
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

from include.errors import Refused


@dataclass(frozen=True)
class Limits:
    """How long one call may take and how often it is tried again. Times are seconds.

    `connect` and `read` are for the socket: an endpoint that hangs is noticed after `read`. `budget` is the time from the
    first attempt after which no further one is begun. `base` and `cap` are of the backoff, see `retrying`.
    """

    connect: float = 3.0
    read: float = 15.0
    attempts: int = 6
    budget: float = 40.0
    base: float = 0.1
    cap: float = 5.0


IMPATIENT = Limits(connect=2.0, read=5.0, attempts=2, budget=5.0)
"""For a look before the start: a person waits."""


def open_client(limits: Limits | None = None) -> Any:
    """A boto3 S3 client with timeouts; botocore's own retries are off, `retrying` does them.

    Checksums are sent where the caller gives one: servers that are not Amazon's refuse those that botocore adds by itself.

    Raises:
        Refused: the AWS variables or the profile cannot be used. Values are not printed.
    """
    import boto3
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError

    logging.getLogger("botocore").setLevel(logging.WARNING)  # below, it writes where it found keys, and signed headers
    limits = limits or Limits()
    config = Config(
        connect_timeout=limits.connect,
        read_timeout=limits.read,
        retries={"mode": "standard", "total_max_attempts": 1},
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
        max_pool_connections=16,
    )
    try:
        return boto3.session.Session().client("s3", config=config)
    except (BotoCoreError, ValueError) as error:
        raise Refused(
            f"The AWS settings cannot be used ({type(error).__name__})",
            "Correct AWS_PROFILE, AWS_ENDPOINT_URL and the other AWS_ variables, or the files in ~/.aws",
        ) from None


def shared_client(limits: Limits) -> Any:
    """The client of this process for these limits and AWS variables: making one takes a fifth of a second.

    A child after a fork gets one of its own, connections must not be shared. Threads may share one.
    """
    return _shared(os.getpid(), limits, tuple(sorted(pair for pair in os.environ.items() if pair[0].startswith("AWS_"))))


@lru_cache(maxsize=8)
def _shared(pid: int, limits: Limits, variables: tuple[tuple[str, str], ...]) -> Any:
    return open_client(limits)


def endpoint(client: Any) -> str:
    """Where a client calls, for a sentence: scheme, host and port only, never a user or a password."""
    parts = urlsplit(client.meta.endpoint_url)
    return f"{parts.scheme}://{parts.hostname}" + (f":{parts.port}" if parts.port else "")
