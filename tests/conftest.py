"""Which tests run beside others where `make test` has several processes (pytest-xdist), and which alone; hypothesis."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile("any_machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any_machine")  # no test asks how fast a machine is

ALONE = ("gazebo", "graph", "nodes", "ros", "sim/eval/test_over_graph.py", "sim/nodes", "tools", "voice")
"""What runs in real time: graphs, sound, processes that must end within a second. One at a time, after all others."""


def alone(nodeid: str) -> bool:
    """Whether a test belongs to these."""
    return nodeid.removeprefix("tests/").startswith(ALONE)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put those last that run alone."""
    items.sort(key=lambda item: alone(item.nodeid))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> object:
    """Each file goes to one process, all that run alone to the same; `--no-loadscope-reorder` keeps their order."""
    from xdist.scheduler import LoadScopeScheduling

    class Scheduling(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return "alone" if alone(nodeid) else nodeid.partition("::")[0]

    return Scheduling(config, log)
