"""Pixels of Image messages in the encodings that drivers send (REP 118 and sensor_msgs/image_encodings.hpp)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from autoglm_embodied.errors import SensorError
from autoglm_embodied.ingest.cdr import RawImage
from autoglm_embodied.types import FloatArray

MM_PER_M = 1000.0
BYTES_OF_16_BITS = 257  # 65535 is 255 of them


class ColourEncoding(NamedTuple):
    """How the numbers of a pixel become red, green and blue."""

    number: str  # of numpy, without its byte order
    channels: int
    to_rgb: Callable[[NDArray[Any]], NDArray[Any]]  # (height, width, channels) to (height, width, 3)


def _by_opencv(code: str) -> Callable[[NDArray[Any]], NDArray[Any]]:
    def to_rgb(pixels: NDArray[Any]) -> NDArray[Any]:
        import cv2  # most cameras need none of it

        try:
            return cv2.cvtColor(np.ascontiguousarray(pixels), getattr(cv2, f"COLOR_{code}"))
        except cv2.error as error:
            height, width = pixels.shape[:2]
            raise SensorError(
                f"a {width}x{height} image cannot hold whole groups of its pixels ({error.err})"
            ) from error

    return to_rgb


def _grey(pixels: NDArray[Any]) -> NDArray[Any]:
    return np.repeat(pixels, 3, axis=2)


_COLOUR = {
    "rgb8": ColourEncoding("u1", 3, lambda pixels: pixels),
    "bgr8": ColourEncoding("u1", 3, lambda pixels: pixels[..., ::-1]),
    "rgba8": ColourEncoding("u1", 4, lambda pixels: pixels[..., :3]),
    "bgra8": ColourEncoding("u1", 4, lambda pixels: pixels[..., 2::-1]),
    "rgb16": ColourEncoding("u2", 3, lambda pixels: pixels),
    "bgr16": ColourEncoding("u2", 3, lambda pixels: pixels[..., ::-1]),
    "mono8": ColourEncoding("u1", 1, _grey),
    "mono16": ColourEncoding("u2", 1, _grey),
    "yuv422": ColourEncoding("u1", 2, _by_opencv("YUV2RGB_UYVY")),
    "yuv422_yuy2": ColourEncoding("u1", 2, _by_opencv("YUV2RGB_YUY2")),
}
# OpenCV names a Bayer pattern by the second row's second and third pixel, ROS by the first row's first two:
_BAYER = {"rggb": "BayerBG2RGB", "bggr": "BayerRG2RGB", "gbrg": "BayerGR2RGB", "grbg": "BayerGB2RGB"}
_COLOUR |= {
    f"bayer_{pattern}{8 * size}": ColourEncoding(f"u{size}", 1, _by_opencv(code))
    for pattern, code in _BAYER.items()
    for size in (1, 2)
}
_SAME = {"uyvy": "yuv422", "yuyv": "yuv422_yuy2", "8UC1": "mono8", "8UC3": "bgr8", "8UC4": "bgra8"}
COLOUR_ENCODINGS = _COLOUR | {name: _COLOUR[same] for name, same in _SAME.items()}
"""By their names; those of OpenCV's types have its order of channels, blue first, as RViz takes them, too."""
DEPTH_ENCODINGS = {"16UC1": "u2", "mono16": "u2", "32FC1": "f4"}
"""Numbers: integers are millimetres, the others metres (REP 118)."""


def rgb_array(image: RawImage) -> NDArray[np.uint8]:
    """(height, width, 3) red, green, blue; where its encoding allows, a view of the image.

    Raises:
        SensorError: it is encoded as none of COLOUR_ENCODINGS, or its sizes contradict each other.
    """
    if image.encoding not in COLOUR_ENCODINGS:
        raise _unknown("colour", image, COLOUR_ENCODINGS)
    number, channels, to_rgb = COLOUR_ENCODINGS[image.encoding]
    pixels = to_rgb(_pixels(image, number, channels))
    return pixels if number == "u1" else (pixels // BYTES_OF_16_BITS).astype(np.uint8)


def depth_array_m(image: RawImage) -> FloatArray:
    """(height, width) float32 along the optical axis; 0 or NaN where unknown.

    Raises:
        SensorError: it is encoded as none of DEPTH_ENCODINGS, or its sizes contradict each other.
    """
    if image.encoding not in DEPTH_ENCODINGS:
        raise _unknown("depth", image, DEPTH_ENCODINGS)
    number = DEPTH_ENCODINGS[image.encoding]
    depth: FloatArray = _pixels(image, number, 1)[..., 0]
    return depth / np.float32(MM_PER_M) if number == "u2" else depth


def _unknown(what: str, image: RawImage, allowed: Iterable[str]) -> SensorError:
    return SensorError(f"{what} must be encoded {', '.join(allowed)}, got {image.encoding!r}; set the camera driver so")


def _pixels(image: RawImage, number: str, channels: int) -> NDArray[Any]:
    """(height, width, channels) in this machine's byte order, without the padding of the image's rows."""
    dtype = np.dtype(f"{'>' if image.is_bigendian else '<'}{number}")
    used = image.width * channels * dtype.itemsize
    if image.step < used or len(image.data) != image.step * image.height or not used * image.height:
        raise SensorError(
            f"a {image.width}x{image.height} {image.encoding} image must hold {used * image.height} bytes "
            f"in rows of at least {used}, got {len(image.data)} in rows of {image.step}"
        )
    rows = np.frombuffer(image.data, np.uint8).reshape(image.height, image.step)[:, :used]
    pixels: NDArray[Any] = rows.view(dtype).reshape(image.height, image.width, channels)
    return pixels.astype(dtype.newbyteorder("="), copy=False)
