"""A colour and a depth picture to one frame, if they fit each other and the camera's calibration."""

from __future__ import annotations

from dataclasses import dataclass

from sensor_msgs.msg import CameraInfo

from autoglm_embodied.errors import SensorError
from autoglm_embodied.nodes.cdr import Picture
from autoglm_embodied.nodes.conversions import depth_array_m, intrinsics, rgb_array
from autoglm_embodied.types import Camera, FloatArray, Frame


@dataclass(frozen=True)
class Calibration:
    """What camera_info says: K (3, 3) in pixels of a picture of this size."""

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


def rgbd_frame(rgb: Picture, depth: Picture, calibration: Calibration | None, T_base_camera: FloatArray) -> Frame:
    """The frame of two pictures of equal stamp.

    Raises:
        SensorError: there is no calibration yet, or the three are not of one size and frame, or not encoded as allowed.
    """
    if calibration is None:
        raise SensorError("pictures come but no camera_info; check that the camera driver publishes it")
    colour_pixels, depth_m = rgb_array(rgb), depth_array_m(depth)
    if (depth.width, depth.height, depth.frame) != (rgb.width, rgb.height, rgb.frame):
        raise SensorError(
            f"depth must be aligned with colour, {_described(rgb)}, got {_described(depth)}; "
            "let the camera driver align depth to colour"
        )
    if (calibration.width, calibration.height) != (rgb.width, rgb.height):
        raise SensorError(
            f"camera_info must be of the colour picture's {rgb.width}x{rgb.height}, "
            f"got {calibration.width}x{calibration.height}; let the driver publish the one of this resolution"
        )
    camera = Camera(rgb.width, rgb.height, calibration.K, T_base_camera)
    return Frame(rgb.stamp_ns, colour_pixels, depth_m, camera)


def _described(picture: Picture) -> str:
    return f"{picture.width}x{picture.height} in frame {picture.frame!r}"
