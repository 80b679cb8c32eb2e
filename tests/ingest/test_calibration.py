"""A lens that distorts is undone, to half a pixel at the edge; what cannot be undone is refused by its name."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from rclpy.serialization import serialize_message
from sensor_msgs.msg import CameraInfo

from autoglm_embodied.errors import SensorError
from autoglm_embodied.ingest.calibration import Calibration
from autoglm_embodied.ingest.cdr import RawImage
from autoglm_embodied.ingest.registration import DepthCamera
from autoglm_embodied.ingest.rgbd_frames import ImagePair, rgbd_frame
from autoglm_embodied.types import FloatArray, Frame

WIDTH, HEIGHT = 640, 480
K = np.array([[520.0, 0.0, 322.0], [0.0, 522.0, 238.0], [0.0, 0.0, 1.0]])
LENSES = {
    "plumb_bob": ("plumb_bob", [-0.28, 0.09, 1e-3, -5e-4, -0.01]),
    "pincushion": ("plumb_bob", [0.12, 0.02, 0.0, 0.0]),
    "rational_polynomial": ("rational_polynomial", [0.6, -0.4, 5e-4, -2e-4, 0.02, 0.9, -0.35, 0.01]),
    "equidistant": ("equidistant", [-0.01, 0.02, -0.005, 0.001]),
}


def distorted(model: str, D: list[float], x: FloatArray, y: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Where a lens draws rays (n,) of slopes x and y, in pixels; by the formulas of OpenCV's manual."""
    r = np.hypot(x, y)
    if model == "equidistant":
        angle = np.arctan(r)
        scale = angle * (1 + sum(k * angle ** (2 * n + 2) for n, k in enumerate(D))) / np.maximum(r, 1e-12)
        return K[0, 0] * scale * x + K[0, 2], K[1, 1] * scale * y + K[1, 2]
    k1, k2, p1, p2, k3, k4, k5, k6 = [*D, *[0.0] * (8 - len(D))]
    scale = (1 + k1 * r**2 + k2 * r**4 + k3 * r**6) / (1 + k4 * r**2 + k5 * r**4 + k6 * r**6)
    xd = x * scale + 2 * p1 * x * y + p2 * (r**2 + 2 * x**2)
    yd = y * scale + p1 * (r**2 + 2 * y**2) + 2 * p2 * x * y
    return K[0, 0] * xd + K[0, 2], K[1, 1] * yd + K[1, 2]


def dots(u: FloatArray, v: FloatArray) -> FloatArray:
    """(height, width) bright dots, 1 in their middle."""
    image = np.zeros((HEIGHT, WIDTH))
    rows, columns = np.mgrid[-7:8, -7:8]
    for at_u, at_v in zip(u, v, strict=True):
        row, column = round(at_v), round(at_u)
        spot = np.exp(-((columns + column - at_u) ** 2 + (rows + row - at_v) ** 2) / 8)
        image[row - 7 : row + 8, column - 7 : column + 8] += spot
    return image


def centre(image: FloatArray, u: float, v: float) -> FloatArray:
    """Of the dot around a pixel."""
    rows, columns = np.mgrid[round(v) - 8 : round(v) + 9, round(u) - 8 : round(u) + 9]
    weights = image[rows, columns]
    return np.array([(weights * columns).sum(), (weights * rows).sum()]) / weights.sum()


def raw(pixels: NDArray[np.generic], encoding: str) -> RawImage:
    step = pixels.nbytes // HEIGHT
    return RawImage(0, "camera", HEIGHT, WIDTH, encoding, 0, step, memoryview(pixels.tobytes()))


def calibration(model: str, D: list[float]) -> Calibration:
    info = CameraInfo(width=WIDTH, height=HEIGHT, k=K.ravel(), d=D, distortion_model=model)
    return Calibration.read(bytes(serialize_message(info)))


def frame(model: str, D: list[float], bright: FloatArray, depth_m: FloatArray, encoding: str = "bgr8") -> Frame:
    colour = np.repeat((255 * bright.clip(0, 1)).astype(np.uint8)[..., None], 3, axis=2)
    depth = raw(depth_m.astype(np.float32), "32FC1")
    pair = ImagePair(raw(colour, encoding), depth, 0)
    return rgbd_frame(pair, calibration(model, D), np.eye(4), DepthCamera())


