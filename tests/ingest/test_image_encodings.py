"""Images of every encoding that drivers send become the picture that was encoded; what cannot be is named."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from autoglm_embodied.errors import SensorError
from autoglm_embodied.ingest.cdr import RawImage
from autoglm_embodied.ingest.image_encodings import COLOUR_ENCODINGS, DEPTH_ENCODINGS, depth_array_m, rgb_array

SMALL = np.random.default_rng(0).integers(0, 255, (4, 6, 3), np.uint8)
ROWS, COLUMNS = np.mgrid[0:12, 0:16]
RGB = np.stack([40 + 10 * COLUMNS, 200 - 10 * ROWS, 30 + 4 * COLUMNS + 4 * ROWS], axis=2).astype(np.uint8)
"""Smooth, so that what halves a resolution hardly changes it, with channels that cannot be confused."""
GREY = RGB[..., :1]
Pixels = NDArray[Any]


def raw_image(pixels: Pixels, encoding: str, big_endian: bool = False, padding: int = 0) -> RawImage:
    height, width = pixels.shape[:2]
    rows = pixels.astype(pixels.dtype.newbyteorder(">" if big_endian else "<")).reshape(height, -1).view(np.uint8)
    rows = np.pad(rows, ((0, 0), (0, padding)), constant_values=77)
    data = memoryview(bytearray(rows.tobytes()))
    return RawImage(0, "camera", height, width, encoding, int(big_endian), rows.shape[1], data)


def wide(pixels: Pixels) -> Pixels:
    return (pixels.astype(np.uint16) * 257 + 13 * (pixels < 255)).astype(np.uint16)


def with_alpha(pixels: Pixels) -> Pixels:
    return np.concatenate([pixels, np.full_like(pixels[..., :1], 99)], axis=2)


def yuv(first_luma: bool) -> Pixels:
    y, u, v = (channel.astype(np.uint8) for channel in np.moveaxis(video(RGB.astype(float)), 2, 0))
    chroma = np.where(COLUMNS % 2 == 0, u, np.roll(v, 1, axis=1))
    return np.stack([y, chroma] if first_luma else [chroma, y], axis=2)


def video(rgb: NDArray[np.float64]) -> NDArray[np.float64]:
    """Luma and chroma of ITU-R BT.601, limited range."""
    to_yuv = np.array([[65.481, 128.553, 24.966], [-37.797, -74.203, 112.0], [112.0, -93.786, -18.214]]) / 255
    return np.asarray((rgb @ to_yuv.T + [16, 128, 128]).round())


def mosaic(pattern: str) -> Pixels:
    """What a sensor with this pattern over its first two rows of two pixels sees."""
    channel = np.array(["rgb".index(letter) for letter in pattern]).reshape(2, 2)[ROWS % 2, COLUMNS % 2]
    return np.take_along_axis(RGB, channel[..., None], axis=2)


EXACT: dict[str, tuple[Pixels, Pixels]] = {
    "rgb8": (RGB, RGB),
    "bgr8": (RGB[..., ::-1], RGB),
    "8UC3": (RGB[..., ::-1], RGB),
    "rgba8": (with_alpha(RGB), RGB),
    "bgra8": (with_alpha(RGB[..., ::-1]), RGB),
    "8UC4": (with_alpha(RGB[..., ::-1]), RGB),
    "rgb16": (wide(RGB), RGB),
    "bgr16": (wide(RGB[..., ::-1]), RGB),
    "mono8": (GREY, np.repeat(GREY, 3, axis=2)),
    "8UC1": (GREY, np.repeat(GREY, 3, axis=2)),
    "mono16": (wide(GREY), np.repeat(GREY, 3, axis=2)),
}
NEAR: dict[str, Pixels] = {
    **dict.fromkeys(("yuv422", "uyvy"), yuv(first_luma=False)),
    **dict.fromkeys(("yuv422_yuy2", "yuyv"), yuv(first_luma=True)),
    **{f"bayer_{pattern}8": mosaic(pattern) for pattern in ("rggb", "bggr", "gbrg", "grbg")},
    **{f"bayer_{pattern}16": wide(mosaic(pattern)) for pattern in ("rggb", "bggr", "gbrg", "grbg")},
}


def test_the_tables_below_hold_every_encoding() -> None:
    assert {*EXACT, *NEAR} == {*COLOUR_ENCODINGS}


@pytest.mark.parametrize("padding", [0, 6])
@pytest.mark.parametrize("big_endian", [False, True])
@pytest.mark.parametrize("encoding", COLOUR_ENCODINGS)
def test_a_picture_comes_back_from_every_encoding(encoding: str, big_endian: bool, padding: int) -> None:
    pixels, expected = EXACT.get(encoding) or (NEAR[encoding], RGB)
    read = rgb_array(raw_image(pixels, encoding, big_endian, padding))
    assert (read.dtype, read.shape) == (np.uint8, RGB.shape)
    if encoding in EXACT:
        np.testing.assert_array_equal(read, expected)
    else:
        inner = slice(2, -2), slice(2, -2)  # at its borders a mosaic lacks neighbours
        np.testing.assert_allclose(read[inner].astype(int), expected[inner], atol=8)


@pytest.mark.parametrize("encoding", ["rgb8", "bgr8", "rgba8", "bgra8"])
def test_an_image_that_only_needs_another_order_is_not_copied(encoding: str) -> None:
    image = raw_image(EXACT[encoding][0], encoding)
    before, read = rgb_array(image).copy(), rgb_array(image)
    for index in range(4):
        image.data[index] ^= 255
    assert (read[0, 0] == before[0, 0] ^ 255).all()


@pytest.mark.parametrize("padding", [0, 2, 5])
@pytest.mark.parametrize("big_endian", [False, True])
@pytest.mark.parametrize("encoding", DEPTH_ENCODINGS)
def test_depth_in_millimetres_and_in_metres_agree(encoding: str, big_endian: bool, padding: int) -> None:
    millimetres = np.array([[0, 700], [1234, 65535]], np.uint16)
    metres = millimetres.astype(np.float32) / 1000
    sent = metres if encoding == "32FC1" else millimetres
    read = depth_array_m(raw_image(sent[..., None], encoding, big_endian, padding))
    assert read.dtype == np.float32
    np.testing.assert_allclose(read, metres)


CHANGES: list[tuple[dict[str, Any], str]] = [
    ({"height": 5}, "must hold 90 bytes"),
    ({"step": 3, "data": memoryview(bytes(12))}, "got 12 in rows of 3"),
    ({"width": 0, "height": 0}, "0x0"),
    ({"width": 2**32 - 1, "height": 2**32 - 1}, "must hold 553402"),
]


@pytest.mark.parametrize(("change", "match"), CHANGES)
def test_an_image_that_cannot_be_is_refused(change: dict[str, Any], match: str) -> None:
    with pytest.raises(SensorError, match=match):
        rgb_array(replace(raw_image(SMALL, "rgb8"), **change))


@pytest.mark.parametrize("encoding", ["yuv422", "yuyv"])
def test_half_a_pair_of_pixels_is_refused(encoding: str) -> None:
    with pytest.raises(SensorError, match="a 5x4 image cannot hold whole groups"):
        rgb_array(raw_image(np.zeros((4, 5, 2), np.uint8), encoding))


@pytest.mark.parametrize("encoding", ["", "RGB8", "16UC1", "nv21", "jpeg", "bayer_rggb12"])
@pytest.mark.parametrize(("read", "allowed"), [(rgb_array, COLOUR_ENCODINGS), (depth_array_m, DEPTH_ENCODINGS)])
def test_an_unknown_encoding_is_refused_with_all_that_are_allowed(
    encoding: str, read: Callable[[RawImage], Any], allowed: dict[str, Any]
) -> None:
    if encoding in allowed:
        return
    with pytest.raises(SensorError, match=f"must be encoded .*got '{encoding}'; set the camera driver so") as refused:
        read(raw_image(SMALL, encoding))
    assert all(name in str(refused.value) for name in allowed)


def test_the_patterns_are_those_of_opencv_turned_about() -> None:
    """A red picture is red: a swap of red and blue would pass where both are alike."""
    red = np.zeros((8, 8, 1), np.uint8)
    red[::2, ::2] = 200  # where rggb has its red
    assert rgb_array(raw_image(red, "bayer_rggb8"))[4, 4].tolist() == [200, 0, 0]
    assert cv2.COLOR_BayerBG2RGB == cv2.COLOR_BayerRGGB2RGB
