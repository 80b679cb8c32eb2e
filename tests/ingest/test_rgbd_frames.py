"""Images become arrays without a copy, and what cannot be used is named."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from rclpy.serialization import serialize_message
from sensor_msgs.msg import CameraInfo

from autoglm_embodied.errors import SensorError
from autoglm_embodied.ingest.calibration import Calibration
from autoglm_embodied.ingest.cdr import RawImage
from autoglm_embodied.ingest.rgbd_frames import depth_array_m, rgb_array

RGB = np.random.default_rng(0).integers(0, 255, (4, 6, 3), np.uint8)


def raw_image(pixels: NDArray[Any], encoding: str, is_bigendian: int = 0) -> RawImage:
    data = bytearray(pixels.tobytes())
    height, width = pixels.shape[:2]
    return RawImage(0, "camera", height, width, encoding, is_bigendian, len(data) // height, memoryview(data))


def test_an_image_is_not_copied() -> None:
    image = raw_image(RGB, "rgb8")
    pixels = rgb_array(image)
    np.testing.assert_array_equal(pixels, RGB)
    image.data[0] ^= 255
    assert pixels[0, 0, 0] == RGB[0, 0, 0] ^ 255


def test_blue_first_images_and_padded_rows_are_understood() -> None:
    np.testing.assert_array_equal(rgb_array(raw_image(RGB[..., ::-1], "bgr8")), RGB)
    rows = np.zeros((4, 20), np.uint8)
    rows[:, :18] = RGB.reshape(4, 18)
    np.testing.assert_array_equal(rgb_array(replace(raw_image(rows, "rgb8"), width=6)), RGB)


def test_depth_in_millimetres_and_in_metres_of_either_byte_order_agree() -> None:
    millimetres = np.array([[0, 700], [1234, 65535]], np.uint16)
    metres = millimetres.astype(np.float32) / 1000
    for image in (
        raw_image(millimetres, "16UC1"),
        raw_image(millimetres.astype(">u2"), "16UC1", is_bigendian=1),
        raw_image(metres, "32FC1"),
        raw_image(metres.astype(">f4"), "32FC1", is_bigendian=1),
    ):
        np.testing.assert_allclose(depth_array_m(image), metres)


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"encoding": "mono8"}, "rgb8 or bgr8, got 'mono8'"),
        ({"height": 5}, "must hold 90 bytes"),
        ({"step": 3}, "rows of 3"),
        ({"width": 0, "height": 0}, "0x0"),
        ({"width": 2**32 - 1, "height": 2**32 - 1}, "must hold 553402"),
    ],
)
def test_an_image_that_cannot_be_is_refused(change: dict[str, Any], match: str) -> None:
    with pytest.raises(SensorError, match=match):
        rgb_array(replace(raw_image(RGB, "rgb8"), **change))


def test_an_uncalibrated_camera_is_refused() -> None:
    with pytest.raises(SensorError, match="focal lengths"):
        Calibration.read(bytes(serialize_message(CameraInfo())))
    with pytest.raises(SensorError, match="focal lengths"):
        Calibration.read(bytes(serialize_message(CameraInfo(k=[float("nan"), *[1.0] * 8]))))
