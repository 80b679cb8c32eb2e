"""A driver that hangs and sends its last image under new stamps: it is not believed, and told."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pytest
from rclpy.serialization import serialize_message
from sensor_msgs.msg import CameraInfo

from autoglm_embodied.config import shipped
from autoglm_embodied.ingest.cdr import RawImage
from autoglm_embodied.ingest.rgbd_frames import FROZEN_AFTER_NS, ImagePair
from autoglm_embodied.ingest.sensor_input import NominalRates, SensorInput
from autoglm_embodied.ingest.stream_health import RejectedMessages
from autoglm_embodied.kinematics import Robot
from autoglm_embodied.types import FloatArray, Frame

MS = 1_000_000
IMAGES = 30
HEIGHT, WIDTH = 48, 64


@dataclass
class Frames:
    """A sink of frames."""

    stamps_ns: list[int] = field(default_factory=list)

    def push_frame(self, frame: Frame, receive_ns: int) -> None:
        self.stamps_ns.append(frame.stamp_ns)

    def push_wrench(self, stamp_ns: int, receive_ns: int, wrench: FloatArray) -> None:
        raise AssertionError

    def push_joints(self, stamp_ns: int, receive_ns: int, position: FloatArray, velocity: FloatArray) -> None:
        raise AssertionError


def image(encoding: str, number: int, t_ns: int) -> RawImage:
    """Of which one byte is the number."""
    pixels = np.full((HEIGHT, WIDTH, 3 if encoding == "rgb8" else 2), 9, np.uint8)
    pixels[20, 30, 0] = number
    return RawImage(t_ns, "camera", HEIGHT, WIDTH, encoding, 0, pixels[0].nbytes, memoryview(pixels.tobytes()))


def sent(stream: str, repeats: int, frozen_after_ns: int = FROZEN_AFTER_NS) -> tuple[list[int], RejectedMessages]:
    """Stamps of the frames that are used of a camera at 30 Hz that repeats each image of one stream so often."""
    frames, rejected = Frames(), RejectedMessages(lambda sentence: None)
    robot = Robot.from_file(shipped("panda.yaml"))
    sensors = SensorInput(frames, robot, np.eye(4), NominalRates(), rejected.reject, frozen_after_ns=frozen_after_ns)
    info = CameraInfo(width=WIDTH, height=HEIGHT, k=[60.0, 0.0, 32.0, 0.0, 60.0, 24.0, 0.0, 0.0, 1.0])
    sensors.take("camera_info", serialize_message(info), 0)
    for k in range(IMAGES):
        t_ns, number = 33 * k * MS, {stream: k // repeats}
        rgb, depth = image("rgb8", number.get("colour", k), t_ns), image("16UC1", number.get("depth", k), t_ns)
        sensors.push(ImagePair(rgb, depth, t_ns))
    return frames.stamps_ns, rejected


@pytest.mark.parametrize("stream", ["colour", "depth"])
def test_a_camera_that_repeats_an_image_under_new_stamps_is_not_believed_and_told(stream: str) -> None:
    stamps_ns, rejected = sent(stream, repeats=1000)
    assert stamps_ns == [0]  # vision grows old from here on
    assert rejected.values()["frame_refused"] == IMAGES - 7  # 198 ms are not yet too long
    assert (
        f"{stream} is frozen, the same to the last bit for 1.0 s; restart" in rejected.summaries_since_last()["frame"]
    )


@pytest.mark.parametrize("repeats", [1, 2, 6])
def test_a_camera_that_changes_a_single_byte_is_not_frozen_nor_a_slower_one_whose_images_are_repeated(
    repeats: int,
) -> None:
    stamps_ns, rejected = sent("colour", repeats)
    assert stamps_ns == [33 * k * MS for k in range(0, IMAGES, repeats)] and rejected.values() == {"refused": 0}


def test_of_a_camera_without_noise_every_image_is_used() -> None:
    stamps_ns, rejected = sent("colour", repeats=1000, frozen_after_ns=0)
    assert len(stamps_ns) == IMAGES and rejected.values() == {"refused": 0}
