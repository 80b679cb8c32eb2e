"""Which tests run beside others where `make test` has several processes (pytest-xdist), and which alone; hypothesis."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

# Before numpy and torch come: processes that test side by side would spin for each other's cores.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# No test asks how fast a machine is. Every run tries the same cases, so that a change is judged by itself and not by
# luck; `--hypothesis-profile anew` tries others.
settings.register_profile("anew", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("any_machine", settings.get_profile("anew"), derandomize=True)
settings.load_profile("any_machine")

ALONE = (
    *("gazebo", "nodes", "sim/eval/test_over_graph.py", "sim/nodes", "tools/bench/test_ingest.py", "tools/faults"),
    *("tools/demo/test_demo.py", "tools/test_doctor.py", "voice/test_listener.py", "voice/test_sound_server.py"),
    *("voice/test_speaker.py", "voice/test_voice_node.py"),
)
"""What runs in real time: graphs and sound. One at a time, after all others."""
LONG = ("tools/test_interruption.py", "train", "sim/eval", "sim/bench")
"""Files that would keep all others waiting if they began last."""


@pytest.fixture(autouse=True)
def unchanged_priority() -> Iterator[None]:
    """No test leaves its process, and with it all that later ones start, with another priority."""
    before = os.sched_getscheduler(0), os.sched_getparam(0)
    yield
    after = os.sched_getscheduler(0), os.sched_getparam(0)
    os.sched_setscheduler(0, *before)
    assert after == before


def alone(nodeid: str) -> bool:
    """Whether a test belongs to these."""
    return nodeid.removeprefix("tests/").startswith(ALONE)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put those last that run alone, and long ones first."""
    items.sort(key=lambda item: (alone(item.nodeid), not item.nodeid.removeprefix("tests/").startswith(LONG)))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> object:
    """Each file goes to one process, all that run alone to the same; `--no-loadscope-reorder` keeps their order."""
    from xdist.scheduler import LoadScopeScheduling

    class Scheduling(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return "alone" if alone(nodeid) else nodeid.partition("::")[0]

    return Scheduling(config, log)
