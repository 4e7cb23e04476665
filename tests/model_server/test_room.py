import ast
from pathlib import Path

from include.settings import ROOT

ROOM = ROOT / "include" / "model_server"


def imported(path: Path) -> set[str]:
    nodes = ast.walk(ast.parse(path.read_text()))
    return {name for node in nodes if isinstance(node, ast.ImportFrom) and (name := node.module or "").startswith("include")}


def test_the_room_could_be_lifted_out_as_a_package_of_its_own():
    names = {name for path in ROOM.glob("*.py") for name in imported(path)}
    assert names and all(name.split(".")[:2] == ["include", "model_server"] for name in names), names
