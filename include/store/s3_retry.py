"""What an S3 call may end in, and which ends are worth another attempt."""

import random
import time
from collections.abc import Callable
from typing import Any, TypeVar

from include.errors import Refused, TryAgain
from include.store.s3_client import Limits
from include.words import counted

AGAIN = {
    *("SlowDown", "Throttling", "ThrottlingException", "TooManyRequests", "RequestLimitExceeded", "ServiceUnavailable"),
    *("InternalError", "RequestTimeout", "RequestTimeoutException", "OperationAborted", "ConditionalRequestConflict"),
    *("BadDigest", "XAmzContentChecksumMismatch", "XAmzContentSHA256Mismatch", "IncompleteBody", "BrokenPartUpload"),
}
"""Error codes that another attempt may cure: too busy, failed inside, or the bytes were hurt or cut on their way."""

CREDENTIALS = {
    *("InvalidAccessKeyId", "SignatureDoesNotMatch", "AuthFailure", "InvalidToken", "ExpiredToken", "TokenRefreshRequired"),
    *("InvalidSecurity", "NotSignedUp", "AuthorizationQueryParametersError"),
}
REGION = {"PermanentRedirect", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException", "TemporaryRedirect"}

T = TypeVar("T")


class NotThere(Exception):
    """No such key, or no such upload; the bucket is there."""


class NotAsExpected(Exception):
    """The condition of a write does not hold."""


def retrying(action: Callable[[], T], what: str, where: str, limits: Limits | None = None) -> T:
    """Do one S3 call, and do it again while that may help.

    Waits between attempts are "full jitter": uniform(0, min(cap, base * 2^attempt)), from Marc Brooker, "Exponential
    Backoff And Jitter", AWS Architecture Blog, 2015: of the compared ways it made the fewest calls under contention,
    because clients that failed together do not come back together.

    Args:
        action: the call, with everything that an attempt needs (a file is opened anew by each).
        what: for the sentence, as in "could not <what>": "read stable.json". where: the store or endpoint.

    Raises:
        NotThere, NotAsExpected: answers that the caller knows what to do with.
        Refused: credentials, rights, bucket or region are wrong. TryAgain: the attempts are used up.
    """
    from botocore.exceptions import BotoCoreError, ClientError
    from botocore.parsers import ResponseParserError

    limits = limits or Limits()
    since = time.monotonic()
    for attempt in range(limits.attempts):
        try:
            return action()
        except ClientError as error:
            reason = _answer(error, what, where)
        except ResponseParserError:
            reason = "its answer was cut off"
        except BotoCoreError as error:
            reason = _failure(error, what, where)
        wait = random.uniform(0, min(limits.cap, limits.base * 2**attempt))
        if time.monotonic() + wait - since > limits.budget:
            break
        if attempt + 1 < limits.attempts:
            time.sleep(wait)
    raise TryAgain(
        f"Could not {what} at {where}: {reason} ({counted(attempt + 1, 'attempt')} in {time.monotonic() - since:.0f} s)",
        "See that the S3 server is up and can be reached, and run it again",
    )


def _answer(error: Any, what: str, where: str) -> str:
    """The reason when another attempt may help; otherwise raises. The server's own text may hold ids, so it is left out."""
    code = str(error.response.get("Error", {}).get("Code", ""))
    status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    if status == 501:
        raise Refused(
            f"The S3 server at {where} cannot {what} as we need it ({code})", "Take one with conditional writes"
        ) from None
    if code in AGAIN or status == 429 or status >= 500:
        return f"it answers {code or status}"
    if status == 412:
        raise NotAsExpected from None
    if code == "NoSuchBucket":
        raise Refused(
            f"There is no bucket for {where}", "Make the bucket, or correct NIGHTFILL_STORE or AWS_ENDPOINT_URL"
        ) from None
    if status == 404:
        raise NotThere from None
    if code in CREDENTIALS:
        raise Refused(
            f"S3 does not accept the credentials for {where} ({code})",
            "Correct AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN, or AWS_PROFILE",
        ) from None
    if code == "RequestTimeTooSkewed":
        raise Refused("This machine's clock is too far from that of S3", "Set the clock") from None
    if code in REGION or status in (301, 307):
        raise Refused(f"The bucket of {where} is in another region ({code or status})", "Set AWS_DEFAULT_REGION") from None
    if status in (401, 403):
        raise Refused(
            f"S3 does not let us {what} at {where} ({code or status})",
            "See that these are the right credentials, and that they have s3:ListBucket on the bucket, and s3:GetObject, "
            "s3:PutObject and s3:DeleteObject on its objects",
        ) from None
    raise Refused(f"S3 refuses to {what} at {where} ({code or status})", "Read the log of the S3 server") from None


def _failure(error: Any, what: str, where: str) -> str:
    """As `_answer`, for a call without an answer of the server."""
    from botocore import exceptions as boto

    if isinstance(error, boto.NoCredentialsError | boto.PartialCredentialsError | boto.CredentialRetrievalError):
        raise Refused(
            f"There are no AWS credentials for {where}", "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE"
        ) from None
    if isinstance(error, boto.SSLError) and "CERTIFICATE_VERIFY_FAILED" in str(error):
        raise Refused(
            f"The certificate of {where} is not trusted", "Set AWS_CA_BUNDLE to the file of its authority, or correct the URL"
        ) from None
    if isinstance(error, boto.ReadTimeoutError | boto.ConnectTimeoutError):
        return "it does not answer in time"
    if isinstance(error, boto.EndpointConnectionError | boto.ProxyConnectionError):
        return "nothing answers there"
    if isinstance(error, boto.FlexibleChecksumError | boto.ChecksumError):
        return "its bytes were damaged on their way"
    if isinstance(error, boto.HTTPClientError | boto.IncompleteReadError | boto.ConnectionError):
        return "the connection was cut"
    raise Refused(
        f"Cannot {what} at {where} with these AWS settings ({type(error).__name__})", "Correct the AWS_ variables or ~/.aws"
    ) from None
