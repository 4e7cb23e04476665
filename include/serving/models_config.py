"""The model config file of a server: which versions of which surfaces it serves (text of a ModelServerConfig).

Versions are always pinned. Under "latest" a corrupt new version would keep a restarting server from its good old one.
"""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from include.errors import Refused

SURFACE = re.compile(r"[a-z][a-z0-9_]{0,40}")

_MODEL = re.compile(r'name: "([a-z0-9_]+)".*?(?=\n  config \{|\Z)', re.DOTALL)


def check_surface(surface: str) -> str:
    """The name itself. Raises Refused when it could not be a surface: it becomes part of paths and routes."""
    if not SURFACE.fullmatch(surface):
        raise Refused(f"'{surface[:60]}' cannot be a surface", "Use lower case letters, digits and '_', a letter first")
    return surface


def config_text(
    models: Path, versions: Mapping[str, Sequence[int]], labels: Mapping[str, Mapping[str, int]] | None = None
) -> str:
    """The text of a config file.

    Args:
        models: the folder with one folder a surface, absolute.
        versions: surface -> versions to serve; a surface with none is left out.
        labels: surface -> label -> version.
    """
    blocks = []
    for surface in sorted(versions):
        if not versions[surface]:
            continue
        pins = " ".join(f"versions: {int(version)}" for version in sorted(set(versions[surface])))
        marks = "".join(
            f'\n    version_labels {{ key: "{label}" value: {int(version)} }}'
            for label, version in sorted((labels or {}).get(surface, {}).items())
        )
        blocks.append(
            f'\n  config {{\n    name: "{check_surface(surface)}"\n    base_path: "{models / surface}"\n'
            f'    model_platform: "tensorflow"\n    model_version_policy {{ specific {{ {pins} }} }}{marks}\n  }}'
        )
    return "model_config_list {" + "".join(blocks) + "\n}\n"


def pinned(text: str) -> dict[str, list[int]]:
    """Surface -> versions of a text that `config_text` wrote."""
    return {block[1]: [int(v) for v in re.findall(r"versions: (\d+)", block[0])] for block in _MODEL.finditer(text)}


def labelled(text: str) -> dict[str, dict[str, int]]:
    """Surface -> label -> version of a text that `config_text` wrote."""
    pattern = re.compile(r'version_labels \{ key: "([^"]+)" value: (\d+) \}')
    return {block[1]: {m[1]: int(m[2]) for m in pattern.finditer(block[0])} for block in _MODEL.finditer(text)}
