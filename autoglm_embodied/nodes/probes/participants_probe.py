"""Waits for SIGUSR1, joins the graph of this environment as many participants, and is there until it is ended.

python -m autoglm_embodied.nodes.probes.participants_probe 30
"""

from __future__ import annotations

import signal
import sys

from rclpy.context import Context
from rclpy.node import Node


def main() -> None:
    """Wait, join, and stay."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})
    print("waiting for SIGUSR1", flush=True)
    signal.sigwait({signal.SIGUSR1})
    nodes = []
    for number in range(int(sys.argv[1])):
        context = Context()  # each is a DDS participant of its own
        context.init()
        nodes.append(
            Node(f"participant_{number}", context=context, enable_rosout=False, start_parameter_services=False)
        )
    print(f"{len(nodes)} joined", flush=True)
    signal.pause()


if __name__ == "__main__":
    main()
