"""The two families of error: try again, and do not.

A message always has two halves: what happened, and what to do about it.
"""


class NightfillError(Exception):
    """An error with a sentence for a person.

    Args:
        what: what happened, a full sentence without the full stop.
        todo: what to do, a full sentence without the full stop.
    """

    def __init__(self, what: str, todo: str) -> None:
        super().__init__(f"{what}. {todo}.")
        self.what = what
        self.todo = todo


class Refused(NightfillError):
    """The same input will fail again: do not retry."""


class TryAgain(NightfillError):
    """Something outside was not ready: a retry may succeed."""


EXIT_REFUSED, EXIT_TRY_AGAIN = 65, 75
"""Exit codes of a job for the two families, as in sysexits.h (EX_DATAERR, EX_TEMPFAIL)."""
