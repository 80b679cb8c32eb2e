"""What messages say reaches the pipeline; what cannot be used is refused by name, and the stream goes on."""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np
import pytest
from autoglm_embodied_interfaces.msg import WrenchBatch
from geometry_msgs.msg import Wrench, WrenchStamped
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rclpy.serialization import serialize_message
from sensor_msgs.msg import CameraInfo, CompressedImage, PointCloud2, PointField

from autoglm_embodied.config import shipped
from autoglm_embodied.errors import SensorError
from autoglm_embodied.ingest.joint_states import JointStateWriter
from autoglm_embodied.ingest.sensor_input import NominalRates, SensorInput, Stream
from autoglm_embodied.ingest.stream_health import RejectedMessages
from autoglm_embodied.kinematics import Robot
from autoglm_embodied.ros.adaptive_subscription import type_name
from autoglm_embodied.ros.conversions import image_message, to_stamp
from autoglm_embodied.types import FloatArray, Frame, require_finite

ROBOT = Robot.from_file(shipped("panda.yaml"))
MS = 1_000_000
T_NS = 1_700_000_000_000 * MS


@dataclass
class LoggedSink:
    """A sink that keeps what it is given, and is as strict about wrenches as the aligner."""

    frames: list[Frame] = field(default_factory=list)
    wrenches: list[tuple[int, int, list[float]]] = field(default_factory=list)
    joints: list[tuple[int, FloatArray]] = field(default_factory=list)

    def push_frame(self, frame: Frame, receive_ns: int) -> None:
        self.frames.append(frame)

    def push_wrench(self, stamp_ns: int, receive_ns: int, wrench: FloatArray) -> None:
        require_finite("wrench", wrench, (6,))
        self.wrenches.append((stamp_ns, receive_ns, wrench.tolist()))

    def push_joints(self, stamp_ns: int, receive_ns: int, position: FloatArray, velocity: FloatArray) -> None:
        self.joints.append((stamp_ns, position))


@pytest.fixture
def taken() -> LoggedSink:
    return LoggedSink()


@pytest.fixture
def rejected() -> RejectedMessages:
    return RejectedMessages(lambda sentence: None)


@pytest.fixture
def sensors(taken: LoggedSink, rejected: RejectedMessages) -> SensorInput:
    return SensorInput(taken, ROBOT, np.eye(4), NominalRates(), rejected.reject)


def wrench(number: float = 1.0, frame: str = ROBOT.wrench_frame, t_ns: int = T_NS) -> WrenchStamped:
    message = WrenchStamped()
    message.header.frame_id, message.header.stamp, message.wrench.force.z = frame, to_stamp(t_ns), number
    return message


def batch(numbers: list[float], frame: str = ROBOT.wrench_frame, stamps: int | None = None) -> WrenchBatch:
    message = WrenchBatch()
    message.header.frame_id = frame
    message.stamps = [to_stamp(T_NS + k * MS) for k in range(len(numbers) if stamps is None else stamps)]
    message.wrenches = [Wrench() for _ in numbers]
    for each, number in zip(message.wrenches, numbers, strict=True):
        each.force.z = number
    return message


def colour(size: tuple[int, int] = (480, 640), encoding: str = "rgb8", t_ns: int = T_NS) -> Any:
    message = image_message(np.full((*size, 3), 9, np.uint8), "rgb8", t_ns, "camera")
    message.encoding = encoding
    return message


def depth(size: tuple[int, int] = (480, 640), frame: str = "camera", encoding: str = "16UC1", t_ns: int = T_NS) -> Any:
    message = image_message(np.full(size, 900, np.uint16), "16UC1", t_ns, frame)
    message.encoding = encoding
    return message


def info(size: tuple[int, int] = (480, 640), focal: float = 600.0) -> CameraInfo:
    height, width = size
    return CameraInfo(width=width, height=height, k=[focal, 0.0, 320.0, 0.0, focal, 240.0, 0.0, 0.0, 1.0])


def feed(sensors: SensorInput, stream: str, message: Any, receive_ns: int = 7, source: Stream | None = None) -> None:
    data = message if isinstance(message, bytes) else serialize_message(message)
    pair = sensors.take(stream, data, receive_ns, source)
    if pair is not None:
        sensors.push(pair)


