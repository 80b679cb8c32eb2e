"""One grasp to carry out, and how a hand comes to it, closes, and feels whether it holds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from autoglm_embodied.grasping.antipodal_search import Grasps
from autoglm_embodied.grasping.hand import MAX_WIDTH_M, HandPose, HandRig

OVER_M = 0.20  # height of the tips from which the hand comes down and to which it lifts
DESCENT_M_S, GUARDED_M_S, LIFT_M_S = 0.15, 0.12, 0.12
GUARD_N = 8.0
BACK_OFF_M = 0.002  # up from what was touched before closing
ALMOST_M = 0.006  # touching something this close to the goal is arriving
EMPTY_M = 0.0025
TRIAL_LIFT_M = 0.04
LEAST_WEIGHT_N = 0.5
SWAY_M, SWAY_RAD = 0.025, 0.35
SWAYS = tuple(HandPose(0, y, 0, yaw) for y, yaw in ((SWAY_M, 0), (-SWAY_M, 0), (0, SWAY_RAD), (0, -SWAY_RAD), (0, 0)))
SWAY_M_S = 0.16


@dataclass(frozen=True)
class Grasp:
    """Come down open at a pose, then close."""

    pose: HandPose
    opening_m: float = MAX_WIDTH_M


def grasp_at(grasps: Grasps, index: int) -> Grasp:
    """One of the candidates; the hand turns as little as it can."""
    x, y = (float(value) for value in grasps.centre_m[index])
    yaw = float(grasps.closing_rad[index]) - np.pi / 2  # at yaw 0 the fingers close along y
    pose = HandPose(x, y, float(grasps.tip_m[index]), (yaw + np.pi / 2) % np.pi - np.pi / 2)
    return Grasp(pose, float(grasps.opening_m[index]))


def grasp_blindly(rig: HandRig, grasp: Grasp) -> None:
    """Come down, close and lift, whatever happens."""
    over = grasp.pose.raised_to(OVER_M)
    rig.move(over)
    rig.grip(grasp.opening_m)
    rig.move(grasp.pose, DESCENT_M_S)
    rig.grip(0.0)
    rig.move(over, LIFT_M_S)


def come_down(rig: HandRig, grasp: Grasp) -> bool:
    """Come down until something is felt; whether the hand arrived, more or less. The wrist is tared before."""
    over = grasp.pose.raised_to(OVER_M)
    rig.move(over)
    rig.grip(grasp.opening_m)
    rig.tare()
    if rig.move(grasp.pose, GUARDED_M_S, GUARD_N):
        return True
    touched = rig.pose
    rig.move(touched.raised_to(touched.z_m + BACK_OFF_M), DESCENT_M_S)
    return touched.z_m < grasp.pose.z_m + ALMOST_M


def close_and_feel(rig: HandRig) -> bool:
    """Close, lift a little, weigh, lift on: whether there is something between the fingers all along."""
    if rig.grip(0.0) < EMPTY_M:
        return False
    here = rig.pose
    rig.move(here.raised_to(here.z_m + TRIAL_LIFT_M), LIFT_M_S)
    if not holds(rig):
        return False
    rig.move(here.raised_to(OVER_M), LIFT_M_S)
    return holds(rig)


def sway_and_feel(rig: HandRig) -> bool:
    """Swing what is in the hand to and fro, and about the vertical: whether it is still there afterwards."""
    here = rig.pose
    for sway in SWAYS:
        rig.move(here.moved_by(sway), SWAY_M_S)
    return holds(rig)


def holds(rig: HandRig) -> bool:
    """Whether something keeps the fingers apart and, unless what the hand carries is unknown, weighs enough."""
    load = rig.weigh()
    return bool(load is None or load[2] > LEAST_WEIGHT_N) and rig.width_m > EMPTY_M


def let_go(rig: HandRig) -> None:
    """Open, rise and go where the hand hides nothing from the camera."""
    rig.grip(MAX_WIDTH_M)
    go_aside(rig)


def go_aside(rig: HandRig) -> None:
    """Rise and leave the camera's sight, with whatever is in the hand."""
    rig.move(rig.pose.raised_to(rig.aside.z_m))
    rig.move(rig.aside)


def lay_aside(rig: HandRig, slot: int) -> None:
    """Lay what is in the hand down where it is in nobody's way; consecutive slots lie apart."""
    go_aside(rig)
    rig.move(rig.set_down_poses[slot % len(rig.set_down_poses)])
    let_go(rig)
