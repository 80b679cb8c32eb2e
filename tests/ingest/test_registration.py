"""Depth of another camera, size or kind lies on the colour image where a pinhole camera there would measure it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from autoglm_embodied.config import shipped
from autoglm_embodied.errors import ConfigError, SensorError
from autoglm_embodied.ingest.calibration import Calibration, camera_pose
from autoglm_embodied.ingest.cdr import RawImage
from autoglm_embodied.ingest.point_clouds import PointCloud, points_m
from autoglm_embodied.ingest.registration import DepthCamera
from autoglm_embodied.ingest.rgbd_frames import ImagePair, rgbd_frame
from autoglm_embodied.types import FloatArray

WIDTH, HEIGHT = 320, 240
COLOUR = Calibration(WIDTH, HEIGHT, np.array([[300.0, 0, 158.0], [0, 302.0, 121.0], [0, 0, 1]]), frame="colour")
NEAR_M, FAR_M = 0.6, 1.0
BOX_M = 0.1  # half the side of a square, at NEAR_M, before a wall at FAR_M
APART = np.eye(4)
APART[:3, :3] = Rotation.from_euler("xyz", [0.01, -0.02, 0.03]).as_matrix()
APART[:3, 3] = [0.03, -0.01, 0.004]


def seen(calibration: Calibration, T_colour_camera: FloatArray) -> tuple[FloatArray, FloatArray]:
    """(height, width) depth, and (3, height, width) points, that a camera at a pose in colour's frame measures."""
    columns, rows = np.meshgrid(np.arange(calibration.width), np.arange(calibration.height))
    K = calibration.K
    rays = np.stack([(columns - K[0, 2]) / K[0, 0], (rows - K[1, 2]) / K[1, 1], np.ones(columns.shape)])
    R, t = T_colour_camera[:3, :3], T_colour_camera[:3, 3]
    turned = np.einsum("ij,jhw->ihw", R, rays)
    depths = {}
    for z_m in (NEAR_M, FAR_M):
        depths[z_m] = (z_m - t[2]) / turned[2]
    hits = t[:, None, None] + turned * depths[NEAR_M]
    box = (np.abs(hits[0]) < BOX_M) & (np.abs(hits[1]) < BOX_M)
    depth_m = np.where(box, depths[NEAR_M], depths[FAR_M])
    return depth_m, rays * depth_m