def test_the_topic_of_colour_decides_whether_a_lens_is_undone(sensors: SensorInput, taken: LoggedSink) -> None:
    distorted = info()
    distorted.distortion_model, distorted.d = "plumb_bob", [-0.3, 0.1, 0.0, 0.0, 0.0]
    distorted.p = [500.0, 0.0, 320.0, 0.0, 0.0, 500.0, 240.0, 0.0, 0.0, 0.0, 1.0, 0.0]
    for topic in ("/cam/image_raw", "/cam/image_rect"):
        for stream, message in (("camera_info", distorted), ("rgb", colour()), ("depth", depth())):
            feed(sensors, stream, message, source=Stream(topic, "sensor_msgs/msg/Image"))
    raw, rectified = taken.frames
    assert (raw.camera.K[0, 0], rectified.camera.K[0, 0]) == (600.0, 500.0)


def test_a_batch_says_what_its_samples_say_one_by_one(sensors: SensorInput, taken: LoggedSink) -> None:
    numbers = [1.0, 2.0, 3.0]
    feed(sensors, "wrench_batch", batch(numbers))
    together, taken.wrenches = taken.wrenches, []
    for k, number in enumerate(numbers):
        feed(sensors, "wrench", wrench(number, t_ns=T_NS + k * MS))
    assert together == taken.wrenches and [each[2][2] for each in together] == numbers
    assert sensors.meters["wrench"].received == 6


def test_a_bad_sample_of_a_batch_does_not_harm_the_others(
    sensors: SensorInput, taken: LoggedSink, rejected: RejectedMessages
) -> None:
    feed(sensors, "wrench_batch", batch([1.0, float("nan"), 3.0]))
    assert [each[2][2] for each in taken.wrenches] == [1.0, 3.0] and rejected.values()["wrench_refused"] == 1


@pytest.mark.parametrize("first", ["rgb", "depth"])
def test_images_of_one_stamp_become_a_frame_whichever_comes_first(
    sensors: SensorInput, taken: LoggedSink, first: str
) -> None:
    feed(sensors, "camera_info", info())
    images = {"rgb": colour(), "depth": depth()}
    for stream in (first, *(images.keys() - {first})):
        feed(sensors, stream, images[stream])
    (frame,) = taken.frames
    assert (
        frame.stamp_ns == T_NS and frame.rgb[0, 0].tolist() == [9, 9, 9] and frame.depth_m[0, 0] == pytest.approx(0.9)
    )


@pytest.mark.parametrize(("apart_ns", "frames"), [(33_000, 3), (-5 * MS, 3), (5 * MS + 1, 0), (-16 * MS, 0)])
def test_images_stamped_a_little_apart_are_a_frame_of_the_colours_stamp(
    sensors: SensorInput, taken: LoggedSink, apart_ns: int, frames: int
) -> None:
    feed(sensors, "camera_info", info())
    for k in range(3):
        feed(sensors, "rgb", colour(t_ns=T_NS + 33 * k * MS))
        feed(sensors, "depth", depth(t_ns=T_NS + 33 * k * MS + apart_ns))
    assert [frame.stamp_ns for frame in taken.frames] == [T_NS + 33 * k * MS for k in range(frames)]
    said = sensors.pairer.problem_since_last()
    assert said == "" if frames else "never within 5 ms of each other, lately" in said and "synchronise" in said


def test_the_equal_stamp_is_preferred_and_a_clock_set_back_leaves_no_image_waiting_for_ever(
    sensors: SensorInput, taken: LoggedSink
) -> None:
    feed(sensors, "camera_info", info())
    for t_ns in (T_NS - MS, T_NS):
        feed(sensors, "rgb", colour(t_ns=t_ns))
    feed(sensors, "depth", depth(t_ns=T_NS))
    for k in range(40):  # colour alone, then both on a clock that was set back
        feed(sensors, "rgb", colour(t_ns=T_NS + 33 * (k + 1) * MS))
    for k in range(3):
        feed(sensors, "rgb", colour(t_ns=33 * k * MS))
    for k in range(3):
        feed(sensors, "depth", depth(t_ns=33 * k * MS))
    assert [frame.stamp_ns for frame in taken.frames] == [T_NS, 0, 33 * MS, 66 * MS]


