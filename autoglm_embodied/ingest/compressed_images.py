"""CompressedImage messages, as image_transport's `compressed` and `compressedDepth` send them, become raw images."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from struct import Struct
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from autoglm_embodied.errors import SensorError
from autoglm_embodied.ingest.cdr import (
    COMPRESSED_IMAGE_FIELDS,
    COUNT,
    NAME,
    SIZE,
    RawImage,
    aligned,
    bytes_view,
    little_endian,
    read_stamp_ns,
    read_string,
    reader,
)
from autoglm_embodied.ingest.image_encodings import COLOUR_ENCODINGS, DEPTH_ENCODINGS

JPEG, PNG = b"\xff\xd8", b"\x89PNG"
JPEG_SCAN, JPEG_END = b"\xff\xda", b"\xff\xd9"
DEPTH_CODECS = ("", "compressedDepth", "compressedDepth png", "compressedDepth rvl")  # the first two are png, too
DEPTH_HEADER = Struct("<iff")  # of compressedDepth: a number of no use, and how depth was quantised
MAX_PIXELS = 2**26
MAX_NIBBLES = 10  # of a number


@dataclass(frozen=True)
class CompressedImage:
    """The fields of a CompressedImage message; `data` is a view of the message."""

    stamp_ns: int
    frame: str
    format: str  # such as "rgb8; jpeg compressed bgr8", "16UC1; compressedDepth png", "jpeg"
    data: memoryview


@reader
def read_compressed_image(data: bytes) -> CompressedImage:
    """A CompressedImage, its data not copied."""
    data = little_endian(data, COMPRESSED_IMAGE_FIELDS)
    frame, offset = read_string(data, NAME - COUNT.size)
    image_format, offset = read_string(data, aligned(offset, COUNT.size))
    return CompressedImage(read_stamp_ns(data), frame, image_format, bytes_view(data, aligned(offset, COUNT.size)))


def decompressed(image: CompressedImage) -> RawImage:
    """The image that was compressed.

    Raises:
        SensorError: it is damaged, or compressed in another way than as JPEG, PNG or RVL.
    """
    if "compressedDepth" in image.format or image.data[DEPTH_HEADER.size :][: len(PNG)] == PNG:
        pixels, encoding = _depth(image)
    else:
        pixels = _decoded(image, image.data)
        encoding = _encoding(image.format, pixels)
    if encoding == "bgr8":  # a view with red first would be copied by everything that follows, ten times as slowly
        pixels, encoding = cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB, pixels), "rgb8"
    height, width = pixels.shape[:2]
    data = np.ascontiguousarray(pixels).data.cast("B")
    return RawImage(image.stamp_ns, image.frame, height, width, encoding, 0, len(data) // height, data)


def _decoded(image: CompressedImage, data: memoryview) -> NDArray[Any]:
    """(height, width) or (height, width, channels) of a JPEG or PNG, with blue first."""
    coded, pixels = bytes(data), None
    # OpenCV before 5 fills up what is missing of a JPEG that was cut off.
    if not coded.startswith(JPEG) or coded.rfind(JPEG_END) > coded.rfind(JPEG_SCAN):
        with suppress(cv2.error):
            pixels = cv2.imdecode(np.frombuffer(coded, np.uint8), cv2.IMREAD_UNCHANGED)
    if pixels is None:
        raise SensorError(
            f"a compressed image must be a whole JPEG or PNG, got {len(coded)} bytes of format {image.format!r} that "
            "are none or damaged; check the driver and the network, or take the raw image"
        )
    return pixels


def _encoding(image_format: str, pixels: NDArray[Any]) -> str:
    """What decoded pixels are, by the rules of image_transport's own subscriber."""
    sent, _, how = image_format.partition(";")
    bits = 8 * pixels.itemsize
    if pixels.ndim == 2:
        same = sent in DEPTH_ENCODINGS or (sent in COLOUR_ENCODINGS and COLOUR_ENCODINGS[sent].channels == 1)
        kept = same and "compressed mono" not in how and sent.endswith((f"{bits}", f"{bits}UC1", f"{bits}FC1"))
        return sent if kept else f"mono{bits}"
    blue_first = not sent.startswith(("rgb", "bgr")) or not how or "compressed bgr" in how
    alpha = "a" if pixels.shape[2] == 4 else ""
    return f"{'bgr' if blue_first else 'rgb'}{alpha}{bits}"


