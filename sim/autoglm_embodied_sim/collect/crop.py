"""What the height map shows around a grasp, in its own frame: the fingers close along y, and x lies across."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from autoglm_embodied.types import FloatArray
from autoglm_embodied_sim.policies.antipodal_search import FINGER_HALF_M, FINGER_THICK_M
from autoglm_embodied_sim.policies.grasp import Grasp
from autoglm_embodied_sim.policies.height_map import HeightMap

PIXELS, PIXEL_M = 48, 0.00275
CHANNELS = ("height above the tips [HEIGHT_M]", "target", "fingers come down here", "seen", "|y| [HALF_M]")
HEIGHT_M = 0.05
HALF_M = PIXELS * PIXEL_M / 2
AXIS_M: FloatArray = (np.arange(PIXELS) + 0.5) * PIXEL_M - HALF_M


@dataclass(frozen=True)
class Crops:
    """What is measured around n grasps; rows run along y, columns along x."""

    height_m: NDArray[np.float16]  # (n, PIXELS, PIXELS) above the fingertips' goal
    target: NDArray[np.bool_]  # (n, PIXELS, PIXELS) shows the object that is wanted
    seen: NDArray[np.bool_]  # (n, PIXELS, PIXELS) a pixel of the camera fell here


def crops(heights: HeightMap, obj: int, grasps: list[Grasp]) -> Crops:
    """Cut the map around grasps of an object; points off the map count to its edge.

    Args:
        heights: height map of the scene, table frame.
        obj: index of the object.
        grasps: n of them.
    """
    poses = np.array([grasp.pose.values for grasp in grasps])  # (n, 4)
    cos, sin = (turn(poses[:, 3])[:, None, None] for turn in (np.cos, np.sin))
    x, y = AXIS_M[None, None, :], AXIS_M[None, :, None]
    cells = heights.at(poses[:, 0, None, None] + cos * x - sin * y, poses[:, 1, None, None] + sin * x + cos * y)
    height = heights.height_m.take(cells) - poses[:, 2, None, None]
    seen = np.ones(height.shape, bool) if heights.seen is None else heights.seen.take(cells)
    return Crops(height.astype(np.float16), heights.owner.take(cells) == obj, seen)


def channels(cut: Crops, opening_m: FloatArray) -> NDArray[np.float32]:
    """The crops as a network wants them: about -1 to 1.

    Args:
        cut: n crops.
        opening_m: (n,) of the hand.

    Returns:
        (n, 5, PIXELS, PIXELS), see CHANNELS.
    """
    across, along = np.abs(AXIS_M)[None, None, :], np.abs(AXIS_M)[None, :, None]
    inner = opening_m[:, None, None] / 2
    fingers = (across < FINGER_HALF_M) & (along > inner) & (along < inner + FINGER_THICK_M)
    height = np.clip(cut.height_m.astype(np.float32) / HEIGHT_M, -2, 2)
    beside = np.broadcast_to(along / HALF_M, height.shape)
    return np.stack([height, cut.target, fingers, cut.seen, beside], axis=1).astype(np.float32)
