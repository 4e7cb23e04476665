"""Setting up is done once, and an interrupted one is done again."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from include.cli import setup, wipe
from include.errors import TryAgain


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A project whose requirements are empty, with a `.venv` that has Python already."""
    (tmp_path / "requirements.txt").write_text("")
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    setup.venv_python(tmp_path).symlink_to(sys.executable)
    return tmp_path


def test_a_second_setup_does_nothing(root: Path) -> None:
    said: list[str] = []
    (root / ".venv" / setup.STAMP).write_text(json.dumps({"requirements": setup._digest(root)}))
    assert setup.ensure(root, said.append) == 0.0
    assert said == []


def test_an_install_without_its_stamp_is_not_ready(root: Path) -> None:
    assert not setup.is_ready(root)


def test_changed_requirements_are_installed_again(root: Path) -> None:
    (root / ".venv" / setup.STAMP).write_text(json.dumps({"requirements": setup._digest(root)}))
    assert setup.is_ready(root)
    (root / "requirements.txt").write_text("six==1.17.0\n")
    assert not setup.is_ready(root)


def test_a_failed_install_leaves_no_stamp_and_says_what_to_do(root: Path) -> None:
    (root / "requirements.txt").write_text("this is no requirement\n")
    with pytest.raises(TryAgain, match="could not be installed"):
        setup.ensure(root, lambda _: None)
    assert setup.read_stamp(root) == {}


def test_what_runs_before_the_venv_imports_only_the_standard_library() -> None:
    code = (
        "import sys; before=set(sys.modules); import include.cli.__main__; "
        "new={m.split('.')[0] for m in set(sys.modules)-before}; print(sorted(new - set(sys.stdlib_module_names)))"
    )
    done = subprocess.run([sys.executable, "-S", "-c", code], cwd=setup.ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['include']"


def test_clean_deletes_what_nightfill_wrote_and_nothing_beside_it(tmp_path: Path) -> None:
    for name in ("store", "run", "somebody's own"):
        (tmp_path / name).mkdir()
    assert wipe.forget(tmp_path, None) == 0
    assert [path.name for path in tmp_path.iterdir()] == ["somebody's own"]
