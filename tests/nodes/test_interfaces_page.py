"""docs/interfaces.md says of the nodes what they say of themselves."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow
DOCS = Path(__file__).parents[2] / "docs"


def test_the_page_of_topics_and_parameters_is_what_the_nodes_have(tmp_path: Path) -> None:
    page = tmp_path / "interfaces.md"
    subprocess.run([sys.executable, str(DOCS / "write_interfaces.py"), str(page)], check=True, timeout=300)
    said, written = (path.read_text().splitlines() for path in (page, DOCS / "interfaces.md"))
    assert sorted(set(said) ^ set(written)) == [], "write it anew: python docs/write_interfaces.py"
    assert said == written