@pytest.mark.parametrize("rate", [2.0, 0.5])
def test_images_that_share_stamps_but_not_the_time_of_receipt_are_no_frame(
    sensors: SensorInput, taken: LoggedSink, rejected: RejectedMessages, rate: float
) -> None:
    """Colour's clock runs at another rate, so that its stamps are those of other moments' depth."""
    size = 24, 32
    feed(sensors, "camera_info", info(size))
    for k in range(60):
        feed(sensors, "rgb", colour(size, t_ns=T_NS + round(rate * k * 33 * MS)), k * 33 * MS)
        feed(sensors, "depth", depth(size, t_ns=T_NS + k * 33 * MS), k * 33 * MS)
    assert taken.frames and all(frame.stamp_ns - T_NS <= 900 * MS for frame in taken.frames)
    (said,) = rejected.summaries_since_last().values()
    assert "must come within 0.4 s" in said and "one of them is stamped by another clock" in said


READY_RAD = np.array([0.0, -0.3, 0.0, -2.2, 0.0, 1.9, 0.785, 0.0, 0.0])


def states(position: FloatArray) -> bytes:
    return JointStateWriter("", ROBOT.joint_names + ROBOT.finger_joint_names).write(T_NS, position, 0 * position)


BAD = [
    ("wrench", wrench(float("nan")), "wrench", "wrench must be finite, got NaN or infinity"),
    ("wrench", wrench(float("inf")), "wrench", "wrench must be finite, got NaN or infinity"),
    ("wrench", wrench(frame="tool0"), "wrench", f"a wrench must be in frame '{ROBOT.wrench_frame}', got 'tool0'"),
    ("wrench", serialize_message(wrench())[:40], "wrench", "a wrench message must hold 76 bytes, got 40"),
    ("wrench_batch", batch([1.0], stamps=2), "wrench", "a stamp for each wrench, got 2 and 1"),
    ("wrench_batch", batch([1.0], frame="tool0"), "wrench", "got 'tool0'"),
    ("rgb", colour(encoding="nv21"), "frame", "nv21"),
    ("depth", depth(encoding="mono8"), "frame", "mono8"),
    (
        "depth",
        depth(size=(240, 320)),
        "frame",
        "depth must be aligned with colour, 640x480 in frame 'camera', got 320x240",
    ),
    ("depth", depth(frame="camera_depth"), "frame", "got 640x480 in frame 'camera_depth'"),
    (
        "depth",
        image_message(np.full((480, 640), np.nan, np.float32), "32FC1", T_NS, "camera"),
        "frame",
        "it is nowhere",
    ),
    ("depth", image_message(np.zeros((480, 640), np.uint16), "16UC1", T_NS, "camera"), "frame", "it is nowhere"),
    (
        "depth",
        image_message(np.full((480, 640), 900.0, np.float32), "32FC1", T_NS, "camera"),
        "frame",
        "depth must be within 20 m somewhere in a frame, got 900 m at the nearest; is it in millimetres?",
    ),
    (
        "joints",
        states(np.rad2deg(READY_RAD)),
        "joints",
        "the position of 'panda_joint2' must be near its limits in the robot's file, from -4.9 to 4.9 rad, got -17.19",
    ),
    ("camera_info", info(size=(240, 320)), "frame", "camera_info must be of the colour image's 640x480, got 320x240"),
]


@pytest.mark.parametrize(
    ("stream", "message", "blamed", "reason"), BAD, ids=[f"{bad[0]}-{k}" for k, bad in enumerate(BAD)]
)
def test_what_cannot_be_used_is_refused_by_name_counted_and_the_stream_goes_on(
    sensors: SensorInput,
    taken: LoggedSink,
    rejected: RejectedMessages,
    stream: str,
    message: Any,
    blamed: str,
    reason: str,
) -> None:
    """A bad image, or a bad calibration, shows when it meets good ones."""
    good = {"camera_info": info(), "rgb": colour(), "depth": depth()}
    if stream in good:
        for each, its_message in (good | {stream: message}).items():
            feed(sensors, each, its_message)
    else:
        feed(sensors, stream, message)
    assert not taken.frames and not taken.wrenches and not taken.joints
    values = rejected.values()
    assert values["refused"] == values[f"{blamed}_refused"] == 1
    assert reason in str(values[f"{blamed}_refused_because"])
    (summary,) = rejected.summaries_since_last().values()
    assert summary.startswith(f"1 of {blamed} refused: ") and not rejected.summaries_since_last()

    for each, its_message in (
        ("wrench", wrench()),
        ("camera_info", info()),
        ("rgb", colour(t_ns=T_NS + MS)),
        ("depth", depth(t_ns=T_NS + MS)),
    ):
        feed(sensors, each, its_message)
    assert len(taken.wrenches) == len(taken.frames) == 1 and rejected.values()["refused"] == 1


