import pytest

from include.errors import Refused
from include.nights import moment


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("", None), ("1970-01-02", 86400.0), ("1970-01-01T01:00", 3600.0), ("1970-01-01T01:00+01:00", 0.0)],
)
def test_a_moment_is_in_utc_unless_it_says_otherwise(text, seconds):
    assert moment(text) == seconds


@pytest.mark.parametrize("text", ["tomorrow", "2026-13-01", "2026-11-30 at noon", "x" * 10_000])
def test_what_is_no_moment_is_refused_in_a_short_sentence(text):
    with pytest.raises(Refused, match="is not a moment") as refused:
        moment(text)
    assert len(str(refused.value)) < 200
