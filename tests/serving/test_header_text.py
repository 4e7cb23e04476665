"""A household's id goes through the gateway whatever letters it has."""

import pytest

from include.serving.predict import header_text


@pytest.mark.parametrize(
    ("household", "header"),
    [("17850", "17850"), ("anna@example.org", "anna@example.org"), ("Zoë", "Zo%C3%AB"), ("a\nb", "a%0Ab"), ("", "")],
)
def test_a_header_is_ascii_and_plain_ids_stay_as_they_are(household, header):
    assert header_text(household) == header
