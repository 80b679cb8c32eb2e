"""Messages and parameters changed at random, to a governor and a fusion node: neither may end or command nonsense.

python fuzzed_messages.py MESSAGES PARAMETERS [SEED]: so many of each, with the shipped policy.
"""

from __future__ import annotations

import os
import signal
import struct
import sys
import time
from collections.abc import Callable
from random import Random
from typing import Any

import numpy as np
from autoglm_embodied_interfaces.msg import VoiceCommand, WrenchBatch
from diagnostic_msgs.msg import DiagnosticStatus, KeyValue
from geometry_msgs.msg import TwistStamped, Wrench, WrenchStamped
from node_graph import Graph, publish_hand_at_rest
from rcl_interfaces.msg import Parameter, ParameterType, ParameterValue
from rcl_interfaces.srv import ListParameters, SetParameters, SetParametersAtomically
from rclpy.qos import QoSProfile
from rclpy.serialization import serialize_message
from sensor_msgs.msg import CameraInfo, Image, JointState
from std_msgs.msg import Float64MultiArray

from autoglm_embodied.graph.domain import environment, private_domain
from autoglm_embodied.ros.conversions import twist_array
from autoglm_embodied.ros.qos import COMMANDS, LATCHED

NODES = ("governor_node", "fusion_node")
RELIABLE = QoSProfile(depth=100)
QOS = {"governor/state": LATCHED}
PAUSE_S, AT_ONCE = 0.01, 20  # so many messages, then a pause in which they are taken
LIMIT_M_S = 0.3
FRAME_IDS = {"wrench": "panda_ft", "camera": "camera_color_optical_frame", "twist": "panda_link0"}
NUMBERS = (b"\xff" * 4, b"\0" * 4, b"\xff\xff\xff\x7f", b"\0\0\0\x80", struct.pack("<f", float("nan")))
DOUBLES = (float("nan"), float("inf"), -float("inf"), 1e308, -1e-308, 0.0)
JOINTS = [*(f"panda_joint{n}" for n in range(1, 8)), "panda_finger_joint1", "panda_finger_joint2"]


def templates() -> dict[str, Any]:
    """A message of each topic that the two nodes read, as one is."""
    wrench = Wrench()
    wrench.force.z = -7.2
    pixels = np.full((48, 64), 900, np.uint16).tobytes()
    spoken = VoiceCommand(intent=VoiceCommand.GRASP, text="pick up the red cube", instruction="pick up the red cube")
    found = {
        "force_torque_sensor_broadcaster/wrench": WrenchStamped(wrench=wrench),
        "force_torque_sensor_broadcaster/wrench_batch": WrenchBatch(wrenches=[wrench]),
        "joint_states": JointState(name=JOINTS, position=[0.1] * 9, velocity=[0.0] * 9),
        "camera/color/camera_info": CameraInfo(
            width=64, height=48, k=[60.0, 0.0, 32.0, 0.0, 60.0, 24.0, 0.0, 0.0, 1.0]
        ),
        "camera/color/image_raw": Image(height=48, width=64, encoding="rgb8", step=192, data=bytes(9216)),
        "camera/depth/image_raw": Image(height=48, width=64, encoding="16UC1", step=128, data=pixels),
        "policy/delta_twist": TwistStamped(),
        "policy/gripper_width": Float64MultiArray(data=[0.05]),
        "voice/command": spoken,
        "governor/state": DiagnosticStatus(name="governor", values=[KeyValue(key="reasons", value="none")]),
    }
    for topic, message in found.items():
        if hasattr(message, "header"):
            message.header.frame_id = next((frame for part, frame in FRAME_IDS.items() if part in topic), "")
    return found


def changed(random: Random, data: bytes) -> bytes:
    """Bytes of a message with what may be wrong with them."""
    mutated = bytearray(data)
    for _ in range(random.choice((1, 1, 2, 5))):
        at = random.randrange(len(mutated) + 1)
        kind = random.randrange(6)
        if kind == 0:
            del mutated[at:]
        elif kind == 1:
            mutated[at:at] = random.randbytes(random.randrange(1, 40))
        elif kind == 2:
            mutated[at : at + 4] = random.choice(NUMBERS)
        elif kind == 3:
            mutated[at : at + 8] = struct.pack("<d", random.choice(DOUBLES))
        elif kind == 4:
            mutated[at : at + 4] = random.randbytes(4)
        else:
            mutated = bytearray(random.randbytes(random.randrange(200)))
        if not mutated:
            break
    return bytes(mutated)


