"""Crops of a height map of which the answer is known."""

from __future__ import annotations

import numpy as np

from autoglm_embodied.data.schemas import CROP_PIXELS
from autoglm_embodied.grasping.grasp import Grasp
from autoglm_embodied.grasping.grasp_candidates import AXIS_M, crops
from autoglm_embodied.grasping.hand import HandPose
from autoglm_embodied.grasping.height_map import CELL_M, CELLS, HALF_M, HeightMap

AXIS = (np.arange(CELLS) + 0.5) * CELL_M - HALF_M
X, Y = np.meshgrid(AXIS, AXIS)
BAR = (np.abs(X - 0.05) < 0.04) & (np.abs(Y) < 0.01)  # 80 mm along x, 20 mm along y
TABLE = HeightMap(np.where(BAR, 0.03, 0.0), np.where(BAR, 2, -1).astype(np.int16), X < 0.05)


def test_the_crop_turns_and_moves_with_the_grasp() -> None:
    straight, turned = Grasp(HandPose(0.05, 0, 0.01, 0)), Grasp(HandPose(0.05, 0, 0.01, np.pi / 2))
    cut = crops(TABLE, 2, [straight, turned])
    along_x = cut.target[0].any(axis=0).sum() * (AXIS_M[1] - AXIS_M[0])
    along_y = cut.target[0].any(axis=1).sum() * (AXIS_M[1] - AXIS_M[0])
    assert abs(along_x - 0.08) < 0.006 and abs(along_y - 0.02) < 0.006
    np.testing.assert_array_equal(cut.target[1].any(axis=0).sum(), cut.target[0].any(axis=1).sum())


def test_heights_are_above_the_tips_and_the_unseen_is_marked() -> None:
    cut = crops(TABLE, 2, [Grasp(HandPose(0.05, 0, 0.01, 0))])
    np.testing.assert_allclose(np.unique(cut.height_m), [-0.01, 0.02], atol=1e-4)
    assert cut.seen[0][:, : CROP_PIXELS // 2].all() and not cut.seen[0][:, CROP_PIXELS // 2 + 1 :].any()
    assert not crops(TABLE, 1, [Grasp(HandPose(0.05, 0, 0.01, 0))]).target.any()


def test_a_crop_may_be_cut_where_things_seem_to_be() -> None:
    grasp, there = Grasp(HandPose(0.05, 0.01, 0.01, 0.7)), Grasp(HandPose(0.058, 0.006, 0.01, 0.7))
    moved, cut = crops(TABLE, 2, [grasp], np.array([[0.008, -0.004]])), crops(TABLE, 2, [there])
    np.testing.assert_array_equal(moved.target, cut.target)
    assert not np.array_equal(cut.target, crops(TABLE, 2, [grasp]).target)
