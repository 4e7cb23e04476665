"""One bad surface cannot stop another."""

import subprocess
import sys
from pathlib import Path

import pytest

from include import recipes
from include.errors import Refused
from include.settings import ROOT

GOOD = 'from include.recipes.recipe import Recipe\nRECIPES = tuple(Recipe(surface="{0}", name=n, model="m") for n in {1})\n'


@pytest.fixture
def surface(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Write a recipe module beside the real ones, and load it with home."""
    monkeypatch.setattr(recipes, "__path__", [*recipes.__path__, str(tmp_path)])

    def load(name: str, text: str):
        (tmp_path / f"{name}.py").write_text(text)
        return recipes._load_all(("home", name))

    yield load
    for name in [name for name in sys.modules if name.startswith("include.recipes.odd")]:
        del sys.modules[name]


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("odd_syntax", "RECIPES = (", "SyntaxError"),
        ("odd_import", "import no_such_module", "no_such_module"),
        ("odd_crash", "1 / 0", "ZeroDivisionError"),
        ("odd_empty", "RECIPES = ()", "one recipe 'popularity'"),
        ("odd_none", "", "RECIPES"),
        ("odd_alone", GOOD.format("odd_alone", '("popularity",)'), "one recipe 'popularity'"),
        ("odd_twice", GOOD.format("odd_twice", '("popularity", "a", "a")'), "of different names"),
        ("odd_other", GOOD.format("home", '("popularity", "a")'), "other surfaces"),
        (
            "odd_field",
            "from include.recipes.recipe import Recipe\nRECIPES = (Recipe(surface='x', colour=1),)",
            "ValidationError",
        ),
    ],
)
def test_a_broken_module_is_left_out_and_home_stays(surface, name: str, text: str, words: str) -> None:
    found, broken = surface(name, text)
    assert {owner for owner, _ in found} == {"home"}
    assert words in broken[name]


def test_a_sound_module_is_a_surface(surface) -> None:
    found, broken = surface("odd_sound", GOOD.format("odd_sound", '("popularity", "quick")'))
    assert broken == {} and ("odd_sound", "quick") in found


def test_recipes_may_differ_in_what_lies_in_the_model_but_not_in_what_a_caller_sends(surface) -> None:
    text = (
        "from include.recipes.columns import Columns\nfrom include.recipes.recipe import Recipe\n"
        "RECIPES = (Recipe(surface='{0}', name='popularity', model='m'), "
        "Recipe(surface='{0}', name='a', model='m', columns=Columns({1}=('age',))))"
    )
    assert surface("odd_product", text.format("odd_product", "product"))[1] == {}
    assert "a caller asks every arm alike" in surface("odd_history", text.format("odd_history", "history"))[1]["odd_history"]


def test_a_broken_surface_says_why_when_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recipes, "BROKEN", {"cellar": "ImportError: no lamp"})
    with pytest.raises(Refused, match="cannot be used: ImportError: no lamp"):
        recipes.get("cellar", "quick")


def test_search_is_asked_with_a_query_and_home_is_not() -> None:
    assert recipes.asks_query("search") and not recipes.asks_query("home")
    assert not recipes.asks_query("cellar")
    assert recipes.names("search")[:2] == ["popularity", "quick"]


@pytest.mark.slow
def test_homes_dags_load_without_search() -> None:
    code = (
        "import sys; sys.modules['include.recipes.search'] = None\n"
        "from nightfill.dag_docs import load_dags\n"
        "print(sorted(dag for dag in load_dags() if dag.endswith(('home', 'search'))))"
    )
    path = ":".join(str(ROOT / part) for part in ("", "plugins"))
    env = {"PATH": "/usr/bin:/bin", "PYTHONPATH": path, "AIRFLOW__CORE__UNIT_TEST_MODE": "True", "HOME": "/nonexistent"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, env=env | _airflow())
    assert "['release_home', 'rollback_home', 'start_home', 'train_home', 'tune_home']" in done.stdout, done.stderr[-2000:]


def _airflow() -> dict[str, str]:
    import os

    return {name: value for name, value in os.environ.items() if name.startswith("AIRFLOW")}
