"""Pixels and places: a pixel's place in the base frame is where the camera model says it is."""

from __future__ import annotations

import numpy as np

from autoglm_embodied.model.inputs import encoder_input, shrink
from autoglm_embodied.types import Camera, Frame

K = np.array([[500.0, 0, 319.5], [0, 500.0, 239.5], [0, 0, 1]])
T_BASE_CAMERA = np.array([[0, 0, 1, 0.2], [-1, 0, 0, 0.1], [0, -1, 0, 0.5], [0, 0, 0, 1.0]])
CAMERA = Camera(640, 480, K, T_BASE_CAMERA)


def test_place_of_a_pixel_projects_back_onto_it() -> None:
    depth = np.full((480, 640), 0.8, np.float32)
    frame = Frame(0, np.zeros((480, 640, 3), np.uint8), depth, CAMERA)
    place = encoder_input(*shrink(frame, 144, 192), CAMERA)[3:6]
    row, column = 100, 37
    seen = np.linalg.inv(T_BASE_CAMERA) @ np.append(place[:, row, column], 1)
    u, v, _ = K @ (seen[:3] / seen[2])
    assert np.isclose(u, (column + 0.5) * 640 / 192 - 0.5, atol=1e-2)
    assert np.isclose(v, (row + 0.5) * 480 / 144 - 0.5, atol=1e-2)
    assert np.isclose(seen[2], 0.8, atol=1e-5)


def test_unknown_depth_is_marked_whether_zero_or_nan() -> None:
    depth = np.full((4, 4), 0.5, np.float32)
    depth[0, 0], depth[1, 1] = 0, np.nan
    out = encoder_input(np.zeros((4, 4, 3), np.uint8), depth, CAMERA)
    assert out[6].sum() == 14
    assert np.isfinite(out).all()
    assert not out[3:6, 0, 0].any() and not out[3:6, 1, 1].any()
