"""Grasps to learn from: how they are drawn, what is seen around each of them, and what is felt and comes of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from autoglm_embodied.types import FloatArray, Phase
from autoglm_embodied_sim.collect.step_recorder import Recorder
from autoglm_embodied_sim.judge import judge
from autoglm_embodied_sim.policies.antipodal_search import (
    DEEPEST_M,
    FINGER_HALF_M,
    FINGER_THICK_M,
    LOWEST_TIP_M,
    SHALLOWEST_M,
    Grasps,
    antipodal_grasps,
)
from autoglm_embodied_sim.policies.grasp import (
    ALMOST_M,
    EMPTY_M,
    GUARD_N,
    GUARDED_M_S,
    LEAST_WEIGHT_N,
    LIFT_M_S,
    TRIAL_LIFT_M,
    Grasp,
    grasp_at,
)
from autoglm_embodied_sim.policies.height_map import CELL_M, HALF_M, HeightMap
from autoglm_embodied_sim.robots.gantry import Gantry
from autoglm_embodied_sim.robots.hand_rig import MAX_WIDTH_M, HandPose

ANTIPODAL, SPOILT = 0.4, 0.3  # shares; the rest is drawn over what is seen of the object
SPOILT_M, SPOILT_TIP_M, SPOILT_RAD = 0.008, 0.006, 0.4
NARROWEST_M = 0.03
WIDE_OPEN = 0.4  # of the grasps
PIXELS, PIXEL_M = 48, 0.00275
CHANNELS = ("height above the tips [HEIGHT_M]", "target", "fingers come down here", "seen", "|y| [HALF_M]")
HEIGHT_M = 0.05
CROP_HALF_M = PIXELS * PIXEL_M / 2
AXIS_M: FloatArray = (np.arange(PIXELS) + 0.5) * PIXEL_M - CROP_HALF_M
ABOVE_M = 0.015  # what seems to be the highest object, where a descent begins
SUMMED_UP = (Phase.DESCEND, Phase.CLOSE, Phase.LIFT)


def varied_grasps(heights: HeightMap, obj: int, rng: np.random.Generator, count: int) -> list[Grasp]:
    """Draw grasps of an object that is seen, as the believed camera shows it.

    Args:
        heights: height map of the scene, table frame.
        obj: index of the object.
        rng: draws them.
        count: how many.
    """
    found = antipodal_grasps(heights, obj, preshape=bool(rng.random() < 0.5))
    return [_grasp(heights, obj, found, rng) for _ in range(count)]


def _grasp(heights: HeightMap, obj: int, found: Grasps, rng: np.random.Generator) -> Grasp:
    kind = rng.random()
    if kind > ANTIPODAL + SPOILT or len(found) == 0:
        return _anywhere(heights, obj, rng)
    grasp = grasp_at(found, int(rng.integers(len(found))))
    return grasp if kind < ANTIPODAL else _spoilt(grasp, rng)


def _spoilt(grasp: Grasp, rng: np.random.Generator) -> Grasp:
    x, y, z, yaw = grasp.pose.values + rng.standard_normal(4) * [SPOILT_M, SPOILT_M, SPOILT_TIP_M, SPOILT_RAD]
    return Grasp(HandPose(float(x), float(y), max(LOWEST_TIP_M, float(z)), _wrapped(yaw)), _opening(rng))


def _anywhere(heights: HeightMap, obj: int, rng: np.random.Generator) -> Grasp:
    rows, columns = np.nonzero(heights.owner == obj)
    cell = int(rng.integers(len(rows)))
    x, y = (CELL_M * (float(index[cell]) + 0.5) - HALF_M for index in (columns, rows))
    top = float(heights.height_m[rows[cell], columns[cell]])
    tip = max(LOWEST_TIP_M, top - float(rng.uniform(SHALLOWEST_M, DEEPEST_M)))
    return Grasp(HandPose(x, y, tip, float(rng.uniform(-np.pi / 2, np.pi / 2))), _opening(rng))


def _opening(rng: np.random.Generator) -> float:
    return MAX_WIDTH_M if rng.random() < WIDE_OPEN else float(rng.uniform(NARROWEST_M, MAX_WIDTH_M))


def _wrapped(yaw_rad: float) -> float:
    return float((yaw_rad + np.pi / 2) % np.pi - np.pi / 2)


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
    beside = np.broadcast_to(along / CROP_HALF_M, height.shape)
    return np.stack([height, cut.target, fingers, cut.seen, beside], axis=1).astype(np.float32)


@dataclass(frozen=True)
class GraspOutcome:
    """What was felt, NaN where it did not come to that, and what the simulator says."""

    collided: bool  # the descent was broken off
    contact_tip_m: float  # height of the tips where it was
    contact_n: float  # force then
    width_m: float  # after closing
    weight_n: float  # after lifting a little
    wrench: FloatArray  # (3, 2, 6) tared, of SUMMED_UP: mean, and the reading farthest from 0; NaN without that phase
    held_target: bool  # it and no other, after lift and shake
    held_any: bool


class Trials:
    """A rig at rest with its hand empty; every grasp is tried from the same state."""

    def __init__(self, rig: Gantry) -> None:
        self._twin = rig.twin()
        self._twin.tare()  # which takes as long as the objects need to fall asleep
        self._start = self._twin.state()
        self._rest_height_m = rig.truth.position_m(rig.data)[:, 2]

    def outcome(self, grasp: Grasp, obj: int, top_m: float) -> GraspOutcome:
        """Come down, close, lift, weigh, lift on and shake; stop where there is nothing to go on.

        Args:
            grasp: to be tried, table frame.
            obj: index of the object that is wanted.
            top_m: height of what seems to be the highest object, above which the descent begins.
        """
        twin = self._twin
        twin.restore(self._start)
        twin.park(grasp.pose.raised_to(top_m + ABOVE_M), grasp.opening_m)
        recorder = Recorder(twin)
        contact_tip_m = contact_n = width_m = weight_n = float("nan")
        arrived = twin.move(grasp.pose, GUARDED_M_S, GUARD_N)
        if not arrived:
            contact_tip_m, contact_n = twin.pose.z_m, float(np.linalg.norm(twin.wrench()[:3]))
            arrived = contact_tip_m < grasp.pose.z_m + ALMOST_M
        if arrived:
            width_m = twin.grip(0.0)
            if width_m > EMPTY_M:
                twin.move(twin.pose.raised_to(twin.pose.z_m + TRIAL_LIFT_M), LIFT_M_S)
                weight_n = float(twin.weigh()[2])
        wrench = _summary(recorder, twin.tared)
        lifted = weight_n > LEAST_WEIGHT_N and twin.width_m > EMPTY_M
        held = judge(twin, self._rest_height_m).held if lifted else ()
        return GraspOutcome(
            not arrived, contact_tip_m, contact_n, width_m, weight_n, wrench, held == (obj,), len(held) > 0
        )


def _summary(recorder: Recorder, tared: FloatArray) -> FloatArray:
    """(3, 2, 6) see GraspOutcome.wrench."""
    steps = recorder.stop()
    phases, wrench = steps.phases(), steps.wrench - tared
    parts = [_mean_and_peak(wrench, phases == phase.value) for phase in SUMMED_UP]
    return np.stack(parts)


def _mean_and_peak(wrench: FloatArray, during: NDArray[np.bool_]) -> FloatArray:
    """(2, 6) of the rows `during`; NaN if there are none."""
    if not during.any():
        return np.full((2, 6), np.nan)
    rows = wrench[during]
    return np.stack([rows.mean(axis=0), rows[np.argmax(np.abs(rows), axis=0), np.arange(6)]])
