"""Grasps found on a height map of which the answer is known."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from autoglm_embodied.grasping import antipodal_search
from autoglm_embodied.grasping.antipodal_search import antipodal_grasps
from autoglm_embodied.grasping.force_feedback import middle_grasp
from autoglm_embodied.grasping.grasp import grasp_at
from autoglm_embodied.grasping.height_map import CELL_M, CELLS, HALF_M, HeightMap

AXIS = (np.arange(CELLS) + 0.5) * CELL_M - HALF_M
X, Y = np.meshgrid(AXIS, AXIS)


def table(*boxes: tuple[float, float, float, float, float]) -> HeightMap:
    """Upright boxes, each x, y, length along x, length along y, height."""
    height, owner = np.zeros((CELLS, CELLS)), np.full((CELLS, CELLS), -1, np.int16)
    for obj, (x, y, along_x, along_y, tall) in enumerate(boxes):
        inside = (np.abs(X - x) < along_x / 2) & (np.abs(Y - y) < along_y / 2)
        height[inside], owner[inside] = tall, obj
    return HeightMap(height, owner)


def test_a_bar_is_taken_across_its_middle() -> None:
    found = antipodal_grasps(table((0.05, -0.03, 0.12, 0.03, 0.04)), 0)
    best = grasp_at(found, int(np.argmax(found.score)))
    assert (best.pose.x_m, best.pose.y_m) == pytest.approx((0.05, -0.03), abs=0.008)
    assert np.sin(best.pose.yaw_rad) == pytest.approx(0, abs=0.3)  # fingers close along y
    assert found.width_m[np.argmax(found.score)] == pytest.approx(0.03, abs=0.006)
    assert best.pose.z_m < 0.02


def test_what_is_wider_than_the_hand_opens_has_no_grasp() -> None:
    assert len(antipodal_grasps(table((0, 0, 0.1, 0.1, 0.04)), 0)) == 0
    assert len(antipodal_grasps(table((0, 0, 0.04, 0.04, 0.04)), 7)) == 0


def test_what_is_too_flat_to_be_held_has_no_grasp() -> None:
    assert len(antipodal_grasps(table((0, 0, 0.04, 0.04, 0.008)), 0)) == 0


def test_a_neighbour_in_the_way_of_a_finger_turns_the_grasp() -> None:
    alone = antipodal_grasps(table((0, 0, 0.04, 0.04, 0.04)), 0)
    hemmed = antipodal_grasps(
        table((0, 0, 0.04, 0.04, 0.04), (0, 0.05, 0.08, 0.04, 0.06), (0, -0.05, 0.08, 0.04, 0.06)), 0
    )
    assert alone.obstacle_m.max() < 0
    best = int(np.argmax(hemmed.score))
    assert abs(np.cos(hemmed.closing_rad[best])) > 0.9 and hemmed.obstacle_m[best] < 0 < hemmed.obstacle_m.max()


def test_preshaping_lets_fingers_into_a_gap() -> None:
    sides = [(sign * 0.056, 0.0, 0.03, 0.2, 0.06) for sign in (1, -1)]
    ends = [(0.0, sign * 0.056, 0.2, 0.03, 0.06) for sign in (1, -1)]
    hemmed = table((0, 0, 0.03, 0.03, 0.04), *sides, *ends)
    assert (antipodal_grasps(hemmed, 0).obstacle_m > 0).all()
    assert (antipodal_grasps(hemmed, 0, preshape=True).obstacle_m < 0).any()


def rough() -> HeightMap:
    """Two boxes whose surfaces and edges are noisy."""
    rng = np.random.default_rng(0)
    exact = table((0.02, -0.05, 0.05, 0.04, 0.05), (-0.04, 0.06, 0.03, 0.06, 0.03))
    owner = np.where(rng.random(exact.owner.shape) < 0.1, -1, exact.owner).astype(np.int16)
    return HeightMap(exact.height_m + 0.003 * rng.standard_normal(exact.height_m.shape), owner)


@pytest.mark.parametrize("batch", [1, 7, 10_000])
def test_the_size_of_the_portions_changes_no_grasp(batch: int, monkeypatch: pytest.MonkeyPatch) -> None:
    before = antipodal_grasps(rough(), 1)
    monkeypatch.setattr(antipodal_search, "BATCH", batch)
    after = antipodal_grasps(rough(), 1)
    assert len(before) > 0
    assert all(np.array_equal(value, vars(after)[name]) for name, value in vars(before).items())


def plain_slope(solid: antipodal_search.BoolArray) -> np.ndarray:
    """The normals of the whole map, however little of it is solid."""
    smooth = cv2.GaussianBlur(solid.astype(np.float32), (9, 9), 1.8)
    outward = -np.stack([np.gradient(smooth, axis=1), np.gradient(smooth, axis=0)], axis=-1)
    return np.asarray(outward / np.maximum(np.linalg.norm(outward, axis=-1, keepdims=True), 1e-6))


@pytest.mark.parametrize("y_m", [-0.05, -0.238, 0.236])
def test_normals_are_those_of_the_whole_map_at_its_edge_too(y_m: float) -> None:
    solid = table((0.02, y_m, 0.05, 0.04, 0.05)).owner == 0
    np.testing.assert_allclose(antipodal_search._slope(solid), plain_slope(solid), atol=1e-3)


def test_pca_closes_across_the_longer_axis() -> None:
    grasp = middle_grasp(table((0.02, 0.01, 0.03, 0.1, 0.03)), 0)
    assert grasp is not None and abs(np.sin(grasp.pose.yaw_rad)) > 0.99
    assert (grasp.pose.x_m, grasp.pose.y_m) == pytest.approx((0.02, 0.01), abs=0.002)
    assert middle_grasp(table(), 0) is None
