"""Two processes that test the transports: one sends camera frames, the other says how many arrived.

python -m autoglm_embodied.nodes.probes.frame_probe receive 60 &
python -m autoglm_embodied.nodes.probes.frame_probe send 60
"""

from __future__ import annotations

import sys
import time

import numpy as np
import rclpy
from rclpy.node import Node
from sensor_msgs.msg import Image
from std_msgs.msg import Empty

from autoglm_embodied.ros.conversions import image_message
from autoglm_embodied.ros.qos import EVENTS, FRAMES
from autoglm_embodied.ros.run_node import plain_node

TOPIC, GREETED = "frame_probe", "frame_probe_greeted"
GREETING = "greeting"  # frame_id of images that do not count: they show that the other side listens
HEIGHT, WIDTH, RATE_HZ = 480, 640, 30.0
MATCH_LIMIT_S = 20.0
SILENCE_LIMIT_S = 2.0


def send(node: Node, count: int) -> int:
    """Send so many frames at the camera's rate once somebody has greeted back; returns how many were sent."""
    publisher = node.create_publisher(Image, TOPIC, FRAMES)
    answers: list[Empty] = []
    node.create_subscription(Empty, GREETED, answers.append, EVENTS)
    greeting = image_message(np.zeros((1, 1, 3), np.uint8), "rgb8", 0, GREETING)
    deadline = time.monotonic() + MATCH_LIMIT_S
    while not answers:
        if time.monotonic() > deadline:
            return 0
        publisher.publish(greeting)
        rclpy.spin_once(node, timeout_sec=0.05)
    message = image_message(np.zeros((HEIGHT, WIDTH, 3), np.uint8), "rgb8", 0, "")
    for _ in range(count):
        publisher.publish(message)
        time.sleep(1 / RATE_HZ)
    deadline = time.monotonic() + 2 * SILENCE_LIMIT_S
    while publisher.get_subscription_count() and time.monotonic() < deadline:
        rclpy.spin_once(node, timeout_sec=0.05)  # the last frame is still on its way
    return count


def receive(node: Node, count: int) -> int:
    """Receive frames until so many are there, or until a silence; returns how many came."""
    answer = node.create_publisher(Empty, GREETED, EVENTS)
    counted: list[float] = []
    last = time.monotonic() + MATCH_LIMIT_S - SILENCE_LIMIT_S

    def take(message: Image) -> None:
        nonlocal last
        last = time.monotonic()
        if message.header.frame_id == GREETING:
            answer.publish(Empty())
        else:
            counted.append(last)

    node.create_subscription(Image, TOPIC, take, FRAMES)
    while len(counted) < count and time.monotonic() < last + SILENCE_LIMIT_S:
        rclpy.spin_once(node, timeout_sec=0.1)
    return len(counted)


def main() -> None:
    """Run one side of the test and print its count."""
    what, count = sys.argv[1], int(sys.argv[2])
    with plain_node(f"frame_probe_{what}") as node:
        print((send if what == "send" else receive)(node, count), flush=True)


if __name__ == "__main__":
    main()
