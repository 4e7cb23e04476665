import pytest

from include.model_server.config import Policy
from include.model_server.versions import next_step, scan, wanted


def test_only_integers_are_versions(tmp_path):
    for name in ("1", "00000123", "1.5", "tmp-3", "v7", "-2", ".9", "99999999999999999999"):
        (tmp_path / name).mkdir()
    (tmp_path / "5").write_text("a file")
    assert {number: path.name for number, path in scan(tmp_path).items()} == {1: "1", 123: "00000123"}


def test_ten_thousand_versions_are_read_and_one_is_wanted(tmp_path):
    for number in range(10_000):
        (tmp_path / str(number)).mkdir()
    found = scan(tmp_path)
    assert len(found) == 10_000 and wanted(Policy(), found) == {9_999}


def test_a_missing_base_path_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        scan(tmp_path / "gone")


def test_policies_choose_of_what_is_there():
    found = [1, 2, 9, 10]
    assert wanted(Policy(), found) == {10}
    assert wanted(Policy(latest=Policy.Latest(num_versions=2)), found) == {9, 10}
    assert wanted(Policy(latest=Policy.Latest(num_versions=0)), found) == {10}
    assert wanted(Policy(all=Policy.All()), found) == set(found)
    assert wanted(Policy(specific=Policy.Specific(versions=[2, 77])), found) == {2}
    assert wanted(Policy(), []) == set()


def test_the_old_version_stays_until_the_new_one_is_up():
    assert next_step({2}, {2}, {1}) == ("load", 2)
    assert next_step({2}, set(), {1}) is None
    assert next_step({2}, set(), {1, 2}) == ("unload", 1)


def test_the_highest_is_loaded_first_and_the_lowest_unloaded_first():
    assert next_step({1, 2, 3}, {1, 2, 3}, set()) == ("load", 3)
    assert next_step({9}, {9}, {1, 2}) == ("unload", 1)


def test_what_nobody_wants_goes():
    assert next_step(set(), set(), {4}) == ("unload", 4)
    assert next_step(set(), set(), set()) is None
