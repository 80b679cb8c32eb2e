"""From the bytes of a sensor's message, and when it came, to the aligner: the same way for live topics and bags."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple, Protocol

from autoglm_embodied.errors import SensorError
from autoglm_embodied.ingest.joint_states import NamedJointReader
from autoglm_embodied.ingest.rgbd_frames import Calibration, ImagePair, ImagePairer, rgbd_frame
from autoglm_embodied.ingest.stream_health import StreamMeter
from autoglm_embodied.ingest.wrenches import WrenchInput
from autoglm_embodied.kinematics import Robot
from autoglm_embodied.types import FloatArray, Frame


class Stream(NamedTuple):
    """Where a stream comes by default, and the type of its messages as the ROS graph calls it."""

    topic: str
    type_name: str


SENSOR_STREAMS = {
    "rgb": Stream("camera/color/image_raw", "sensor_msgs/msg/Image"),
    "depth": Stream("camera/depth/image_raw", "sensor_msgs/msg/Image"),
    "camera_info": Stream("camera/color/camera_info", "sensor_msgs/msg/CameraInfo"),
    "wrench": Stream("force_torque_sensor_broadcaster/wrench", "geometry_msgs/msg/WrenchStamped"),
    "wrench_batch": Stream(
        "force_torque_sensor_broadcaster/wrench_batch", "autoglm_embodied_interfaces/msg/WrenchBatch"
    ),
    "joints": Stream("joint_states", "sensor_msgs/msg/JointState"),
}
STREAMS = SENSOR_STREAMS | {"voice": Stream("voice/command", "autoglm_embodied_interfaces/msg/VoiceCommand")}
"""All that is recorded and replayed."""


class SensorSink(Protocol):
    """What takes the sensors' data; a Pipeline does. Receive times are on the monotonic clock."""

    def push_frame(self, frame: Frame, receive_ns: int) -> None:
        """Take a colour image with its depth.

        Args:
            frame: both, and the camera.
            receive_ns: when the later of them came.
        """
        ...

    def push_wrench(self, stamp_ns: int, receive_ns: int, wrench: FloatArray) -> None:
        """Take a sample of the wrist sensor.

        Args:
            stamp_ns: when it was measured.
            receive_ns: when it came.
            wrench: (6,) force then torque [N, N·m], raw, in the sensor's frame.
        """
        ...

    def push_joints(self, stamp_ns: int, receive_ns: int, position: FloatArray, velocity: FloatArray) -> None:
        """Take a state of arm and finger joints.

        Args:
            stamp_ns: when it was measured.
            receive_ns: when it came.
            position: (J,) arm [rad], then fingers [m].
            velocity: (J,) likewise [rad/s, m/s].
        """
        ...


@dataclass(frozen=True)
class NominalRates:
    """Nominal rates, by which losses are counted."""

    camera_hz: float = 30.0
    wrench_hz: float = 1000.0
    joints_hz: float = 1000.0


class SensorInput:
    """Reads messages, counts them and pushes what they say; what cannot be used is rejected.

    Args:
        sink: takes the data.
        robot: names the joints and the frame of the wrench.
        T_base_camera: (4, 4) pose of the camera's optical frame.
        rates: of the streams.
        reject: takes the stream of a message that cannot be used, and what is wrong with it.

    Attributes:
        meters: rate and loss of rgb, depth, wrench and joints.
        frames_pushed: how many frames the sink took.
        reject: as given.
    """

    def __init__(
        self,
        sink: SensorSink,
        robot: Robot,
        T_base_camera: FloatArray,
        rates: NominalRates,
        reject: Callable[[str, SensorError], None],
    ) -> None:
        self.frames_pushed = 0
        self.reject = reject
        self._sink = sink
        self._T_base_camera = T_base_camera
        self._calibration: Calibration | None = None
        self._pairer = ImagePairer(rates.camera_hz)
        self._joints = NamedJointReader(robot.joint_names + robot.finger_joint_names)
        self.meters = self._pairer.meters | {
            "wrench": StreamMeter(rates.wrench_hz),
            "joints": StreamMeter(rates.joints_hz),
        }
        wrench = WrenchInput(robot.wrench_frame, self.meters["wrench"], sink.push_wrench, partial(reject, "wrench"))
        self._take: dict[str, Callable[[bytes, int], ImagePair | None]] = {
            "rgb": partial(self._pairer.take, "rgb"),
            "depth": partial(self._pairer.take, "depth"),
            "camera_info": self._take_camera_info,
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
        """How many colour images found their depth image."""
        return self._pairer.paired

    def take(self, stream: str, data: bytes, receive_ns: int) -> ImagePair | None:
        """Take a message; two images that it completes are returned, for `push` when there is time.

        Args:
            stream: one of SENSOR_STREAMS.
            data: the message in CDR.
            receive_ns: when it came, on the monotonic clock.
        """
        try:
            return self._take[stream](data, receive_ns)
        except SensorError as error:
            self.reject(stream, error)
            return None

    def push(self, pair: ImagePair) -> None:
        """Push two images as a frame."""
        try:
            frame = rgbd_frame(pair.rgb, pair.depth, self._calibration, self._T_base_camera)
            self._sink.push_frame(frame, pair.receive_ns)
        except SensorError as error:
            self.reject("frame", error)
        else:
            self.frames_pushed += 1

    def _take_camera_info(self, data: bytes, receive_ns: int) -> None:
        self._calibration = Calibration.read(data)

    def _take_joints(self, data: bytes, receive_ns: int) -> None:
        stamp_ns, position, velocity = self._joints.read(data)
        self.meters["joints"].count(stamp_ns, receive_ns)
        self._sink.push_joints(stamp_ns, receive_ns, position, velocity)
