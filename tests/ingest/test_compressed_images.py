"""Compressed images of every kind that image_transport sends become what was compressed; damaged ones are refused."""

from __future__ import annotations

import struct
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from autoglm_embodied.errors import SensorError
from autoglm_embodied.ingest.compressed_images import CompressedImage, decompressed
from autoglm_embodied.ingest.image_encodings import depth_array_m, rgb_array

ROWS, COLUMNS = np.mgrid[0:24, 0:32]
RGB = np.stack([40 + 6 * COLUMNS, 200 - 6 * ROWS, 30 + 3 * COLUMNS + 3 * ROWS], axis=2).astype(np.uint8)
BGR = RGB[..., ::-1]
GREY = RGB[..., 0]
DEPTH_MM = (400 + 20 * COLUMNS + ROWS).astype(np.uint16)
DEPTH_MM[5:9, 3:20] = 0
Pixels = NDArray[Any]


def coded(pixels: Pixels, kind: str) -> bytes:
    written, data = cv2.imencode(f".{kind}", np.ascontiguousarray(pixels))
    assert written
    return data.tobytes()


def message(image_format: str, data: bytes) -> CompressedImage:
    return CompressedImage(7, "camera", image_format, memoryview(data))


def rvl(depth: NDArray[np.uint16]) -> bytes:
    """As the coder of image_transport_plugins writes it, pixel by pixel."""
    nibbles: list[int] = []

    def write(number: int) -> None:
        while True:
            nibble, number = number & 7, number >> 3
            nibbles.append(nibble | (8 if number else 0))
            if not number:
                return

    flat, at, previous = depth.ravel().tolist(), 0, 0
    while at < len(flat):
        for wanted_zero in (True, False):
            begin = at
            while at < len(flat) and (flat[at] == 0) == wanted_zero:
                at += 1
            write(at - begin)
        for number in flat[begin:at]:
            write((number - previous) * 2 if number >= previous else (previous - number) * 2 - 1)
            previous = number
    nibbles += [0] * (-len(nibbles) % 8)
    words = [int("".join(f"{nibble:x}" for nibble in nibbles[k : k + 8]), 16) for k in range(0, len(nibbles), 8)]
    height, width = depth.shape
    return struct.pack(f"<II{len(words)}I", width, height, *words)


HEADER = struct.pack("<iff", 0, 0.0, 0.0)
SCALE_M, OFFSET = 10.0, 1.0 - 10.0 / 10.0  # as for a depth of at most 10 m
INVERSE = np.where(DEPTH_MM > 0, SCALE_M / np.maximum(DEPTH_MM / 1000, 1e-3) + OFFSET, 0).round().astype(np.uint16)
INVERSE_HEADER = struct.pack("<iff", 0, SCALE_M, OFFSET)

COLOURS: dict[str, tuple[bytes, Pixels]] = {
    "rgb8; jpeg compressed bgr8": (coded(BGR, "jpg"), RGB),
    "bgr8; jpeg compressed bgr8": (coded(BGR, "jpg"), RGB),
    "rgb8; png compressed bgr8": (coded(BGR, "png"), RGB),
    "bgra8; png compressed bgr8": (coded(BGR, "png"), RGB),
    "rgb8; png compressed rgb8": (coded(RGB, "png"), RGB),  # of early versions, which coded red first
    "rgb16; png compressed bgr16": (coded(BGR.astype(np.uint16) * 257, "png"), RGB),
    "jpeg": (coded(BGR, "jpg"), RGB),
    "jpg": (coded(BGR, "jpg"), RGB),
    "png": (coded(BGR, "png"), RGB),
    "PNG": (coded(np.dstack([BGR, GREY]), "png"), RGB),  # with alpha
    "": (coded(BGR, "jpg") + bytes(50), RGB),  # a driver's buffer is longer than its picture
    "mono8; jpeg compressed ": (coded(GREY, "jpg"), np.repeat(GREY[..., None], 3, axis=2)),
    "bayer_rggb8; jpeg compressed mono8": (coded(GREY, "jpg"), np.repeat(GREY[..., None], 3, axis=2)),
    "mono16; png compressed ": (coded(GREY.astype(np.uint16) * 257, "png"), np.repeat(GREY[..., None], 3, axis=2)),
}
DEPTHS: dict[str, tuple[bytes, float]] = {  # format; message; largest error [m]
    "16UC1; compressedDepth": (HEADER + coded(DEPTH_MM, "png"), 1e-6),
    "16UC1; compressedDepth png": (HEADER + coded(DEPTH_MM, "png"), 1e-6),
    "16UC1; compressedDepth rvl": (HEADER + rvl(DEPTH_MM), 1e-6),
    "32FC1; compressedDepth": (INVERSE_HEADER + coded(INVERSE, "png"), 0.06),
    "32FC1; compressedDepth png": (INVERSE_HEADER + coded(INVERSE, "png"), 0.06),
    "32FC1; compressedDepth rvl": (INVERSE_HEADER + rvl(INVERSE), 0.06),
    "16UC1": (HEADER + coded(DEPTH_MM, "png"), 1e-6),  # of early versions, which did not say so
    "16UC1; png compressed ": (coded(DEPTH_MM, "png"), 1e-6),  # of the transport `compressed`
    "png": (coded(DEPTH_MM, "png"), 1e-6),
}


