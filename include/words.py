"""Small words of sentences that the command, jobs, reports and pages have in common."""


def counted(count: int, one: str, many: str = "") -> str:
    """A count and what is counted: `1 row`, `2,000 rows`.

    Args:
        one: the words after a count of one, a verb among them if the sentence needs it: `day has no line`.
        many: those after any other count; `one` with an s when it is not given.
    """
    return f"{count:,} {one if count == 1 else many or f'{one}s'}"
