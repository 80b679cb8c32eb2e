"""Messages of an arm at rest without a network, and Observations to the bit."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields, is_dataclass, replace
from typing import Any

import numpy as np
from autoglm_embodied_interfaces.msg import VoiceCommand
from rclpy.serialization import serialize_message
from sensor_msgs.msg import CameraInfo

from autoglm_embodied.align.aligner import Aligner
from autoglm_embodied.align.settings import AlignSettings
from autoglm_embodied.bag.message import BagMessage
from autoglm_embodied.config import shipped
from autoglm_embodied.errors import SensorError
from autoglm_embodied.ingest.cdr import JointStateWriter, WrenchWriter
from autoglm_embodied.ingest.conversions import image_message, to_stamp
from autoglm_embodied.ingest.sensor_input import Intake, Rates
from autoglm_embodied.kinematics import Robot, forward_kinematics
from autoglm_embodied.replay.player import Player
from autoglm_embodied.replay.sessions import AligningSession, Session
from autoglm_embodied.replay.tick_schedule import Instant
from autoglm_embodied.ros.camera_subscription import camera_pose
from autoglm_embodied.ros.raw_subscriptions import KINDS, TOPICS
from autoglm_embodied.ros.sensor_topic import type_name
from autoglm_embodied.types import Observation

MS = 1_000_000
EPOCH_NS = 1_700_000_000_000 * MS
READY_RAD = np.array([0.0, -0.3, 0.0, -2.2, 0.0, 1.9, 0.785, 0.04, 0.04])
HEIGHT, WIDTH = 48, 64
ROBOT = Robot.from_file(shipped("panda.yaml"))
STREAM_OF = {f"/{topic}": stream for stream, topic in TOPICS.items()}


def message(stream: str, data: bytes, receive_ns: int, topic: str = "") -> BagMessage:
    return BagMessage(topic or f"/{TOPICS[stream]}", type_name(KINDS[stream].message), data, receive_ns, receive_ns)


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


class GivenTicks:
    """The instants of an earlier run."""

    def __init__(self, instants: Iterable[Instant] = ()) -> None:
        self._instants = list(instants)

    def note(self, stamp_ns: int, receive_ns: int) -> None:
        pass

    def before(self, receive_ns: int) -> Iterable[Instant]:
        while self._instants and self._instants[0].now_receive_ns < receive_ns:
            yield self._instants.pop(0)


def aligning_session() -> AligningSession:
    settings = replace(AlignSettings(), arm_joints=ROBOT.joints, finger_joints=len(ROBOT.finger_joint_names))
    return AligningSession(Aligner(settings, lambda position: forward_kinematics(ROBOT, position)))


def player(session: Session, ticks: GivenTicks, observed: list[Observation], rejected: list[SensorError]) -> Player:
    intake = Intake(
        session.sink, ROBOT, camera_pose(shipped("camera.yaml")), Rates(), lambda _, error: rejected.append(error)
    )
    return Player(intake, session, ticks, observed.append)


def bits(value: Any) -> Any:
    """A value with every number as its bytes, so that equal means equal to the last bit."""
    if is_dataclass(value):
        return tuple((field.name, bits(getattr(value, field.name))) for field in fields(value))
    if isinstance(value, np.ndarray):
        return value.dtype.str, value.shape, value.tobytes()
    return value.hex() if isinstance(value, float) else value
