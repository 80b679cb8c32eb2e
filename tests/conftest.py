"""Which tests may run beside others where `make test` has several processes."""

from __future__ import annotations

from pathlib import Path

import pytest

ALONE = ("gazebo", "graph", "nodes", "ros", "sim/eval/test_over_graph.py", "sim/nodes", "tools", "voice")
"""What runs in real time: graphs, sound, processes that must end within a second. One at a time, after all others."""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Give each file one process, and all that must run alone together the last."""
    if not config.pluginmanager.hasplugin("xdist"):
        return

    def alone(item: pytest.Item) -> bool:
        return item.path.relative_to(Path(__file__).parent).as_posix().startswith(ALONE)

    items.sort(key=alone)
    for item in items:
        item.add_marker(pytest.mark.xdist_group("alone" if alone(item) else str(item.path)))