def test_images_without_a_usable_calibration_are_refused_with_the_cure(
    sensors: SensorInput, rejected: RejectedMessages
) -> None:
    feed(sensors, "camera_info", info(focal=0.0))
    assert "focal" in str(rejected.values()["camera_info_refused_because"])
    feed(sensors, "rgb", colour())
    feed(sensors, "depth", depth())
    assert "images come but no camera_info" in str(rejected.values()["frame_refused_because"])


def test_a_bad_calibration_of_depth_is_named_only_where_depth_needs_one(
    sensors: SensorInput, taken: LoggedSink, rejected: RejectedMessages
) -> None:
    feed(sensors, "camera_info", info())
    feed(sensors, "depth_info", info(focal=0.0))
    for k, size in enumerate([(480, 640), (240, 320)]):
        feed(sensors, "rgb", colour(t_ns=T_NS + k * MS))
        feed(sensors, "depth", depth(size=size, t_ns=T_NS + k * MS))
    reason = "depth cannot be registered to colour: its camera_info must hold positive focal lengths"
    assert len(taken.frames) == 1 and reason in str(rejected.values()["frame_refused_because"])


def test_the_topic_of_depth_decides_whether_its_lens_is_undone(sensors: SensorInput, taken: LoggedSink) -> None:
    half = info(size=(240, 320), focal=1.0)  # of the raw image, which would be drawn as a single pixel
    half.header.frame_id = "camera"
    half.p = [300.0, 0.0, 160.0, 0.0, 0.0, 300.0, 120.0, 0.0, 0.0, 0.0, 1.0, 0.0]
    for stream, message in (("camera_info", info()), ("depth_info", half), ("rgb", colour())):
        feed(sensors, stream, message)
    feed(sensors, "depth", depth(size=(240, 320)), source=Stream("/ir/image_rect_raw", "sensor_msgs/msg/Image"))
    (frame,) = taken.frames
    assert (frame.depth_m > 0).mean() > 0.98 and frame.depth_m[200, 300] == pytest.approx(0.9)


JPEG = CompressedImage(
    format="jpeg", data=array("B", cv2.imencode(".jpg", np.zeros((48, 64, 3), np.uint8))[1].tobytes())
)
AXES = [PointField(name=axis, offset=4 * k, datatype=7, count=1) for k, axis in enumerate("xyz")]
ROWS, COLUMNS = np.mgrid[:48, :64]
POINTS = np.stack(
    [(COLUMNS - 320) / 600, (ROWS - 240) / 600, np.ones((48, 64))], axis=-1, dtype=np.float32
)  # of info()
CLOUD = PointCloud2(height=48, width=64, fields=AXES, point_step=12, row_step=768, data=array("B", POINTS.tobytes()))
JPEG.header.frame_id = CLOUD.header.frame_id = "camera"
JPEG.header.stamp = CLOUD.header.stamp = to_stamp(T_NS)


@pytest.mark.parametrize("damaged", ["", "rgb", "depth"])
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_damaged_jpeg_or_cloud_is_a_frame_or_refused_and_ends_nothing(
    damaged: str, data: st.DataObject, sensors: SensorInput, taken: LoggedSink, rejected: RejectedMessages
) -> None:
    before, refused = len(taken.frames), rejected.counts()
    feed(sensors, "camera_info", info(size=(48, 64)))
    for stream, message in (("rgb", JPEG), ("depth", CLOUD)):
        sent = bytearray(serialize_message(message))
        if stream == damaged:  # behind the stamp, by which it finds its partner
            places = st.lists(st.tuples(st.integers(12, 120), st.integers(0, 255)), max_size=6)
            for place, value in data.draw(places):
                sent[place] = value
            sent = sent[: data.draw(st.sampled_from([len(sent), len(sent) - 9, 150, 80]))]
        feed(sensors, stream, bytes(sent), source=Stream("/camera", type_name(type(message))))
    assert len(taken.frames) == before + 1 or (damaged and rejected.counts() != refused)


def test_an_error_that_is_no_refusal_is_not_hidden(taken: LoggedSink) -> None:
    def broken(stream: str, error: SensorError) -> None:
        raise AssertionError("reject was called")

    sensors = SensorInput(taken, ROBOT, np.eye(4), NominalRates(), broken)
    with pytest.raises(KeyError):
        sensors.take("smell", b"", 0)
