"""What cameras of several kinds send of one scene, for measurements of the ingest."""

from __future__ import annotations

import struct
from array import array
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray
from rclpy.serialization import serialize_message
from sensor_msgs.msg import CameraInfo, CompressedImage, PointCloud2, PointField

from autoglm_embodied.ingest.compressed_images import DEPTH_HEADER
from autoglm_embodied.ingest.point_clouds import FLOAT32
from autoglm_embodied.ingest.sensor_input import SENSOR_STREAMS, Stream
from autoglm_embodied.ros.adaptive_subscription import type_name
from autoglm_embodied.ros.conversions import image_message
from autoglm_embodied.types import FloatArray

HEIGHT, WIDTH, FOCAL_PX = 480, 640, 600.0
FRAME_ID = "camera_color_optical_frame"
JPEG_QUALITY, PNG_LEVEL = 95, 1  # the former as image_transport has it by default
LEVELS_SIGMA, DEPTH_SIGMA_MM = 3.0, 2.0
STRUCTURE = (15, 20)  # of the scene, which is smooth between so many places
DEPTH_MM = (400, 1500)


class CameraKind(NamedTuple):
    """How a camera differs from one that sends raw images, with depth aligned and without distortion."""

    jpeg: bool = False
    depth: str = "raw"  # or png, cloud
    D: tuple[float, ...] = ()
    depth_focal_px: float = FOCAL_PX


LENS, WIDE_PX = (0.1, -0.2, 1e-3, -1e-3, 0.05), 385.0  # the latter as a RealSense D435's depth against its colour
KINDS = {
    "raw": CameraKind(),
    "distorted": CameraKind(D=LENS),
    "jpeg": CameraKind(jpeg=True),
    "compressed_depth": CameraKind(depth="png"),
    "cloud": CameraKind(depth="cloud"),
    "other_lens": CameraKind(depth_focal_px=WIDE_PX),
    "all": CameraKind(True, "png", LENS, WIDE_PX),
}


def camera_messages(kind: CameraKind, random: np.random.Generator) -> dict[str, Any]:
    """A message of each of the camera's streams, their stamps 0."""
    colour, depth_mm = _scene(random)
    rgb = _jpeg(colour) if kind.jpeg else image_message(colour, "rgb8", 0, FRAME_ID)
    made = {"raw": lambda mm: image_message(mm, "16UC1", 0, FRAME_ID), "png": _compressed_depth, "cloud": _cloud}
    found = {
        "camera_info": _camera_info(FOCAL_PX, kind.D),
        "depth_info": _camera_info(kind.depth_focal_px),
        "rgb": rgb,
        "depth": made[kind.depth](depth_mm),
    }
    for message in found.values():
        message.header.frame_id = FRAME_ID
    return found


def serialised_messages(kind: CameraKind, random: np.random.Generator) -> dict[str, tuple[Stream, bytes]]:
    """The same in CDR, each with where it comes from."""
    found = camera_messages(kind, random)
    return {
        stream: (Stream(SENSOR_STREAMS[stream].topic, type_name(type(message))), serialize_message(message))
        for stream, message in found.items()
    }


def _scene(random: np.random.Generator) -> tuple[NDArray[np.uint8], NDArray[np.uint16]]:
    """(height, width, 3) colour and (height, width) depth [mm], smooth as most of a table is, with noise."""
    places = random.uniform(0.0, 1.0, (*STRUCTURE, 4)).astype(np.float32)
    smooth = np.asarray(cv2.resize(places, (WIDTH, HEIGHT), interpolation=cv2.INTER_LINEAR))
    noise = random.standard_normal((HEIGHT, WIDTH, 4), np.float32)
    colour = 255 * smooth[..., :3] + LEVELS_SIGMA * noise[..., :3]
    nearest, farthest = DEPTH_MM
    depth_mm = nearest + (farthest - nearest) * smooth[..., 3] + DEPTH_SIGMA_MM * noise[..., 3]
    return colour.clip(0, 255).astype(np.uint8), depth_mm.astype(np.uint16)


def _camera_info(focal_px: float, D: tuple[float, ...] = ()) -> CameraInfo:
    info = CameraInfo(width=WIDTH, height=HEIGHT, distortion_model="plumb_bob", d=D)
    info.k = [focal_px, 0.0, WIDTH / 2, 0.0, focal_px, HEIGHT / 2, 0.0, 0.0, 1.0]
    return info


def _jpeg(colour: NDArray[np.uint8]) -> CompressedImage:
    data = cv2.imencode(".jpg", colour[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])[1]
    return CompressedImage(format="rgb8; jpeg compressed bgr8", data=array("B", data.tobytes()))


def _compressed_depth(depth_mm: NDArray[np.uint16]) -> CompressedImage:
    data = cv2.imencode(".png", depth_mm, [cv2.IMWRITE_PNG_COMPRESSION, PNG_LEVEL])[1]
    coded = DEPTH_HEADER.pack(0, 0.0, 0.0) + data.tobytes()
    return CompressedImage(format="16UC1; compressedDepth png", data=array("B", coded))


def _cloud(depth_mm: NDArray[np.uint16]) -> PointCloud2:
    z_m: FloatArray = depth_mm.astype(np.float32) / 1000
    columns, rows = np.meshgrid(np.arange(WIDTH), np.arange(HEIGHT))
    points = np.stack([(columns - WIDTH / 2) / FOCAL_PX * z_m, (rows - HEIGHT / 2) / FOCAL_PX * z_m, z_m], axis=2)
    axes = [PointField(name=axis, offset=4 * k, datatype=FLOAT32, count=1) for k, axis in enumerate("xyz")]
    step = struct.calcsize("<3f")
    cloud = PointCloud2(height=HEIGHT, width=WIDTH, fields=axes, point_step=step, row_step=step * WIDTH)
    cloud.data = array("B", points.astype("<f4").tobytes())
    return cloud
