"""Looks at the ROS graph of this environment for a moment and prints what it finds, as JSON.

python -m autoglm_embodied.nodes.probes.graph_probe 2.0
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections import Counter
from functools import partial

from autoglm_embodied_interfaces.action import Grasp
from autoglm_embodied_interfaces.msg import FusionState, VoiceCommand
from rclpy.node import Node
from rclpy.utilities import get_rmw_implementation_identifier

from autoglm_embodied.ingest.sensor_input import SENSOR_STREAMS
from autoglm_embodied.ros.adaptive_subscription import STREAM_TYPES
from autoglm_embodied.ros.polled_subscription import PolledSubscription
from autoglm_embodied.ros.run_node import plain_node

OPTIONAL = ("wrench_batch", "depth_info")
TOPICS = {stream.topic: STREAM_TYPES[name] for name, stream in SENSOR_STREAMS.items() if name not in OPTIONAL}
DISCOVERY_S = 1.5


def listen(node: Node, seconds: float) -> dict[str, dict[str, float]]:
    """For each topic, how many publish it and how many messages a second came to a node in so many seconds."""
    counts: Counter[str] = Counter()
    subscriptions = [
        PolledSubscription(node, kind.message, topic, partial(_count, counts, topic), kind.qos, raw=True)
        for topic, kind in TOPICS.items()
    ]
    _poll(subscriptions, DISCOVERY_S)
    counts.clear()
    begun = time.monotonic()
    _poll(subscriptions, seconds)
    elapsed_s = time.monotonic() - begun
    return {topic: {"publishers": node.count_publishers(topic), "hz": counts[topic] / elapsed_s} for topic in TOPICS}


def _count(counts: Counter[str], topic: str, data: bytes) -> None:
    counts[topic] += 1


def _poll(subscriptions: list[PolledSubscription], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        for subscription in subscriptions:
            subscription.poll()
        time.sleep(0.02)


def main() -> None:
    """Print the middleware in use and the topics."""
    with plain_node("graph_probe") as node:
        found = {
            "rmw": get_rmw_implementation_identifier(),
            "domain": os.environ.get("ROS_DOMAIN_ID", "0"),
            "interfaces": [kind.__name__ for kind in (Grasp, FusionState, VoiceCommand)],
            "topics": listen(node, float(sys.argv[1])),
        }
    print(json.dumps(found), flush=True)


if __name__ == "__main__":
    main()
