"""Looks at the ROS graph of this environment for a moment and prints what it finds, as JSON.

python -m autoglm_embodied.nodes.graph_probe 2.0
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections import Counter
from functools import partial
from typing import Any

import rclpy
from autoglm_embodied_interfaces.action import Grasp
from autoglm_embodied_interfaces.msg import FusionState, VoiceCommand
from geometry_msgs.msg import WrenchStamped
from rclpy.node import Node
from rclpy.qos import QoSProfile
from rclpy.utilities import get_rmw_implementation_identifier
from sensor_msgs.msg import CameraInfo, Image, JointState

from autoglm_embodied.ros.polled_subscription import PolledSubscription
from autoglm_embodied.ros.qos import FAST, FRAMES

TOPICS: dict[str, tuple[type[Any], QoSProfile]] = {
    "camera/color/image_raw": (Image, FRAMES),
    "camera/depth/image_raw": (Image, FRAMES),
    "camera/color/camera_info": (CameraInfo, FRAMES),
    "force_torque_sensor_broadcaster/wrench": (WrenchStamped, FAST),
    "joint_states": (JointState, FAST),
}
DISCOVERY_S = 1.5


def listen(node: Node, seconds: float) -> dict[str, dict[str, float]]:
    """For each topic, how many publish it and how many messages a second came.

    Args:
        node: that subscribes.
        seconds: over which messages are counted.
    """
    counts: Counter[str] = Counter()
    subscriptions = [
        PolledSubscription(node, kind, topic, partial(_count, counts, topic), qos, raw=True)
        for topic, (kind, qos) in TOPICS.items()
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
    rclpy.init()
    node = rclpy.create_node("graph_probe", enable_rosout=False, start_parameter_services=False)
    found = {
        "rmw": get_rmw_implementation_identifier(),
        "domain": os.environ.get("ROS_DOMAIN_ID", "0"),
        "interfaces": [kind.__name__ for kind in (Grasp, FusionState, VoiceCommand)],
        "topics": listen(node, float(sys.argv[1])),
    }
    node.destroy_node()
    rclpy.try_shutdown()
    print(json.dumps(found), flush=True)


if __name__ == "__main__":
    main()
