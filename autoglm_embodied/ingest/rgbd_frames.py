"""Colour and depth images, each from a topic of its own, paired by their stamps and joined to one RGB-D frame."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from sensor_msgs.msg import CameraInfo

from autoglm_embodied.errors import SensorError
from autoglm_embodied.ingest.cdr import RawImage, read_image
from autoglm_embodied.ingest.conversions import depth_array_m, intrinsics, rgb_array
from autoglm_embodied.ingest.stream_health import Meter
from autoglm_embodied.types import Camera, FloatArray, Frame


@dataclass(frozen=True)
class Calibration:
    """What camera_info says: K (3, 3) in pixels of an image of this size."""

    width: int
    height: int
    K: FloatArray

    @classmethod
    def of(cls, message: CameraInfo) -> Calibration:
        """That of a message.

        Raises:
            SensorError: its focal lengths are none.
        """
        return cls(message.width, message.height, intrinsics(message))


def rgbd_frame(rgb: RawImage, depth: RawImage, calibration: Calibration | None, T_base_camera: FloatArray) -> Frame:
    """The frame of two images of equal stamp.

    Raises:
        SensorError: there is no calibration yet, or the three are not of one size and frame, or not encoded as allowed.
    """
    if calibration is None:
        raise SensorError("images come but no camera_info; check that the camera driver publishes it")
    colour_pixels, depth_m = rgb_array(rgb), depth_array_m(depth)
    if (depth.width, depth.height, depth.frame) != (rgb.width, rgb.height, rgb.frame):
        raise SensorError(
            f"depth must be aligned with colour, {_described(rgb)}, got {_described(depth)}; "
            "let the camera driver align depth to colour"
        )
    if (calibration.width, calibration.height) != (rgb.width, rgb.height):
        raise SensorError(
            f"camera_info must be of the colour image's {rgb.width}x{rgb.height}, "
            f"got {calibration.width}x{calibration.height}; let the driver publish the one of this resolution"
        )
    camera = Camera(rgb.width, rgb.height, calibration.K, T_base_camera)
    return Frame(rgb.stamp_ns, colour_pixels, depth_m, camera)


def _described(image: RawImage) -> str:
    return f"{image.width}x{image.height} in frame {image.frame!r}"


MOST_UNPAIRED = 30
"""After a delay all colour images that waited, a second of them, are taken before the first depth image."""


class Pair(NamedTuple):
    """Two images of equal stamp, and when the later of them came."""

    rgb: RawImage
    depth: RawImage
    receive_ns: int


class ImagePairs:
    """Takes images one by one and counts all of them.

    Attributes:
        meters: what came of rgb and depth.
        paired: images that found each other.
    """

    def __init__(self, nominal_hz: float) -> None:
        self.meters = {"rgb": Meter(nominal_hz), "depth": Meter(nominal_hz)}
        self.paired = 0
        self._unpaired: dict[int, tuple[str, RawImage]] = {}

    def take(self, stream: str, data: bytes, receive_ns: int) -> Pair | None:
        """Take an image of rgb or depth; returns the pair that it completes.

        Raises:
            SensorError: it cannot be read.
        """
        image = read_image(data)
        self.meters[stream].count(image.stamp_ns, receive_ns)
        other_stream, other = self._unpaired.pop(image.stamp_ns, (stream, image))
        if other_stream != stream:
            self.paired += 1
            return Pair(image, other, receive_ns) if stream == "rgb" else Pair(other, image, receive_ns)
        self._unpaired[image.stamp_ns] = (stream, image)
        if len(self._unpaired) > MOST_UNPAIRED:
            self._unpaired.pop(min(self._unpaired))
        return None
