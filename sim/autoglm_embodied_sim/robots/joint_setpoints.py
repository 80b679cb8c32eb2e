"""Set-points of spring-like joint servos, out of twists of the tool and gripper openings: a Servo in steps of time."""

from __future__ import annotations

from typing import Any

import mujoco
import numpy as np

from autoglm_embodied.types import FloatArray
from autoglm_embodied_sim.robots.panda import FINGER_SPEED_M_S, MAX_WIDTH_M, PUSH_RAD, VELOCITY_LEAD_S
from autoglm_embodied_sim.robots.panda_model import ARM_JOINTS, FINGER_FORCE_N
from autoglm_embodied_sim.robots.servo import HOME_Q, PERIOD_S, Servo

PERIOD_NS = round(PERIOD_S * 1e9)
COMMAND_TIMEOUT_NS = 100_000_000
LONGEST_GAP_NS = 100_000_000  # between joint states, beyond which the reference begins anew where the arm is
HOMING_RAD_S = 0.8
AT_HOME_RAD, AT_REST_RAD_S = 0.005, 0.02


class Setpoints:
    """Set-points (n,) of arm [rad] and fingers [m], in the time of the joint states, whatever clock that is.

    It begins by moving to the home posture, gripper open, where a policy expects to begin.

    Args:
        model: an MjModel of the arm, for its kinematics and its weight, which the set-points lead to bear.
        stiffness: (n,) of the joints' servos [N·m/rad, N/m].
    """

    def __init__(self, model: Any, stiffness: FloatArray) -> None:
        self._servo = Servo(model)
        self._model, self._data = model, mujoco.MjData(model)
        self._weight_n_m = np.zeros(model.nv)
        self._stiffness = np.asarray(stiffness, dtype=float)
        self._finger_lead_m = FINGER_FORCE_N / float(self._stiffness[ARM_JOINTS])
        self._twist: FloatArray = np.zeros(6)
        self._until_ns = 0
        self._width_m = MAX_WIDTH_M
        self._now_ns: int | None = None
        self.homing = True

    def command(self, twist: FloatArray) -> None:
        """Move the tool with `twist` (6,) [m/s, rad/s, base frame] until replaced or timed out."""
        self._twist = twist
        self._until_ns = (self._now_ns or 0) + COMMAND_TIMEOUT_NS

    def grip(self, width_m: float) -> None:
        """Move the fingers to this opening."""
        self._width_m = float(np.clip(width_m, 0.0, MAX_WIDTH_M))

    def go_home(self) -> None:
        """Open the gripper and move to the home posture; twists are ignored until the arm is there."""
        self.homing = True
        self.grip(MAX_WIDTH_M)

    def advance(self, stamp_ns: int, position: FloatArray, velocity: FloatArray) -> FloatArray | None:
        """The set-points that follow joint positions and velocities (n,) of `stamp_ns`; None if none is due yet."""
        arm_rad, finger_m = position[:ARM_JOINTS], float(position[ARM_JOINTS:].mean())
        if self._now_ns is None or not 0 <= stamp_ns - self._now_ns <= LONGEST_GAP_NS:
            self._servo.reset(arm_rad)
            self._plan, self._finger_m = np.array(arm_rad), finger_m
            self._now_ns = stamp_ns
        periods = (stamp_ns - self._now_ns) // PERIOD_NS
        if periods == 0:
            return None
        arrived = np.abs(HOME_Q - arm_rad).max() < AT_HOME_RAD and np.abs(velocity[:ARM_JOINTS]).max() < AT_REST_RAD_S
        if self.homing and arrived:
            self._servo.reset(HOME_Q)
            self.homing = False
        for _ in range(periods):
            self._plan = self._home_plan() if self.homing else self._servo_plan(arm_rad)
            self._finger_m = self._next_finger(finger_m)
        self._now_ns += periods * PERIOD_NS
        arm = _pushing(self._plan, arm_rad + VELOCITY_LEAD_S * velocity[:ARM_JOINTS])
        return np.array([*(arm + self._bearing(position)), self._finger_m, self._finger_m])

    def _bearing(self, position: FloatArray) -> FloatArray:
        """(n,) how far the springs must be stretched to bear the weight of arm and hand."""
        data = self._data
        data.qpos[: len(position)] = position
        mujoco.mj_kinematics(self._model, data)
        mujoco.mj_comPos(self._model, data)
        mujoco.mj_comVel(self._model, data)
        mujoco.mj_rne(self._model, data, 0, self._weight_n_m)
        return np.asarray(self._weight_n_m[:ARM_JOINTS] / self._stiffness[:ARM_JOINTS])

    def _servo_plan(self, arm_rad: FloatArray) -> FloatArray:
        twist = self._twist if (self._now_ns or 0) < self._until_ns else np.zeros(6)
        position, velocity = self._servo.advance(twist, arm_rad)
        return np.asarray(position[-1] + VELOCITY_LEAD_S * velocity[-1])

    def _home_plan(self) -> FloatArray:
        """One period on a straight line in joint space, all joints together."""
        left = HOME_Q - self._servo.joint_rad
        share = min(1.0, HOMING_RAD_S * PERIOD_S / max(1e-9, float(np.abs(left).max())))
        self._servo.joint_rad = self._servo.joint_rad + share * left
        moving = share < 1.0
        return np.asarray(self._servo.joint_rad + moving * VELOCITY_LEAD_S * share * left / PERIOD_S)

    def _next_finger(self, actual_m: float) -> float:
        """It moves at the gripper's speed and leads the fingers by no more than their force takes."""
        step = FINGER_SPEED_M_S * PERIOD_S
        wanted = min(max(self._width_m / 2, self._finger_m - step), self._finger_m + step)
        return min(max(wanted, actual_m - self._finger_lead_m), actual_m + self._finger_lead_m)


def _pushing(plan: FloatArray, neutral: FloatArray) -> FloatArray:
    """The plan, but no further from where no torque acts than the arm may push."""
    return np.asarray(neutral + np.clip(plan - neutral, -PUSH_RAD, PUSH_RAD))
