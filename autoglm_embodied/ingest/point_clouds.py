"""PointCloud2 messages that are organised, which is as a depth camera's image is: rows and columns of points."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from autoglm_embodied.errors import SensorError
from autoglm_embodied.ingest.cdr import (
    COUNT,
    NAME,
    POINT_CLOUD_FIELDS,
    SIZE,
    aligned,
    bytes_view,
    little_endian,
    read_stamp_ns,
    read_string,
    reader,
)
from autoglm_embodied.types import FloatArray

FLOAT32 = 7  # of PointField


@dataclass(frozen=True)
class PointCloud:
    """The fields of a PointCloud2 message; `data` is a view of the message."""

    stamp_ns: int
    frame: str
    height: int
    width: int
    fields: dict[str, tuple[int, int]]  # of each name its offset [bytes] in a point, and its datatype
    is_bigendian: int
    point_step: int
    row_step: int
    data: memoryview


@reader
def read_point_cloud(data: bytes) -> PointCloud:
    """A PointCloud2, its points not copied."""
    data = little_endian(data, POINT_CLOUD_FIELDS)
    frame, offset = read_string(data, NAME - COUNT.size)
    offset = aligned(offset, COUNT.size)
    height, width = SIZE.unpack_from(data, offset)
    (count,) = COUNT.unpack_from(data, offset + SIZE.size)
    offset += SIZE.size + COUNT.size
    fields = {}
    for _ in range(count):
        name, offset = read_string(data, aligned(offset, COUNT.size))
        offset = aligned(offset, COUNT.size)
        (begin,) = COUNT.unpack_from(data, offset)
        fields[name] = begin, data[offset + COUNT.size]
        offset = aligned(offset + COUNT.size + 1, COUNT.size) + COUNT.size
    is_bigendian, offset = data[offset], aligned(offset + 1, COUNT.size)
    point_step, row_step = SIZE.unpack_from(data, offset)
    points = bytes_view(data, offset + SIZE.size)
    if len(data) <= offset + SIZE.size + COUNT.size + len(points):
        raise IndexError("is_dense does not stand behind the points")
    return PointCloud(read_stamp_ns(data), frame, height, width, fields, is_bigendian, point_step, row_step, points)


def points_m(cloud: PointCloud) -> FloatArray:
    """(3, height, width) float32 x, y, z in the cloud's frame; NaN where nothing was seen.

    Raises:
        SensorError: it is not organised, has other than float32 coordinates, or its sizes contradict each other.
    """
    if min(cloud.height, cloud.width) < 2:
        raise SensorError(
            f"a point cloud must be organised, in rows and columns as the camera's image, got {cloud.width} x "
            f"{cloud.height} points; set the driver so (ordered_pc of realsense2_camera), or take its depth image"
        )
    if not all(cloud.fields.get(axis, (0, 0))[1] == FLOAT32 for axis in "xyz"):
        raise SensorError(f"a point cloud must have x, y and z of float32, got the fields {', '.join(cloud.fields)}")
    number = np.dtype(">f4" if cloud.is_bigendian else "<f4")
    offsets = [cloud.fields[axis][0] for axis in "xyz"]
    used = cloud.width * cloud.point_step
    if (
        max(offsets) + number.itemsize > cloud.point_step
        or cloud.row_step < used
        or len(cloud.data) < (cloud.row_step * cloud.height)
    ):
        raise SensorError(
            f"a point cloud of {cloud.width} x {cloud.height} points of {cloud.point_step} bytes must hold them in "
            f"rows of at least {used} bytes, got {len(cloud.data)} bytes in rows of {cloud.row_step}"
        )
    shape, strides = (cloud.height, cloud.width), (cloud.row_step, cloud.point_step)
    points = np.stack([np.ndarray(shape, number, cloud.data, begin, strides) for begin in offsets]).astype(np.float32)
    points[:, ~points.any(axis=0)] = np.nan  # some drivers put what they did not see where the camera is
    return points
