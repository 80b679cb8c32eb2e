"""A teacher that sees the true state: a pure function of it, so that it can label any state a learner comes to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from autoglm_embodied.types import FloatArray, Phase
from autoglm_embodied_sim.robots.arm import Arm
from autoglm_embodied_sim.scenes.scene_object import SceneObject
from autoglm_embodied_sim.sensors.sensor_specs import FINGERS

OPEN_M, CLOSED_M = 0.08, 0.0
OPENED_M, EMPTY_M = 0.074, 0.006  # width above which the gripper counts as open, below which it closed on nothing
SAFE_RISE_M = 0.11  # above the grasp height: over every object
LIFTED_M = 0.20  # tool height at which a lift is done
LOWEST_GRASP_M = 0.018  # fingertips end 9 mm below the tool point
GRASP_XY_M, GRASP_Z_M = 0.008, 0.006
KEEP_XY_M, KEEP_Z_M = 0.018, 0.016  # once it closes, it goes on within these
FUNNEL_XY_M, FUNNEL_SLOPE = 0.005, 5.0
FAR_XY_M = 0.03
STILL_M_S = 0.004
GAIN, YAW_GAIN = 4.0, 3.0  # 1/s
XY_SPEED_M_S, Z_SPEED_M_S, LIFT_SPEED_M_S, YAW_SPEED_RAD_S = 0.25, 0.15, 0.15, 0.8
WIDTH_SPEED_M_S = 0.1  # of the gripper, for the roll-out
Action = tuple[FloatArray, float, Phase]
"""Twist of the tool (6,) in the base frame [m/s, rad/s], gripper width [m] and the phase."""


@dataclass(frozen=True)
class ExpertState:
    """What decides the expert's action; positions in the base frame."""

    tool_m: FloatArray  # (3,)
    tool_yaw_rad: float
    target_m: FloatArray  # (3,) centre of the named object
    target_height_m: float
    width_m: float
    width_velocity_m_s: float
    held: bool  # the named object lies between both fingers and both touch it

    @property
    def grasp_m(self) -> FloatArray:
        """(3,) where the tool should be when the fingers close."""
        return np.array([*self.target_m[:2], max(self.target_m[2], LOWEST_GRASP_M)])


def observe(arm: Arm, objects: Sequence[SceneObject], target: int) -> ExpertState:
    """The true state as the expert sees it.

    Args:
        arm: with the objects on its table.
        objects: as the scene has them.
        target: index of the named one.
    """
    T_base_tool, fingers = arm.rig.T_base_tool(), slice(arm.robot.joints, arm.robot.joints + FINGERS)
    return ExpertState(
        tool_m=T_base_tool[:3, 3],
        tool_yaw_rad=float(np.arctan2(T_base_tool[1, 0], T_base_tool[0, 0])),
        target_m=arm.truth.pose(arm.data)[target, :3],
        target_height_m=float(objects[target].shape.extent_m[-1]),
        width_m=float(arm.data.qpos[fingers].sum()),
        width_velocity_m_s=float(arm.data.qvel[fingers].sum()),
        held=target in arm.truth.contacts.between(arm.data),
    )


def expert_action(state: ExpertState) -> Action:
    """What the teacher does in this state."""
    error = state.grasp_m - state.tool_m
    far_m, rise_m = float(np.hypot(error[0], error[1])), float(-error[2])
    moving = abs(state.width_velocity_m_s) > STILL_M_S
    if state.held and state.width_m < OPENED_M:
        return _close() if moving else _lift(state)
    if state.width_m < OPENED_M or state.width_velocity_m_s < -STILL_M_S:
        return _partly_closed(state, error, far_m, rise_m)
    if far_m < GRASP_XY_M and abs(rise_m) < GRASP_Z_M:
        return _close()
    return _approach(state, error, far_m)


