"""A count agrees with what is counted."""

import pytest

from include.words import counted


@pytest.mark.parametrize(("count", "said"), [(0, "0 rows"), (1, "1 row"), (2, "2 rows"), (2000, "2,000 rows")])
def test_one_is_no_plural(count, said):
    assert counted(count, "row") == said


def test_verbs_agree_as_well():
    assert counted(1, "day has no line", "days have no line") == "1 day has no line"
    assert counted(3, "day has no line", "days have no line") == "3 days have no line"
