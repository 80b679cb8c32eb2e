"""From the bytes of a sensor's message, and when it came, to the aligner: the same way for live topics and bags."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from rclpy.serialization import deserialize_message
from sensor_msgs.msg import CameraInfo

from autoglm_embodied.errors import SensorError
from autoglm_embodied.ingest.cdr import whole
from autoglm_embodied.ingest.conversions import JointReader
from autoglm_embodied.ingest.image_pairs import Calibration, ImagePairs, Pair, rgbd_frame
from autoglm_embodied.ingest.stream_health import Meter
from autoglm_embodied.ingest.wrench_input import WrenchInput
from autoglm_embodied.kinematics import Robot
from autoglm_embodied.types import FloatArray, Frame

TOPICS = {
    "rgb": "camera/color/image_raw",
    "depth": "camera/depth/image_raw",
    "camera_info": "camera/color/camera_info",
    "wrench": "force_torque_sensor_broadcaster/wrench",
    "wrench_batch": "force_torque_sensor_broadcaster/wrench_batch",
    "joints": "joint_states",
}
"""The streams of the sensors and where they come by default."""


class Sink(Protocol):
    """What takes the sensors' data; a Pipeline does."""

    def push_frame(self, frame: Frame, receive_ns: int) -> None:
        """A colour image with its depth."""
        ...

    def push_wrench(self, stamp_ns: int, receive_ns: int, wrench: FloatArray) -> None:
        """A wrench (6,) [N, N·m]."""
        ...

    def push_joints(self, stamp_ns: int, receive_ns: int, position: FloatArray, velocity: FloatArray) -> None:
        """Arm and finger joints."""
        ...


@dataclass(frozen=True)
class Rates:
    """Nominal rates, by which losses are counted."""

    camera_hz: float = 30.0
    wrench_hz: float = 1000.0
    joints_hz: float = 1000.0


class Intake:
    """Reads messages, counts them and hands on what they say; what cannot be used is refused.

    Attributes:
        meters: rate and loss of rgb, depth, wrench and joints.
        encoded: frames handed on.
        refuse: takes the stream of a message that cannot be used, and what is wrong with it.
    """

    def __init__(
        self,
        sink: Sink,
        robot: Robot,
        T_base_camera: FloatArray,
        rates: Rates,
        reject: Callable[[str, SensorError], None],
    ) -> None:
        self.encoded = 0
        self._sink = sink
        self._T_base_camera = T_base_camera
        self.reject = reject
        self._calibration: Calibration | None = None
        self._pairs = ImagePairs(rates.camera_hz)
        self._joints = JointReader(robot.joint_names + robot.finger_joint_names)
        self.meters = self._pairs.meters | {"wrench": Meter(rates.wrench_hz), "joints": Meter(rates.joints_hz)}
        wrench = WrenchInput(robot.wrench_frame, self.meters["wrench"], sink.push_wrench, partial(reject, "wrench"))
        self._take: dict[str, Callable[[bytes, int], Pair | None]] = {
            "rgb": partial(self._pairs.take, "rgb"),
            "depth": partial(self._pairs.take, "depth"),
            "camera_info": self._take_info,
            "wrench": wrench.take,
            "wrench_batch": wrench.take_batch,
            "joints": self._take_joints,
        }

    @property
    def calibrated(self) -> bool:
        """Whether a usable camera_info came."""
        return self._calibration is not None

    @property
    def paired(self) -> int:
        """Colour and depth images that found each other."""
        return self._pairs.paired

    def take(self, stream: str, data: bytes, receive_ns: int) -> Pair | None:
        """Take a message of a stream; two images that it completes are returned, for `push` when there is time."""
        try:
            return self._take[stream](data, receive_ns)
        except SensorError as error:
            self.reject(stream, error)
            return None

    def push(self, pair: Pair) -> None:
        """Hand two images on as a frame."""
        try:
            frame = rgbd_frame(pair.rgb, pair.depth, self._calibration, self._T_base_camera)
            self._sink.push_frame(frame, pair.receive_ns)
        except SensorError as error:
            self.reject("frame", error)
        else:
            self.encoded += 1

    def _take_info(self, data: bytes, receive_ns: int) -> None:
        self._calibration = Calibration.of(whole(deserialize_message)(data, CameraInfo))

    def _take_joints(self, data: bytes, receive_ns: int) -> None:
        stamp_ns, position, velocity = self._joints.read(data)
        self.meters["joints"].count(stamp_ns, receive_ns)
        self._sink.push_joints(stamp_ns, receive_ns, position, velocity)