def raw(pixels: NDArray[Any], encoding: str, frame: str) -> RawImage:
    data = memoryview(np.ascontiguousarray(pixels)).cast("B")
    height, width = pixels.shape[:2]
    return RawImage(0, frame, height, width, encoding, 0, len(data) // height, data)


RGB = raw(np.zeros((HEIGHT, WIDTH, 3), np.uint8), "rgb8", "colour")


def scaled(calibration: Calibration, by: float, frame: str) -> Calibration:
    size = round(WIDTH * by), round(HEIGHT * by)
    return replace(calibration, width=size[0], height=size[1], K=np.diag([by, by, 1]) @ calibration.K, frame=frame)


def registered(depth: RawImage | PointCloud, camera: DepthCamera, colour: Calibration = COLOUR) -> FloatArray:
    return rgbd_frame(ImagePair(RGB, depth, 0), colour, np.eye(4), camera).depth_m


def check(depth_m: FloatArray, least_known: float) -> None:
    """Depth is that of the box or of the wall, each where it is, but for their outline and what the box hides."""
    expected, _ = seen(COLOUR, np.eye(4))
    known = depth_m > 0
    assert depth_m.shape == (HEIGHT, WIDTH) and known.mean() > least_known
    right = np.abs(depth_m - expected) < 0.003
    assert right[known].mean() > 0.98
    box = expected < 0.8
    inner = box & np.roll(box, 4, 0) & np.roll(box, -4, 0) & np.roll(box, 4, 1) & np.roll(box, -4, 1)
    assert right[inner].mean() > 0.995  # before the wall, wherever both fall


@pytest.mark.parametrize("frame", ["colour", "depth"])
@pytest.mark.parametrize(("by", "least_known"), [(1.0, 0.9), (0.5, 0.9), (0.7, 0.9), (0.25, 0.85), (2.0, 0.9)])
def test_depth_of_any_size_and_place_lies_on_colour(by: float, least_known: float, frame: str) -> None:
    own, T = scaled(COLOUR, by, frame), APART if frame == "depth" else np.eye(4)
    depth_m, _ = seen(own, T)
    camera = DepthCamera("depth", APART, own)
    check(registered(raw(depth_m.astype(np.float32), "32FC1", frame), camera), least_known)
    if frame == "depth":
        millimetres = (1000 * depth_m).round().astype(np.uint16)
        check(registered(raw(millimetres, "16UC1", frame), camera), least_known)


def cloud(points: FloatArray, frame: str, big_endian: bool = False, padding: int = 0) -> PointCloud:
    """As drivers lay points out: colour between the coordinates, and padded points and rows."""
    number = np.dtype(">f4" if big_endian else "<f4")
    fields = {"z": (0, 7), "rgb": (4, 7), "x": (12, 7), "y": (20, 7)}
    layout = {"names": ["z", "x", "y"], "formats": [number] * 3, "offsets": [0, 12, 20], "itemsize": 24 + padding}
    _, height, width = points.shape
    rows = np.zeros((height, width), np.dtype(layout))  # type: ignore[call-overload]
    rows["x"], rows["y"], rows["z"] = points
    step = width * (24 + padding)
    data = np.pad(rows.view(np.uint8).reshape(height, step), ((0, 0), (0, 2 * padding))).tobytes()
    return PointCloud(
        0, frame, height, width, fields, int(big_endian), 24 + padding, step + 2 * padding, memoryview(data)
    )


@pytest.mark.parametrize("frame", ["colour", "depth"])
@pytest.mark.parametrize("by", [1.0, 0.5])
@pytest.mark.parametrize("big_endian", [False, True])
@pytest.mark.parametrize("padding", [0, 3])
def test_a_cloud_of_any_layout_and_place_lies_on_colour(padding: int, big_endian: bool, by: float, frame: str) -> None:
    _, points = seen(scaled(COLOUR, by, frame), APART if frame == "depth" else np.eye(4))
    points[:, ::7, : WIDTH // 8 : 5] = np.nan
    made = cloud(points, frame, big_endian, padding)
    np.testing.assert_array_equal(points_m(made), points.astype(np.float32))
    check(registered(made, DepthCamera("depth", APART)), 0.8)


def test_a_cloud_of_the_colour_image_is_its_depth_to_the_pixel() -> None:
    depth_m, points = seen(COLOUR, np.eye(4))
    np.testing.assert_allclose(registered(cloud(points, "colour"), DepthCamera()), depth_m, rtol=1e-6)


def test_depth_is_registered_to_the_undistorted_image_of_a_lens() -> None:
    distorting = replace(COLOUR, D=np.array([-0.2, 0.05, 0.0, 0.0, 0.0]), model="plumb_bob")
    depth_m, points = seen(COLOUR, np.eye(4))
    np.testing.assert_allclose(registered(cloud(points, "colour"), DepthCamera(), distorting), depth_m, rtol=1e-6)


def test_depth_of_another_lens_in_the_same_place_is_not_taken_for_aligned() -> None:
    """Some simulators name both cameras' frames alike."""
    own = replace(COLOUR, K=COLOUR.K * [[0.8, 1, 1], [1, 0.8, 1], [1, 1, 1]])
    depth_m, _ = seen(own, np.eye(4))
    check(registered(raw(depth_m.astype(np.float32), "32FC1", "colour"), DepthCamera(calibration=own)), 0.9)
    other = replace(own, frame="depth")  # of the image that was aligned: it does not count
    aligned = raw(depth_m.astype(np.float32), "32FC1", "colour")
    assert registered(aligned, DepthCamera(calibration=other)).tolist() == depth_m.astype(np.float32).tolist()


@pytest.mark.parametrize("unknown", [0.0, np.nan, np.inf, -1.0])
def test_unknown_depth_stays_unknown(unknown: float) -> None:
    """Even where the depth camera itself is within view, at which a depth of 0 would be drawn."""
    before = np.eye(4)
    before[2, 3] = 0.2
    own = scaled(COLOUR, 0.5, "depth")
    image = raw(np.full((own.height, own.width), unknown, np.float32), "32FC1", "depth")
    assert not registered(image, DepthCamera("depth", before, own)).any()
    points = np.ones((3, 9, 9)) * np.array([0.01, 0.01, 1.0])[:, None, None] * unknown
    assert not registered(cloud(points, "depth"), DepthCamera("depth", before)).any()


DEPTH = raw(np.ones((HEIGHT // 2, WIDTH // 2), np.float32), "32FC1", "colour")
KNOWN = scaled(COLOUR, 0.5, "colour")
POINTS = cloud(seen(COLOUR, np.eye(4))[1], "colour")
REFUSED: list[tuple[RawImage | PointCloud, DepthCamera, str]] = [
    (DEPTH, DepthCamera(), "got 160x120 in frame 'colour'; let .* publish its camera_info, .* on topics.depth_info"),
    (DEPTH, DepthCamera(calibration=COLOUR), "topics.depth_info"),
    (replace(DEPTH, frame="depth"), DepthCamera(calibration=KNOWN), "in frame 'depth'; let .* give .* depth_frame_id"),
    (replace(DEPTH, frame="depth"), DepthCamera("depth", APART, KNOWN), "topics.depth_info"),
    (replace(POINTS, frame="lidar"), DepthCamera("depth"), "in frame 'lidar'; let .* depth_xyz_m"),
    (replace(POINTS, height=1), DepthCamera(), "must be organised, .* got 320 x 1 points; set the driver"),
    (replace(POINTS, width=1), DepthCamera(), "must be organised"),
    (replace(POINTS, fields={"x": (0, 7), "y": (4, 7)}), DepthCamera(), "x, y and z of float32, got the fields x, y"),
    (replace(POINTS, fields=POINTS.fields | {"z": (0, 8)}), DepthCamera(), "x, y and z of float32"),
    (replace(POINTS, fields=POINTS.fields | {"z": (21, 7)}), DepthCamera(), "320 x 240 points of 24 bytes"),
    (replace(POINTS, row_step=90), DepthCamera(), "in rows of 90"),
    (replace(POINTS, height=2**31), DepthCamera(), "must hold them"),
]


@pytest.mark.parametrize(("depth", "camera", "match"), REFUSED, ids=range(len(REFUSED)))
def test_depth_that_cannot_be_registered_is_refused_with_the_cure(
    depth: RawImage | PointCloud, camera: DepthCamera, match: str
) -> None:
    with pytest.raises(SensorError, match=match):
        registered(depth, camera)


def test_colour_is_no_cloud() -> None:
    with pytest.raises(SensorError, match="colour must be an image, got a point cloud"):
        rgbd_frame(ImagePair(POINTS, POINTS, 0), COLOUR, np.eye(4), DepthCamera())


def test_the_depth_cameras_place_is_read_from_the_cameras_file(tmp_path: Path) -> None:
    file = tmp_path / "camera.yaml"
    keys = "depth_frame_id: ir\ndepth_xyz_m: [0.1, 0.2, 0.3]\ndepth_quaternion_xyzw: [0.0, 0.0, 1.0, 0.0]\n"
    file.write_text(shipped("camera.yaml").read_text() + keys)
    camera = DepthCamera.from_file(file)
    assert camera.frame == "ir" and camera.T_camera_depth.round(9).tolist() == [
        [-1, 0, 0, 0.1],
        [0, -1, 0, 0.2],
        [0, 0, 1, 0.3],
        [0, 0, 0, 1],
    ]
    assert (camera_pose(file) == camera_pose(shipped("camera.yaml"))).all()
    file.write_text(file.read_text().replace("[0.0, 0.0, 1.0, 0.0]", "[0.0, 0.0, 2.0, 0.0]"))
    with pytest.raises(ConfigError, match="depth_quaternion_xyzw must have length 1"):
        DepthCamera.from_file(file)
