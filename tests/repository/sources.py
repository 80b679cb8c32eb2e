"""The Python sources of both packages and what they import, read without running them."""

from __future__ import annotations

import ast
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CORE, SIM = "autoglm_embodied", "autoglm_embodied_sim"
FOLDERS = {CORE: ROOT / CORE, SIM: ROOT / "sim" / SIM}


@dataclass(frozen=True)
class Import:
    """One import of `name` ("package.module.name") by `module`."""

    module: str
    name: str

    @property
    def package(self) -> str:
        """The top-level package that is imported."""
        return self.name.split(".")[0]


def modules(package: str) -> dict[str, Path]:
    """Dotted name and file of every module of a package."""
    folder = FOLDERS[package]
    found = {}
    for path in sorted(folder.rglob("*.py")):
        parts = path.relative_to(folder.parent).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


@cache
def imports(package: str) -> tuple[Import, ...]:
    """Every import statement of a package, those inside functions included."""
    found: list[Import] = []
    for module, path in modules(package).items():
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                found += [Import(module, alias.name) for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0, f"{module} must import by full names"
                found += [Import(module, f"{node.module}.{alias.name}") for alias in node.names]
    return tuple(found)


def room(module: str) -> str:
    """The room of a module or of a name in it: the folder, or the file beside the folders; `sim.` for the simulator."""
    parts = module.split(".")
    inside = parts[1] if len(parts) > 1 else "root"
    return f"sim.{inside}" if parts[0] == SIM else inside


def tracked(*patterns: str) -> list[Path]:
    """Files that git keeps and that are there, links left out."""
    listed = subprocess.check_output(["git", "ls-files", "-z", "--", *patterns], cwd=ROOT, text=True).split("\0")
    return [ROOT / name for name in listed if name and (ROOT / name).is_file() and not (ROOT / name).is_symlink()]
