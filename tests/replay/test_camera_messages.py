"""Recordings of cameras that compress, send clouds or measure depth elsewhere are replayed, or it is said why not."""

from __future__ import annotations

import struct
from array import array
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from bag_cases import write_ros2_mcap
from numpy.typing import NDArray
from rclpy.serialization import serialize_message
from replay_cases import HEIGHT, STREAM_OF, WIDTH, message, recording
from sensor_msgs.msg import CameraInfo, CompressedImage, PointCloud2, PointField

from autoglm_embodied.bag.bag import Bag
from autoglm_embodied.bag.message import BagMessage
from autoglm_embodied.config import shipped
from autoglm_embodied.errors import BagError
from autoglm_embodied.ingest.cdr import RawImage, read_image
from autoglm_embodied.ingest.image_encodings import depth_array_m, rgb_array
from autoglm_embodied.metrics import Report
from autoglm_embodied.replay.bag_replay import BagReplay
from autoglm_embodied.ros.conversions import image_message, to_stamp

RECORDING = [m for k, m in enumerate(recording(600)) if STREAM_OF[m.topic] in ("rgb", "depth", "camera_info")]
FOCAL = [60.0, 0.0, 32.0, 0.0, 60.0, 24.0, 0.0, 0.0, 1.0]
COLOUR, DEPTH = "/cam/color/compressed", "/cam/depth"
MOUNT = "depth_frame_id: ir\ndepth_xyz_m: [0.01, 0.0, 0.0]\n"
Change = Callable[[RawImage, BagMessage], BagMessage]


def jpeg(image: RawImage, sent: BagMessage) -> BagMessage:
    return compressed(image, sent, "rgb8; jpeg compressed bgr8", png(rgb_array(image)[..., ::-1], "jpg"), COLOUR)


def compressed_depth(image: RawImage, sent: BagMessage) -> BagMessage:
    pixels = np.frombuffer(image.data, np.uint16).reshape(HEIGHT, WIDTH)
    data = struct.pack("<iff", 0, 0.0, 0.0) + png(pixels)
    return compressed(image, sent, "16UC1; compressedDepth png", data, DEPTH)


def png(pixels: NDArray[np.generic], kind: str = "png") -> bytes:
    return bytes(cv2.imencode(f".{kind}", np.ascontiguousarray(pixels))[1].tobytes())


def compressed(image: RawImage, sent: BagMessage, image_format: str, data: bytes, topic: str) -> BagMessage:
    made = CompressedImage(format=image_format, data=array("B", data))
    return another(made, image, sent, topic, "sensor_msgs/msg/CompressedImage")


def another(
    made: CompressedImage | PointCloud2, image: RawImage, sent: BagMessage, topic: str, kind: str
) -> BagMessage:
    made.header.frame_id, made.header.stamp = image.frame, to_stamp(image.stamp_ns)
    return replace(sent, topic=topic, type_name=kind, data=serialize_message(made))


def cloud(image: RawImage, sent: BagMessage) -> BagMessage:
    z = depth_array_m(image)
    columns, rows = np.meshgrid(np.arange(WIDTH), np.arange(HEIGHT))
    points = np.dstack([(columns - 32) / 60 * z, (rows - 24) / 60 * z, z]).astype(np.float32)
    fields = [PointField(name=axis, offset=4 * k, datatype=7, count=1) for k, axis in enumerate("xyz")]
    step = 12 * WIDTH
    made = PointCloud2(height=HEIGHT, width=WIDTH, fields=fields, point_step=12, row_step=step)
    made.data = array("B", points.tobytes())
    return another(made, image, sent, DEPTH, "sensor_msgs/msg/PointCloud2")


def elsewhere(image: RawImage, sent: BagMessage) -> BagMessage:
    """Depth of half the size, of a camera of its own."""
    pixels = np.frombuffer(image.data, np.uint16).reshape(HEIGHT, WIDTH)[::2, ::2]
    return replace(sent, topic=DEPTH, data=serialize_message(image_message(pixels, "16UC1", image.stamp_ns, "ir")))


def changed(rgb: Change | None, depth: Change | None) -> list[BagMessage]:
    changes = {"rgb": rgb, "depth": depth}
    found = []
    for sent in RECORDING:
        change = changes.get(STREAM_OF[sent.topic])
        found.append(sent if change is None else change(read_image(sent.data), sent))
    return found


def depth_info() -> BagMessage:
    info = CameraInfo(width=WIDTH // 2, height=HEIGHT // 2, k=[k / 2 if k > 1 else k for k in FOCAL])
    info.header.frame_id = "ir"
    return message("depth_info", serialize_message(info), RECORDING[0].receive_ns)


def replay(messages: list[BagMessage], folder: Path, mount: str = "", rgb: str = COLOUR) -> tuple[float, str]:
    """How often vision was present, and what is said."""
    camera = folder / "camera.yaml"
    camera.write_text(shipped("camera.yaml").read_text() + mount)
    bag = BagReplay(Bag(write_ros2_mcap(folder / "bag.mcap", messages)), 50.0, None, None, camera, False)
    topics = {message.topic for message in messages}
    bag.run({stream: topic for stream, topic in (("rgb", rgb), ("depth", DEPTH)) if topic in topics})
    report = Report("replay", None, 0)
    bag.add_figures(report)
    return report.value("replay.present", case="vision") or 0.0, "\n".join(bag.problems())


@pytest.mark.parametrize(("rgb", "depth"), [(jpeg, None), (None, compressed_depth), (jpeg, cloud)])
def test_compressed_images_and_clouds_are_seen(rgb: Change | None, depth: Change | None, tmp_path: Path) -> None:
    present, said = replay(changed(rgb, depth), tmp_path)
    assert present > 0.85 and "refused" not in said, said


def test_depth_of_another_camera_is_seen_with_its_calibration_and_place_and_refused_without(tmp_path: Path) -> None:
    messages = changed(jpeg, elsewhere)
    present, said = replay([depth_info(), *messages], tmp_path, MOUNT)
    assert present > 0.85 and "refused" not in said, said
    for others, mount, cure in ((messages, MOUNT, "topics.depth_info"), ([depth_info(), *messages], "", "depth_xyz_m")):
        present, said = replay(others, tmp_path, mount)
        assert present == 0 and cure in said and f"{len(RECORDING) // 2} of frame refused" in said


def test_a_damaged_picture_is_one_refused_message(tmp_path: Path) -> None:
    messages = changed(jpeg, None)
    _, cut, _, broken, *_ = [k for k, sent in enumerate(messages) if sent.topic == COLOUR]
    image = read_image(RECORDING[broken].data)
    messages[cut] = replace(messages[cut], data=messages[cut].data[:-40])
    messages[broken] = compressed(image, messages[broken], "jpeg", png(rgb_array(image), "jpg")[:-40], COLOUR)
    present, said = replay(messages, tmp_path)
    assert present > 0.85 and "1 of rgb refused: a message cannot be read" in said
    assert "1 of frame refused: a compressed image must be a whole JPEG or PNG" in said


def test_a_type_that_is_no_image_is_refused_with_those_that_are(tmp_path: Path) -> None:
    messages = [replace(sent, type_name="sensor_msgs/msg/PointCloud2") for sent in RECORDING[1:]]
    with pytest.raises(BagError, match="Image or sensor_msgs/msg/CompressedImage to be replayed as rgb, got"):
        replay(messages, tmp_path)