@pytest.mark.parametrize("lens", LENSES)
def test_a_grid_is_seen_where_a_pinhole_would_see_it(lens: str) -> None:
    model, D = LENSES[lens]
    columns, rows = (grid.ravel() for grid in np.meshgrid(np.arange(20, WIDTH, 60), np.arange(18, HEIGHT, 55)))
    u, v = distorted(model, D, (columns - K[0, 2]) / K[0, 0], (rows - K[1, 2]) / K[1, 1])
    seen = (u > 9) & (u < WIDTH - 9) & (v > 9) & (v < HEIGHT - 9)
    columns, rows, u, v = columns[seen], rows[seen], u[seen], v[seen]
    assert np.hypot(u - columns, v - rows).max() > 5 and len(u) > 40
    bright = dots(u, v)
    made = frame(model, D, bright, np.where(bright > 0.5, 0.7, 1.0))
    assert made.camera.K.tolist() == K.tolist()
    for image, most_px in ((made.rgb[..., 0].astype(float), 0.3), ((made.depth_m < 0.9).astype(float), 0.75)):
        errors = [np.hypot(*(centre(image, *at) - at)) for at in zip(columns, rows, strict=True)]
        assert max(errors) < most_px  # depth is that of the nearest pixel, which is up to 0.71 px away
    assert set(np.unique(made.depth_m)) <= {np.float32(0), np.float32(0.7), np.float32(1)}  # depths are never mixed


@pytest.mark.parametrize("D", [[], [0.0] * 5])
@pytest.mark.parametrize("model", ["", "plumb_bob", "equidistant", "fov"])
def test_without_distortion_nothing_is_touched(D: list[float], model: str) -> None:
    rgb, depth_m = np.zeros((HEIGHT, WIDTH, 3), np.uint8), np.zeros((HEIGHT, WIDTH), np.float32)
    same = calibration(model, D)
    assert same.undistorted(rgb) is rgb and same.undistorted_depth(depth_m) is depth_m


def test_what_a_lens_does_not_see_has_no_depth_and_is_not_shown_twice() -> None:
    everywhere = np.ones((HEIGHT, WIDTH))
    narrow = frame("plumb_bob", [0.12, 0.02, 0.0, 0.0], everywhere, everywhere)
    assert narrow.depth_m[240, 320] == 1 and narrow.depth_m[0, 0] == 0 and not narrow.rgb[0, 0].any()
    folded = frame(
        "plumb_bob", [-1.2, 0.0, 0.0, 0.0], everywhere, everywhere
    ).depth_m  # turns back at 0.53 of the focal
    radius = np.hypot(*np.meshgrid((np.arange(WIDTH) - 322) / 520, (np.arange(HEIGHT) - 238) / 522))
    assert (folded[radius < 0.5] == 1).all() and (folded[radius > 0.54] == 0).all()


@pytest.mark.parametrize(
    ("model", "D", "match"),
    [
        (
            "fov",
            [0.9],
            "one of plumb_bob, rational_polynomial, equidistant as its distortion_model, got 'fov'; take",
        ),
        ("", [0.1] * 5, "got ''"),
        ("plumb_bob", [0.1, 0.2], "must hold 4 or 5 or 8 or 12 or 14 finite numbers for plumb_bob, got"),
        ("equidistant", [0.1] * 5, "must hold 4 finite numbers for equidistant"),
        ("plumb_bob", [float("nan")] * 5, "finite numbers"),
    ],
)
def test_a_distortion_that_cannot_be_undone_is_refused(model: str, D: list[float], match: str) -> None:
    with pytest.raises(SensorError, match=match):
        calibration(model, D)


@pytest.mark.parametrize(
    "topic",
    [
        "/cam/image_rect",
        "image_rect_color",
        "zed/rgb/rect",
        "image_rect_raw",
        "image_rect_raw/compressed",
        "rect/compressedDepth",
    ],
)
def test_an_image_that_is_rectified_already_is_left_alone_and_has_the_intrinsics_of_p(topic: str) -> None:
    P = np.array([[400.0, 0.0, 310.0, -30.0], [0.0, 400.0, 250.0, 0.0], [0.0, 0.0, 1.0, 0.0]])
    raw_calibration = replace(calibration(*LENSES["plumb_bob"]), P=P)
    rectified = raw_calibration.of_topic(topic)
    assert rectified.K.tolist() == P[:, :3].tolist() and not rectified.distorted
    for other in ("camera/color/image_raw", "/rect/image_raw", "image_direct", "correct"):
        assert raw_calibration.of_topic(other) is raw_calibration
    with pytest.raises(SensorError, match="positive focal lengths"):
        calibration(*LENSES["plumb_bob"]).of_topic(topic)