def _depth(image: CompressedImage) -> tuple[NDArray[Any], str]:
    """(height, width) of a compressedDepth image, and its encoding: millimetres as they are, or inverse depth."""
    sent, _, how = image.format.partition(";")
    coded = image.data[DEPTH_HEADER.size :]
    if len(image.data) < DEPTH_HEADER.size or how.strip() not in DEPTH_CODECS:
        raise SensorError(
            f"compressedDepth must be png or rvl behind {DEPTH_HEADER.size} bytes, got {len(image.data)} bytes of "
            f"{image.format!r}; set the driver's compressedDepth format"
        )
    pixels = rvl_decoded(bytes(coded)) if how.strip() == DEPTH_CODECS[-1] else _decoded(image, coded)
    if pixels.dtype != np.uint16 or pixels.ndim != 2:
        raise SensorError(f"compressedDepth must hold one number of 16 bits a pixel, got {pixels.dtype.name}")
    if not sent.startswith("32FC1"):
        return pixels, "16UC1"
    _, scale_m, offset = DEPTH_HEADER.unpack_from(image.data)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        depth_m = np.float32(scale_m) / (pixels - np.float32(offset))
    depth_m[~((pixels > 0) & (depth_m > 0) & np.isfinite(depth_m))] = 0
    return depth_m, "32FC1"


@reader
def rvl_decoded(data: bytes) -> NDArray[np.uint16]:
    """(height, width) of 16 bits, out of RVL (A. D. Wilson, Fast Lossless Depth Image Compression, 2017).

    Width and height, then numbers of 3 bits a nibble, the lowest first, the 4th bit set where more follow: by turns how
    many pixels are 0, how many are not, and of each of these the difference to the last one that was not.
    """
    width, height = SIZE.unpack_from(data)
    words = np.frombuffer(data, "<u4", (len(data) - SIZE.size) // 4, SIZE.size)
    numbers = _variable_length(words.astype(">u4").view(np.uint8))  # the high nibble of a word is the first
    pixels, at, runs = 0, 0, []
    while pixels < width * height:
        zeros, others = numbers[at].item(), numbers[at + 1].item()
        runs.append((zeros, others, at))
        at, pixels = at + 2 + others, pixels + zeros + others
    if pixels != width * height or not 0 < pixels <= MAX_PIXELS or at > len(numbers):
        raise ValueError(f"{pixels} pixels of RVL for {width}x{height}")
    columns = np.array(runs)
    differs = np.ones(at, bool)
    differs[columns[:, 2]] = differs[columns[:, 2] + 1] = False
    zigzag = numbers[:at][differs]
    depth = np.zeros(pixels, np.uint16)
    filled = np.repeat(np.tile([False, True], len(runs)), columns[:, :2].ravel())
    depth[filled] = np.cumsum((zigzag >> 1) ^ -(zigzag & 1), dtype=np.uint16)
    return depth.reshape(height, width)


def _variable_length(data: NDArray[np.uint8]) -> NDArray[np.int32]:
    """The whole numbers in a stream of nibbles, two a byte."""
    nibbles = np.stack([data >> 4, data & 15], axis=1).ravel()
    ends = np.flatnonzero(nibbles < 8)
    begins = np.append(0, ends + 1)[:-1]
    numbers: NDArray[np.int32] = (nibbles[begins] & 7).astype(np.int32)
    longer = np.flatnonzero(ends > begins)
    for place in range(1, MAX_NIBBLES):
        numbers[longer] |= (nibbles[begins[longer] + place] & 7).astype(np.int32) << 3 * place
        longer = longer[ends[longer] > begins[longer] + place]
    return numbers
