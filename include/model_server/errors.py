"""The one error of the server: a canonical status code and a message that clients match on."""

from enum import IntEnum


class Code(IntEnum):
    """Canonical status codes, as gRPC and TensorFlow number them."""

    OK = 0
    CANCELLED = 1
    UNKNOWN = 2
    INVALID_ARGUMENT = 3
    DEADLINE_EXCEEDED = 4
    NOT_FOUND = 5
    ALREADY_EXISTS = 6
    PERMISSION_DENIED = 7
    RESOURCE_EXHAUSTED = 8
    FAILED_PRECONDITION = 9
    ABORTED = 10
    OUT_OF_RANGE = 11
    UNIMPLEMENTED = 12
    INTERNAL = 13
    UNAVAILABLE = 14
    DATA_LOSS = 15
    UNAUTHENTICATED = 16

    @property
    def http(self) -> int:
        """The HTTP status of a code."""
        return _HTTP.get(self, 500)


_HTTP = {
    Code.OK: 200,
    Code.INVALID_ARGUMENT: 400,
    Code.FAILED_PRECONDITION: 400,
    Code.OUT_OF_RANGE: 400,
    Code.UNAUTHENTICATED: 401,
    Code.PERMISSION_DENIED: 403,
    Code.NOT_FOUND: 404,
    Code.ALREADY_EXISTS: 409,
    Code.ABORTED: 409,
    Code.RESOURCE_EXHAUSTED: 429,
    Code.CANCELLED: 499,
    Code.UNIMPLEMENTED: 501,
    Code.UNAVAILABLE: 503,
    Code.DEADLINE_EXCEEDED: 504,
}


class StatusError(Exception):
    """Ends a request, a load or a reload with a code and a text."""

    def __init__(self, code: Code, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message

    def __str__(self) -> str:
        return f"{self.code.name}: {self.message}"


def invalid(message: str) -> StatusError:
    """INVALID_ARGUMENT, the most common one."""
    return StatusError(Code.INVALID_ARGUMENT, message)


def as_status(error: BaseException) -> StatusError:
    """Any exception as a status. TensorFlow's own errors carry their code."""
    if isinstance(error, StatusError):
        return error
    code = getattr(error, "error_code", None)
    if isinstance(code, int) and code in Code._value2member_map_:
        return StatusError(Code(code), str(getattr(error, "message", error)))
    if isinstance(error, FileNotFoundError):
        return StatusError(Code.NOT_FOUND, f"{error.filename}; No such file or directory")
    return StatusError(Code.INTERNAL, f"{type(error).__name__}: {error}")
