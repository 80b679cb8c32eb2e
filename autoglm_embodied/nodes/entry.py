"""What the commands of the nodes start. A signal that comes while a node is still imported ends it without a trace."""

from __future__ import annotations

import signal
from collections.abc import Callable
from importlib import import_module


def entry(module: str) -> Callable[[], int]:
    """The command of the node in a module, such as autoglm_embodied.nodes.governor_node."""

    def start() -> int:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_DFL)  # nothing has begun; the node sets its own
        return int(import_module(module).main() or 0)

    return start


fusion_node = entry("autoglm_embodied.nodes.fusion_node")
governor_node = entry("autoglm_embodied.nodes.governor_node")
manager_node = entry("autoglm_embodied.nodes.manager_node")
record_node = entry("autoglm_embodied.nodes.record_node")
voice_node = entry("autoglm_embodied.nodes.voice_node")