def send_messages(graph: Graph, random: Random, count: int, alive: Callable[[], None]) -> None:
    """Send so many."""
    found = templates()
    publishers = {
        topic: graph.publisher(type(message), topic, QOS.get(topic, RELIABLE)) for topic, message in found.items()
    }
    for number in range(count):
        topic, message = random.choice(list(found.items()))
        if hasattr(message, "header") and random.random() < 0.9:
            message.header.stamp = graph.node.get_clock().now().to_msg()
        publishers[topic].publish(changed(random, serialize_message(message)))
        if number % AT_ONCE == 0:
            time.sleep(PAUSE_S)
            alive()


def drawn_value(random: Random) -> ParameterValue:
    """A value of any type."""
    number = random.choice((*DOUBLES, random.uniform(-10, 10), random.uniform(0, 1e10)))
    whole = random.choice((0, -1, 1, 2**63 - 1, -(2**63), random.randrange(10**10)))
    text = random.choice(("", "x" * 10_000, "\n", "/", "auto", "\u202e"))
    return random.choice(
        (
            ParameterValue(type=ParameterType.PARAMETER_NOT_SET),
            ParameterValue(type=ParameterType.PARAMETER_BOOL, bool_value=random.random() < 0.5),
            ParameterValue(type=ParameterType.PARAMETER_INTEGER, integer_value=whole),
            ParameterValue(type=ParameterType.PARAMETER_DOUBLE, double_value=number),
            ParameterValue(type=ParameterType.PARAMETER_STRING, string_value=text),
            ParameterValue(
                type=ParameterType.PARAMETER_DOUBLE_ARRAY, double_array_value=[number] * random.randrange(5)
            ),
            ParameterValue(type=ParameterType.PARAMETER_STRING_ARRAY, string_array_value=[text]),
        )
    )


def set_parameters(graph: Graph, random: Random, count: int, alive: Callable[[], None]) -> None:
    """Set so many, which are there or not, alone or together."""
    clients = {
        (node, kind): graph.node.create_client(kind, f"{node}/{name}")
        for node in NODES
        for name, kind in (("set_parameters", SetParameters), ("set_parameters_atomically", SetParametersAtomically))
    }
    names = {
        node: [
            *graph.call(ListParameters, f"{node}/list_parameters", ListParameters.Request()).result.names,
            "",
            "x..y",
        ]
        for node in NODES
    }
    done = 0
    while done < count:
        node, kind = random.choice(list(clients))
        some = random.choice((1, 1, 1, 2, 5))
        drawn = [Parameter(name=random.choice(names[node]), value=drawn_value(random)) for _ in range(some)]
        graph.result(lambda: clients[node, kind].call_async(kind.Request(parameters=drawn)), "it is answered")  # noqa: B023
        done += some
        alive()


def fuzz(graph: Graph, messages: int, parameters: int, seed: int, *settings: str) -> list[str]:
    """Send so many messages and set so many parameters, drawn with the seed; returns what the nodes printed.

    Args:
        graph: on which the nodes are started, and end.
        messages: how many.
        parameters: how many.
        seed: of what is drawn.
        settings: parameters of the fusion node, as name:=value.
    """
    random = Random(seed)
    twists = graph.collect(TwistStamped, "servo_node/delta_twist_cmds", COMMANDS)
    publish_hand_at_rest(graph)
    processes = [
        graph.start(f"autoglm_embodied.nodes.{name}", *(settings if name == NODES[1] else ())) for name in NODES
    ]
    graph.until(lambda: bool(twists), "the governor commands")

    def alive() -> None:
        ended = [name for name, process in zip(NODES, processes, strict=True) if process.poll() is not None]
        statuses = [process.poll() for process in processes]
        assert not ended, f"{ended} ended, {statuses}:\n{graph._printed()}"

    set_parameters(graph, random, parameters, alive)
    send_messages(graph, random, messages, alive)
    told = len(twists)
    graph.until(lambda: len(twists) > told + 100, "the governor still commands")
    speeds_m_s = [np.linalg.norm(twist_array(message.twist)[:3]) for message in twists]
    assert np.isfinite(speeds_m_s).all() and max(speeds_m_s) <= LIMIT_M_S + 1e-9
    return [graph.end(process, signal.SIGINT) for process in processes]


def main(messages: int, parameters: int, seed: int = 0) -> None:
    """Send so many, and say how it went."""
    with private_domain() as (domain, _):
        os.environ |= environment(domain, os.environ)
        with Graph(domain) as graph:
            said = fuzz(graph, messages, parameters, seed)
    lines = [len(each.splitlines()) for each in said]
    print(f"{messages} messages, {parameters} parameters, seed {seed}: both nodes went on; they printed {lines} lines")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
