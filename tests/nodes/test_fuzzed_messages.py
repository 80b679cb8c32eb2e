"""Whatever bytes come on their topics, and whatever is set, the nodes go on and command nothing but what may be."""

from __future__ import annotations

from pathlib import Path

import pytest
from fuzzed_messages import fuzz
from node_graph import Graph

pytestmark = pytest.mark.slow


def test_changed_messages_and_parameters_end_no_node_and_command_nothing_odd(graph: Graph, checkpoint: Path) -> None:
    fuzz(graph, 3000, 150, 0, f"checkpoint:={checkpoint}")
