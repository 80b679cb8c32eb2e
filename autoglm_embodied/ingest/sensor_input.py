"""From the bytes of a sensor's message, and when it came, to the aligner: the same way for live topics and bags."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np

from autoglm_embodied.errors import SensorError
from autoglm_embodied.ingest.calibration import Calibration
from autoglm_embodied.ingest.cdr import read_wrench, read_wrench_batch
from autoglm_embodied.ingest.joint_states import NamedJointReader
from autoglm_embodied.ingest.registration import DepthCamera
from autoglm_embodied.ingest.rgbd_frames import ImagePair, ImagePairer, RepeatedImages, rgbd_frame
from autoglm_embodied.ingest.stream_health import StreamMeter
from autoglm_embodied.kinematics import Robot
from autoglm_embodied.types import FloatArray, Frame


class Stream(NamedTuple):
    """Where a stream comes by default, and the type of its messages as the ROS graph calls it."""

    topic: str
    type_name: str
    other_types: tuple[str, ...] = ()  # that are read as well

    @property
    def types(self) -> tuple[str, ...]:
        """All types that are read."""
        return self.type_name, *self.other_types


COMPRESSED, CLOUD = "sensor_msgs/msg/CompressedImage", "sensor_msgs/msg/PointCloud2"
SENSOR_STREAMS = {
    "rgb": Stream("camera/color/image_raw", "sensor_msgs/msg/Image", (COMPRESSED,)),
    "depth": Stream("camera/depth/image_raw", "sensor_msgs/msg/Image", (COMPRESSED, CLOUD)),
    "camera_info": Stream("camera/color/camera_info", "sensor_msgs/msg/CameraInfo"),
    "depth_info": Stream("camera/depth/camera_info", "sensor_msgs/msg/CameraInfo"),  # where depth is not aligned
    "wrench": Stream("force_torque_sensor_broadcaster/wrench", "geometry_msgs/msg/WrenchStamped"),
    "wrench_batch": Stream(
        "force_torque_sensor_broadcaster/wrench_batch", "autoglm_embodied_interfaces/msg/WrenchBatch"
    ),
    "joints": Stream("joint_states", "sensor_msgs/msg/JointState"),
}
FAST_STREAMS = ("wrench", "wrench_batch", "joints")
"""Those between whose samples a tick falls; the others are the camera's."""
# All that is recorded and replayed:
STREAMS = SENSOR_STREAMS | {"voice": Stream("voice/command", "autoglm_embodied_interfaces/msg/VoiceCommand")}

FARTHEST_M = 20.0
DEPTH_STEP = 4  # between the pixels that are looked at: what is smaller is no view


def _check_depth(seen_m: FloatArray) -> None:
    """SensorError if no pixel of a depth image is of what an arm can reach."""
    known_m = seen_m[np.isfinite(seen_m) & (seen_m > 0)]
    if not len(known_m):
        raise SensorError("depth must be known somewhere in a frame, it is nowhere; clear the camera's view")
    if known_m.min() > FARTHEST_M:
        raise SensorError(
            f"depth must be within {FARTHEST_M:g} m somewhere in a frame, got {known_m.min():.4g} m at the nearest; "
            "is it in millimetres? These are encoded 16UC1"
        )


class SensorSink(Protocol):
    """What takes the sensors' data; a Pipeline does.

    Stamps [ns] say when something was measured, receive times [ns], on the monotonic clock, when it came.
    """

    def push_frame(self, frame: Frame, receive_ns: int) -> None:
        """Take a colour image with its depth, of which the later came at `receive_ns`."""

    def push_wrench(self, stamp_ns: int, receive_ns: int, wrench: FloatArray) -> None:
        """Take a sample of the wrist sensor: (6,) force then torque [N, N·m], raw, in the sensor's frame."""

    def push_joints(self, stamp_ns: int, receive_ns: int, position: FloatArray, velocity: FloatArray) -> None:
        """Take a state (J,) of the arm's joints [rad, rad/s], then of the fingers' [m, m/s]."""


@dataclass(frozen=True)
class NominalRates:
    """Nominal rates, by which losses are counted."""

    camera_hz: float = 30.0
    wrench_hz: float = 1000.0
    joints_hz: float = 1000.0