def _partly_closed(state: ExpertState, error: FloatArray, far_m: float, rise_m: float) -> Action:
    """Close where that is right, else rise closed, and open only up there."""
    if far_m < KEEP_XY_M and abs(rise_m) < KEEP_Z_M and state.width_m >= EMPTY_M:
        return _close()
    opening = state.width_velocity_m_s > STILL_M_S
    height_m = state.tool_m[2] - LOWEST_GRASP_M
    if height_m > SAFE_RISE_M * (0.6 if opening else 0.85):
        return _approach(state, np.array([0.0, 0.0, max(0.0, SAFE_RISE_M - height_m)]), FAR_XY_M)
    return _twist(state, np.array([0.0, 0.0, SAFE_RISE_M - height_m])), CLOSED_M, Phase.REACH


def _approach(state: ExpertState, error: FloatArray, far_m: float) -> Action:
    """Come over the object and down in a funnel: the further off in xy, the higher."""
    clearance_m = min(SAFE_RISE_M, FUNNEL_SLOPE * max(0.0, far_m - FUNNEL_XY_M))
    way = error + np.array([0.0, 0.0, clearance_m])
    return _twist(state, way), OPEN_M, Phase.REACH if far_m > FAR_XY_M else Phase.DESCEND


def _close() -> Action:
    return np.zeros(6), CLOSED_M, Phase.CLOSE


def _lift(state: ExpertState) -> Action:
    twist = np.zeros(6)
    if state.tool_m[2] >= LIFTED_M:
        return twist, CLOSED_M, Phase.HOLD
    twist[2] = min(LIFT_SPEED_M_S, GAIN * (LIFTED_M + 0.02 - state.tool_m[2]))
    return twist, CLOSED_M, Phase.LIFT


def _twist(state: ExpertState, way: FloatArray) -> FloatArray:
    """Proportional control along `way` (3,) and of the yaw back to zero."""
    twist = np.zeros(6)
    twist[:2] = GAIN * way[:2] / max(1.0, GAIN * float(np.hypot(way[0], way[1])) / XY_SPEED_M_S)
    twist[2] = np.clip(GAIN * way[2], -Z_SPEED_M_S, Z_SPEED_M_S)
    twist[5] = np.clip(-YAW_GAIN * state.tool_yaw_rad, -YAW_SPEED_RAD_S, YAW_SPEED_RAD_S)
    return twist


def expert_chunk(state: ExpertState, steps: int, dt_s: float) -> tuple[FloatArray, FloatArray, Phase]:
    """The teacher's next `steps` actions, `dt_s` apart, if the arm follows exactly.

    Returns:
        Twists (H, 6), gripper widths (H,) and the phase of the first.
    """
    actions = []
    for _ in range(steps):
        twist, width, phase = expert_action(state)
        actions.append((twist, width, phase))
        state = _roll(state, twist, width, dt_s)
    twists, widths, phases = zip(*actions, strict=True)
    return np.stack(twists), np.array(widths), phases[0]


def _roll(state: ExpertState, twist: FloatArray, width_m: float, dt_s: float) -> ExpertState:
    """Where an arm that follows exactly, and a gripper of known speed, are `dt_s` later."""
    moved = twist[:3] * dt_s
    change = float(np.clip(width_m - state.width_m, -WIDTH_SPEED_M_S * dt_s, WIDTH_SPEED_M_S * dt_s))
    between = np.abs(state.grasp_m - state.tool_m).max() < KEEP_XY_M
    stops_at = state.width_m if state.held else state.target_height_m  # objects are as wide as high
    if change < 0 and between and (state.held or state.width_m >= stops_at):
        change = max(change, stops_at - state.width_m)
        grips = state.held or state.width_m + change <= stops_at
    else:
        grips = state.held and change <= 0
    return replace(
        state,
        tool_m=state.tool_m + moved,
        tool_yaw_rad=state.tool_yaw_rad + float(twist[5]) * dt_s,
        target_m=state.target_m + moved if state.held else state.target_m,
        width_m=state.width_m + change,
        width_velocity_m_s=change / dt_s,
        held=grips,
    )
