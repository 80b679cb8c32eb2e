"""Messages of an arm at rest, without a network."""

from __future__ import annotations

import numpy as np
from autoglm_embodied_interfaces.msg import VoiceCommand
from observing import EPOCH_NS, MS, ROBOT
from rclpy.serialization import serialize_message
from sensor_msgs.msg import CameraInfo

from autoglm_embodied.bag.message import BagMessage
from autoglm_embodied.ingest.cdr import WrenchWriter
from autoglm_embodied.ingest.joint_states import JointStateWriter
from autoglm_embodied.ingest.sensor_input import STREAMS
from autoglm_embodied.ros.conversions import image_message, to_stamp

READY_RAD = np.array([0.0, -0.3, 0.0, -2.2, 0.0, 1.9, 0.785, 0.04, 0.04])
HEIGHT, WIDTH = 48, 64
STREAM_OF = {f"/{default.topic}": stream for stream, default in STREAMS.items()}


def message(stream: str, data: bytes, receive_ns: int, topic: str = "") -> BagMessage:
    default = STREAMS[stream]
    return BagMessage(topic or f"/{default.topic}", default.type_name, data, receive_ns, receive_ns)


def recording(milliseconds: int, late_ns: int = 300_000) -> list[BagMessage]:
    """Wrenches and joint states at 1 kHz, images at 50 Hz and one command, received `late_ns` after their stamps."""
    random = np.random.default_rng(0)
    wrenches = WrenchWriter(ROBOT.wrench_frame)
    states = JointStateWriter(ROBOT.base_frame, [*ROBOT.joint_names, *ROBOT.finger_joint_names])
    info = CameraInfo(width=WIDTH, height=HEIGHT, k=[60.0, 0.0, 32.0, 0.0, 60.0, 24.0, 0.0, 0.0, 1.0])
    found = [message("camera_info", serialize_message(info), EPOCH_NS)]
    for k in range(milliseconds):
        t_ns = EPOCH_NS + k * MS
        receive_ns = t_ns + late_ns
        found.append(message("wrench", wrenches.write(t_ns, random.normal(0.0, 0.5, 6)), receive_ns))
        noise = random.normal(0.0, 1e-4, (2, 9))
        found.append(message("joints", states.write(t_ns, READY_RAD + noise[0], noise[1]), receive_ns))
        if k % 20 == 0:
            colour = random.integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)
            depth_mm = random.integers(400, 1500, (HEIGHT, WIDTH), np.uint16)
            for stream, pixels, encoding in (("rgb", colour, "rgb8"), ("depth", depth_mm, "16UC1")):
                image = image_message(pixels, encoding, t_ns, "camera")
                found.append(message(stream, serialize_message(image), receive_ns))
        if k == milliseconds // 2:
            command = VoiceCommand(intent=VoiceCommand.GRASP, instruction="pick up the red cube")
            command.header.stamp = to_stamp(t_ns)
            found.append(message("voice", serialize_message(command), receive_ns))
    return found
