"""What holds for every file: short, at home on any machine, tied to no registry."""

from __future__ import annotations

import ast
import re

from sources import ROOT, tracked

MOST_LINES = 350
MOST_FUNCTION_LINES = 50
MACHINE_BOUND = re.compile(r"(?<![\w.~$}/:-])/(home|root|Users|work)/\w")
REGISTRY = re.compile(r"https?://[\w.-]*(pypi|pythonhosted|debian\.org|ubuntu\.com|pytorch\.org)")


def test_files_are_short() -> None:
    sources = tracked("*.py", "*.sh", "*.md", "*.yaml", "*.toml")
    lengths = {path.relative_to(ROOT).as_posix(): len(path.read_text().splitlines()) for path in sources}
    assert {name: lines for name, lines in lengths.items() if lines > MOST_LINES} == {}


def test_functions_are_short() -> None:
    long = [
        f"{path.relative_to(ROOT)}: {node.name}"
        for path in tracked("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef) and (node.end_lineno or 0) - node.lineno >= MOST_FUNCTION_LINES
    ]
    assert long == []


def test_no_file_is_bound_to_one_machine_or_registry() -> None:
    bound = []
    for path in tracked():
        try:
            text = path.read_text()
        except UnicodeDecodeError:
            continue
        if path.name != "test_repository_files.py":
            bound += [f"{path.relative_to(ROOT)}: {hit.group()}" for hit in MACHINE_BOUND.finditer(text)]
            bound += [f"{path.relative_to(ROOT)}: {hit.group()}" for hit in REGISTRY.finditer(text)]
    assert bound == []
