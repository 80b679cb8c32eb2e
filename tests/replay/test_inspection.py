"""What a topic is, is read off its messages: clock, rate, layout, units, and the stream that it is likely to be."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from bag_cases import write_ros2_mcap
from hypothesis import given
from hypothesis import strategies as st
from observing import EPOCH_NS, MS, ROBOT
from rclpy.serialization import serialize_message
from replay_cases import STREAM_OF
from sensor_msgs.msg import CompressedImage
from timed_recording import FAST_MS, FRAME_MS, TIMED

from autoglm_embodied.bag.bag import Bag
from autoglm_embodied.bag.message import BagMessage
from autoglm_embodied.ingest.cdr import read_image
from autoglm_embodied.ingest.image_encodings import depth_array_m, rgb_array
from autoglm_embodied.ingest.joint_states import JointStateWriter
from autoglm_embodied.ingest.sensor_input import STREAMS
from autoglm_embodied.replay.inspection import TopicFacts, clock_of, inspect, streams_of
from autoglm_embodied.ros.conversions import image_message, to_stamp

S = 1_000 * MS
WALL_NS = EPOCH_NS + np.arange(0, 2_000, 5) * MS
NAMES = ROBOT.joint_names + ROBOT.finger_joint_names


def facts_of(messages: list[BagMessage], folder: Path) -> dict[str, TopicFacts]:
    return {facts.topic: facts for facts in inspect(Bag(write_ros2_mcap(folder / "bag.mcap", messages)))}


def test_each_topic_is_described(tmp_path: Path) -> None:
    found = {STREAM_OF[topic]: facts for topic, facts in facts_of(TIMED, tmp_path).items()}
    assert found["wrench"].rate_hz == pytest.approx(1000 / FAST_MS) and found["wrench"].frame == ROBOT.wrench_frame
    assert found["rgb"].rate_hz == pytest.approx(1000 / FRAME_MS) and found["rgb"].layout == "rgb8 32x24"
    assert found["wrench"].jitter_ms == pytest.approx(0.0) and found["wrench"].messages == 300
    assert found["depth"].unit == "0.612 m" and found["joints"].unit == "2.2 rad" and "N" in found["wrench"].unit
    assert found["joints"].joint_names == NAMES and "f 30.0 px, no distortion" in found["camera_info"].layout
    assert all(found[name].clock == "wall clock, received 0.3 ms later" for name in ("wrench", "rgb", "joints"))


@pytest.mark.parametrize(
    ("stamps_ns", "said"),
    [
        (WALL_NS - 20 * MS, "wall clock, received 20 ms later"),
        (WALL_NS - EPOCH_NS + 12 * S, "off the wall clock by -1.7e+09 s"),
        (WALL_NS + 3 * S, "off the wall clock by 3 s"),
        (0 * WALL_NS, "all stamps are zero"),
        (WALL_NS // S * S, "repeated"),
        (WALL_NS[::-1], "backwards 399 times"),
        (EPOCH_NS + (WALL_NS - EPOCH_NS) // 2, "varying by 0.978 s"),
        (WALL_NS[:0], "no stamp could be read"),
    ],
)
def test_the_clock_of_the_stamps_is_told(stamps_ns: np.ndarray, said: str) -> None:
    assert said in clock_of(stamps_ns, WALL_NS[: len(stamps_ns)])


@given(st.integers(-(2**62), 2**62), st.integers(1, 50))
def test_a_constant_offset_never_seems_to_vary(offset_ns: int, count: int) -> None:
    said = clock_of(np.arange(count) * MS + offset_ns, np.arange(count) * MS)
    assert not any(word in said for word in ("varying", "backwards", "repeated"))


def depth_in_millimetres(message: BagMessage) -> BagMessage:
    pixels = np.full((24, 32), 650.0, np.float32)
    return replace(message, data=serialize_message(image_message(pixels, "32FC1", message.publish_ns, "camera")))


def joints_in_degrees(message: BagMessage) -> BagMessage:
    data = JointStateWriter("", list(NAMES)).write(message.publish_ns, np.full(9, 90.0), np.zeros(9))
    return replace(message, data=data)


@pytest.mark.parametrize(
    ("stream", "change", "question"),
    [("depth", depth_in_millimetres, "are these millimetres"), ("joints", joints_in_degrees, "are these degrees")],
)
def test_an_implausible_magnitude_is_questioned(
    stream: str, change: Callable[[BagMessage], BagMessage], question: str, tmp_path: Path
) -> None:
    changed = [change(message) if STREAM_OF[message.topic] == stream else message for message in TIMED]
    assert question in facts_of(changed, tmp_path)[f"/{STREAMS[stream].topic}"].unit


def test_publishers_of_one_topic_are_told_apart(tmp_path: Path) -> None:
    """An arm and a gripper with a driver of its own, by turns."""
    names = [list(NAMES[:7]), list(NAMES[7:])]
    found = []
    for k in range(100):
        for part, t_ns in zip(names, (k * 10 * MS, k * 10 * MS + 100_000), strict=True):
            data = JointStateWriter("", part).write(EPOCH_NS + t_ns, np.zeros(len(part)), np.zeros(len(part)))
            found.append(replace(TIMED[1], topic="/joint_states", type_name=STREAMS["joints"].type_name, data=data))
            found[-1] = replace(found[-1], receive_ns=EPOCH_NS + t_ns)
    facts = facts_of(found, tmp_path)["/joint_states"]
    assert facts.joint_names == NAMES and facts.jitter_ms == 0.0 and facts.rate_hz == pytest.approx(200, rel=0.02)
    assert "100 x 7 joints" in facts.layout and "100 x 2 joints" in facts.layout


DRIVERS = {  # topics of colour, depth and calibration
    "realsense2_camera": [
        "/camera/camera/color/image_raw",
        "/camera/camera/aligned_depth_to_color/image_raw",
        "/camera/camera/color/camera_info",
    ],
    "zed_wrapper": [
        "/zed/zed_node/rgb/image_rect_color",
        "/zed/zed_node/depth/depth_registered",
        "/zed/zed_node/rgb/camera_info",
    ],
    "depthai_ros_driver": ["/oak/rgb/image_raw", "/oak/stereo/image_raw", "/oak/rgb/camera_info"],
    "azure_kinect_ros_driver": ["/rgb/image_raw", "/depth_to_rgb/image_raw", "/rgb/camera_info"],
    "orbbec_camera": ["/camera/color/image_raw", "/camera/depth/image_raw", "/camera/color/camera_info"],
    "ros_gz_bridge": ["/depth_camera/image", "/depth_camera/depth_image", "/depth_camera/camera_info"],
}


@pytest.mark.parametrize("driver", DRIVERS)
def test_streams_are_found_under_the_names_of_other_drivers(driver: str, tmp_path: Path) -> None:
    names = dict(zip(("rgb", "depth", "camera_info"), DRIVERS[driver], strict=True))
    names |= {"wrench": "/bota/ft", "joints": "/arm/joint_states"}
    renamed = [replace(m, topic=names.get(STREAM_OF[m.topic], m.topic)) for m in TIMED]
    others = {"rgb": "/camera/camera/infra1/image_rect_raw", "camera_info": "/camera/camera/infra1/camera_info"}
    if "realsense" in driver:
        others |= {"depth": "/camera/camera/depth/image_rect_raw", "camera_info": "/camera/camera/depth/camera_info"}
    copies = [replace(m, topic=others[STREAM_OF[m.topic]]) for m in TIMED if STREAM_OF[m.topic] in others]
    found = inspect(Bag(write_ros2_mcap(tmp_path / "bag.mcap", renamed + copies)))
    assert {**streams_of(found, {}, {}, NAMES)} == names | {"voice": "/voice/command"}
    assert streams_of(found, {}, {"rgb": others["rgb"]}, NAMES)["rgb"] == others["rgb"]


def test_a_recording_without_colour_has_the_streams_that_are_there(tmp_path: Path) -> None:
    named = {"depth": "/tof/depth/image", "camera_info": "/tof/depth/camera_info"}
    messages = [replace(m, topic=named.get(STREAM_OF[m.topic], m.topic)) for m in TIMED if STREAM_OF[m.topic] != "rgb"]
    streams = streams_of(inspect(Bag(write_ros2_mcap(tmp_path / "bag.mcap", messages))), {}, {}, NAMES)
    assert "rgb" not in streams and streams["depth"] == named["depth"]


def compressed(message: BagMessage) -> BagMessage:
    """An image as image_transport compresses it, on its topic."""
    image, depth = read_image(message.data), STREAM_OF[message.topic] == "depth"
    pixels = depth_array_m(image) * 1000 if depth else rgb_array(image)[..., ::-1]
    coded = cv2.imencode(".png", pixels.astype(np.uint16) if depth else pixels)[1].tobytes()
    made = CompressedImage(format="16UC1; compressedDepth png" if depth else "rgb8; png compressed bgr8")
    made.header.stamp, made.header.frame_id = to_stamp(image.stamp_ns), image.frame
    made.data = bytes(12) + coded if depth else coded
    topic = f"{message.topic}/compressed{'Depth' if depth else ''}"
    kind = "sensor_msgs/msg/CompressedImage"
    return replace(message, topic=topic, type_name=kind, data=serialize_message(made))


def test_compressed_images_are_described_and_taken_where_there_are_no_raw_ones(tmp_path: Path) -> None:
    small = [compressed(m) if STREAM_OF[m.topic] in ("rgb", "depth") else m for m in TIMED]
    raw = facts_of(TIMED, tmp_path)
    found = facts_of(small, tmp_path)
    colour, depth = (
        found[f"/camera/{name}"] for name in ("color/image_raw/compressed", "depth/image_raw/compressedDepth")
    )
    assert (
        colour.layout == "rgb8; png compressed bgr8, rgb8 32x24" and depth.unit == raw["/camera/depth/image_raw"].unit
    )
    assert {"rgb": colour.topic, "depth": depth.topic}.items() <= streams_of(found.values(), {}, {}, NAMES).items()
    both = streams_of([*raw.values(), colour, depth], {}, {}, NAMES)
    assert both["rgb"] == "/camera/color/image_raw" and both["depth"] == "/camera/depth/image_raw"


def test_what_cannot_be_read_is_described_as_such(tmp_path: Path) -> None:
    broken = [replace(m, data=m.data[:30]) if STREAM_OF[m.topic] == "wrench" else m for m in TIMED]
    other = replace(TIMED[0], topic="/tf", type_name="tf2_msgs/msg/TFMessage")
    found = facts_of([*broken, other], tmp_path)
    assert found[f"/{STREAMS['wrench'].topic}"].layout.startswith("unreadable: a wrench message must hold")
    assert found["/tf"].layout == "" and found["/tf"].messages == 1