@pytest.mark.parametrize("image_format", COLOURS)
def test_colour_comes_back_from_every_format(image_format: str) -> None:
    data, expected = COLOURS[image_format]
    image = decompressed(message(image_format, data))
    read = rgb_array(image)
    assert (image.stamp_ns, image.frame, read.shape) == (7, "camera", RGB.shape)
    np.testing.assert_allclose(read.astype(int), expected.astype(int), atol=8 if b"JFIF" in data[:20] else 0)


def test_a_mosaic_of_colours_is_read_as_one() -> None:
    mosaic = np.full((8, 8), 10, np.uint8)
    mosaic[::2, ::2] = 200  # where rggb has its red
    read = rgb_array(decompressed(message("bayer_rggb8; png compressed ", coded(mosaic, "png"))))
    assert read[4, 4].tolist() == [200, 10, 10]
    read = rgb_array(decompressed(message("bayer_rggb8; png compressed mono8", coded(mosaic, "png"))))
    assert read[4, 4].tolist() == [200, 200, 200]  # newer versions make grey of it


@pytest.mark.parametrize("image_format", DEPTHS)
def test_depth_comes_back_from_every_format(image_format: str) -> None:
    data, error_m = DEPTHS[image_format]
    depth_m = depth_array_m(decompressed(message(image_format, data)))
    assert depth_m.shape == DEPTH_MM.shape and ((depth_m == 0) == (DEPTH_MM == 0)).all()
    np.testing.assert_allclose(depth_m, DEPTH_MM / 1000, atol=error_m)


@settings(max_examples=40)
@given(st.lists(st.sampled_from([0, 0, 1, 700, 65535]), min_size=1, max_size=40), st.integers(1, 3))
def test_every_depth_survives_rvl(numbers: list[int], height: int) -> None:
    depth = np.array(numbers * height, np.uint16).reshape(height, -1)
    image = decompressed(message("16UC1; compressedDepth rvl", HEADER + rvl(depth)))
    assert bytes(image.data) == depth.tobytes() and (image.height, image.width) == depth.shape


WHOLE = COLOURS["jpeg"][0]
REFUSED = [
    ("jpeg", b"", "a whole JPEG or PNG, got 0 bytes of format 'jpeg'"),
    ("jpeg", WHOLE[:-2], "none or damaged"),  # OpenCV before 5 takes it and fills up what is missing
    ("jpeg", WHOLE[:-200], "none or damaged; check the driver"),
    ("rgb8; jpeg compressed bgr8", WHOLE[:30], "none or damaged"),
    ("png", coded(BGR, "png")[:-30], "none or damaged"),
    ("h264", bytes(range(200)), "format 'h264'"),
    ("16UC1; compressedDepth png", HEADER + coded(DEPTH_MM, "png")[:-20], "none or damaged"),
    ("16UC1; compressedDepth png", b"\0\0\0", "behind 12 bytes, got 3 bytes"),
    ("16UC1; compressedDepth zstd", HEADER + bytes(50), "must be png or rvl .* set the driver's"),
    ("16UC1; compressedDepth png", HEADER + coded(BGR, "png"), "one number of 16 bits a pixel, got uint8"),
    ("16UC1; compressedDepth rvl", HEADER + rvl(DEPTH_MM)[:-20], "cannot be read"),
    ("16UC1; compressedDepth rvl", HEADER + struct.pack("<IIi", 2**16, 2**16, -1), "cannot be read"),
    ("16UC1; compressedDepth rvl", HEADER + struct.pack("<II", 32, 23) + rvl(DEPTH_MM)[8:], "for 32x23"),
    ("16UC1; compressedDepth rvl", HEADER + struct.pack("<II", 0, 0), "cannot be read"),
]


@pytest.mark.parametrize(("image_format", "data", "match"), REFUSED, ids=range(len(REFUSED)))
def test_what_is_damaged_or_unknown_is_refused(image_format: str, data: bytes, match: str) -> None:
    with pytest.raises(SensorError, match=match):
        decompressed(message(image_format, data))


def test_depth_that_lost_its_millimetres_in_a_jpeg_is_refused() -> None:
    image = decompressed(message("16UC1; jpeg compressed mono8", coded((DEPTH_MM // 257).astype(np.uint8), "jpg")))
    with pytest.raises(SensorError, match="depth must be encoded .*got 'mono8'"):
        depth_array_m(image)


def test_a_quantisation_that_is_none_gives_no_depth() -> None:
    for scale_m in (0.0, -1.0, float("nan"), float("inf")):
        data = struct.pack("<iff", 0, scale_m, OFFSET) + coded(INVERSE, "png")
        assert not depth_array_m(decompressed(message("32FC1; compressedDepth png", data))).any()


MESSAGES = {"jpeg": WHOLE, "png": COLOURS["png"][0], "16UC1; compressedDepth rvl": HEADER + rvl(DEPTH_MM)}
MESSAGES |= {"32FC1; compressedDepth png": INVERSE_HEADER + coded(INVERSE, "png")}


@pytest.mark.parametrize("image_format", MESSAGES)
@settings(max_examples=60)
@given(data=st.data())
def test_damaged_bytes_are_a_sensor_error_or_an_image_and_nothing_else(image_format: str, data: st.DataObject) -> None:
    damaged = bytearray(MESSAGES[image_format])
    places = st.lists(st.tuples(st.integers(0, len(damaged) - 1), st.integers(0, 255)), max_size=6)
    for place, value in data.draw(places):
        damaged[place] = value
    try:
        decompressed(message(image_format, bytes(damaged[: data.draw(st.integers(0, len(damaged)))])))
    except SensorError as error:
        assert str(error)
