"""docs/FEATURES.md says what the entries say."""

from include.features.entries import ENTRIES, FAMILIES
from include.features.kinds import KEYS
from include.features.page import PAGE, render
from include.quality.bad_rows import PRIVATE


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text() == render(), "run make docs"


def test_every_feature_stands_in_the_page_with_all_that_is_asked_of_it() -> None:
    page = render()
    for family in FAMILIES:
        assert f"## {family.name}\n" in page and family.owner and family.freshness
    rows = [line for line in page.splitlines() if line.startswith("| ") and not line.startswith("| name")]
    assert len(rows) == len(ENTRIES)
    assert all(len(line.split("|")) == 9 and all(cell.strip() for cell in line.split("|")[1:7]) for line in rows)


def test_what_is_said_of_a_household_is_personal_and_nothing_else_is() -> None:
    for family, entry in ENTRIES.values():
        assert (family.privacy == "personal") == (family.entity in ("pair", "household")), entry.name


def test_whom_a_personal_feature_is_about_is_masked_where_bad_rows_are_kept() -> None:
    for family in FAMILIES:
        if family.privacy == "personal":
            assert "household" in set(KEYS[family.entity]) & set(PRIVATE), family.name
