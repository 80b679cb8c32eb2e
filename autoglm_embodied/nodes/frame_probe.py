"""Two processes that test the transports: one sends camera frames, the other says how many arrived.

python -m autoglm_embodied.nodes.frame_probe receive 60 &
python -m autoglm_embodied.nodes.frame_probe send 60
"""

from __future__ import annotations

import sys
import time

import numpy as np
import rclpy
from rclpy.node import Node
from sensor_msgs.msg import Image

from autoglm_embodied.nodes.conversions import image_message
from autoglm_embodied.nodes.qos import FRAMES

TOPIC = "frame_probe"
HEIGHT, WIDTH, RATE_HZ = 480, 640, 30.0
MATCH_LIMIT_S = 20.0
SILENCE_LIMIT_S = 2.0


def send(node: Node, count: int) -> int:
    """Send `count` frames at the camera's rate once somebody listens; returns how many were sent."""
    publisher = node.create_publisher(Image, TOPIC, FRAMES)
    message = image_message(np.zeros((HEIGHT, WIDTH, 3), np.uint8), "rgb8", 0, "")
    deadline = time.monotonic() + MATCH_LIMIT_S
    while not publisher.get_subscription_count():
        if time.monotonic() > deadline:
            return 0
        rclpy.spin_once(node, timeout_sec=0.05)
    time.sleep(0.5)  # the other side may learn of this one a little later
    for _ in range(count):
        publisher.publish(message)
        time.sleep(1 / RATE_HZ)
    time.sleep(0.5)  # the last frame is still on its way
    return count


def receive(node: Node, count: int) -> int:
    """Receive up to `count` frames; returns how many came before a silence."""
    received: list[float] = []
    node.create_subscription(Image, TOPIC, lambda _: received.append(time.monotonic()), FRAMES)
    deadline = time.monotonic() + MATCH_LIMIT_S
    while len(received) < count:
        rclpy.spin_once(node, timeout_sec=0.1)
        if time.monotonic() > (received[-1] + SILENCE_LIMIT_S if received else deadline):
            break
    return len(received)


def main() -> None:
    """Run one side of the test and print its count."""
    what, count = sys.argv[1], int(sys.argv[2])
    rclpy.init()
    node = rclpy.create_node(f"frame_probe_{what}")
    print((send if what == "send" else receive)(node, count), flush=True)
    node.destroy_node()
    rclpy.try_shutdown()


if __name__ == "__main__":
    main()