class SensorInput:
    """Reads messages, counts their samples and pushes each with its own stamp; what cannot be used is rejected.

    Args:
        sink: takes the data.
        robot: names the joints and the frame of the wrench.
        T_base_camera: (4, 4) pose of the camera's optical frame.
        rates: of the streams.
        reject: takes the stream of a message that cannot be used, and what is wrong with it.
        depth_camera: where depth that is not aligned with colour comes from.
        frozen_after_ns: for which an image may be repeated to the last bit; 0: for ever, and repeated ones are used.
    """

    def __init__(
        self,
        sink: SensorSink,
        robot: Robot,
        T_base_camera: FloatArray,
        rates: NominalRates,
        reject: Callable[[str, SensorError], None],
        depth_camera: DepthCamera | None = None,
        frozen_after_ns: int = 0,
    ) -> None:
        self.frames_pushed = 0  # how many the sink took
        self.reject = reject
        self._sink = sink
        self._wrench_frame = robot.wrench_frame
        limits = zip(robot.joint_names, robot.joint_lower_rad, robot.joint_upper_rad, strict=True)
        self._plausible_rad = [(name, low - math.pi, high + math.pi) for name, low, high in limits]
        self._T_base_camera = T_base_camera
        self.calibration: Calibration | None = None  # until a usable camera_info came
        self._depth_camera = depth_camera or DepthCamera()
        self._depth_info = b""
        self._repeated = RepeatedImages(frozen_after_ns)
        self._sources = {stream: SENSOR_STREAMS[stream] for stream in ("rgb", "depth")}
        self.pairer = ImagePairer(rates.camera_hz)
        self.joints = NamedJointReader(robot.joint_names + robot.finger_joint_names)
        self.meters = self.pairer.meters | {
            "wrench": StreamMeter(rates.wrench_hz),
            "joints": StreamMeter(rates.joints_hz),
        }
        self._take: dict[str, Callable[[bytes, int], None]] = {
            "camera_info": self._take_camera_info,
            "depth_info": self._take_depth_info,
            "wrench": self._take_wrench,
            "wrench_batch": self._take_wrench_batch,
            "joints": self._take_joints,
        }

    def take(self, stream: str, data: bytes, receive_ns: int, source: Stream | None = None) -> ImagePair | None:
        """Take a message; two images that it completes are returned, for `push` when there is time.

        Args:
            stream: one of SENSOR_STREAMS.
            data: the message in CDR.
            receive_ns: when it came on the monotonic clock.
            source: of an image, if its topic or its type are not the default ones.
        """
        try:
            if stream in self._sources:
                self._sources[stream] = source or SENSOR_STREAMS[stream]
                return self.pairer.take(stream, data, receive_ns, self._sources[stream].type_name)
            self._take[stream](data, receive_ns)
        except SensorError as error:
            self.reject(stream.removesuffix("_batch"), error)
        return None

    def push(self, pair: ImagePair) -> None:
        """Push two images as a frame, unless they show nothing new: what was seen grows old then, and is masked."""
        try:
            if self._repeated.has(pair):
                return
            calibration = self.calibration and self.calibration.of_topic(self._sources["rgb"].topic)
            depth_camera = self._depth_camera
            if self._depth_info:
                depth_camera = depth_camera.calibrated(self._depth_info, self._sources["depth"].topic)
            frame = rgbd_frame(pair, calibration, self._T_base_camera, depth_camera)
            _check_depth(frame.depth_m[::DEPTH_STEP, ::DEPTH_STEP])
            self._sink.push_frame(frame, pair.receive_ns)
        except SensorError as error:
            self.reject("frame", error)
        else:
            self.frames_pushed += 1

    def _take_camera_info(self, data: bytes, receive_ns: int) -> None:
        self.calibration = Calibration.read(data)

    def _take_depth_info(self, data: bytes, receive_ns: int) -> None:
        self._depth_info = data

    def _take_joints(self, data: bytes, receive_ns: int) -> None:
        state = self.joints.read(data)
        if state is None:
            return
        stamp_ns, position, velocity = state
        self.meters["joints"].count(stamp_ns, receive_ns)
        for angle_rad, (name, low_rad, high_rad) in zip(position.tolist(), self._plausible_rad, strict=False):
            if angle_rad < low_rad or angle_rad > high_rad:
                raise SensorError(
                    f"the position of {name!r} must be near its limits in the robot's file, from {low_rad:.3g} to "
                    f"{high_rad:.3g} rad, got {angle_rad:.4g}; is it in degrees, or of another robot?"
                )
        self._sink.push_joints(stamp_ns, receive_ns, position, velocity)

    def _take_wrench(self, data: bytes, receive_ns: int) -> None:
        stamp_ns, frame, wrench = read_wrench(data)
        self._push_wrench(stamp_ns, receive_ns, frame, wrench)

    def _take_wrench_batch(self, data: bytes, receive_ns: int) -> None:
        stamps_ns, frame, wrenches = read_wrench_batch(data)
        for stamp_ns, wrench in zip(stamps_ns.tolist(), wrenches, strict=True):
            try:
                self._push_wrench(stamp_ns, receive_ns, frame, wrench)
            except SensorError as error:  # of this sample, which does not harm the others
                self.reject("wrench", error)

    def _push_wrench(self, stamp_ns: int, receive_ns: int, frame: str, wrench: FloatArray) -> None:
        self.meters["wrench"].count(stamp_ns, receive_ns)
        if frame != self._wrench_frame:  # it would be felt in the wrong direction
            raise SensorError(
                f"a wrench must be in frame {self._wrench_frame!r}, got {frame!r} and no transform between them; "
                "let the driver publish it there, or name its frame as wrench_frame in the robot's file"
            )
        self._sink.push_wrench(stamp_ns, receive_ns, wrench)
