"""From twists of the tool to joint motion, as MoveIt Servo does on a robot: damped differential inverse kinematics."""

from __future__ import annotations

import math
from typing import Any

import mujoco
import numpy as np

from autoglm_embodied.errors import ConfigError
from autoglm_embodied.grasping.hand import MAX_WIDTH_M
from autoglm_embodied.kinematics import Robot
from autoglm_embodied.types import FloatArray, require_finite
from autoglm_embodied_sim.robots.hand_rig import command_array, command_width_m, finger_setpoint_m
from autoglm_embodied_sim.sensors.sensor_specs import TIMESTEP_S

PERIOD_STEPS = 4
PERIOD_S = PERIOD_STEPS * TIMESTEP_S
RAMP = np.arange(1, PERIOD_STEPS + 1)[:, None] / PERIOD_STEPS
LINEAR_LIMIT_M_S, ANGULAR_LIMIT_RAD_S = 0.4, 2.5
LINEAR_SLEW_M_S2, ANGULAR_SLEW_RAD_S2 = 3.0, 20.0
JOINT_SPEED_RAD_S = 2.1  # at most, and of no joint more than its robot file allows
DAMPED = 0.01**2 * np.eye(6)  # keeps joint speeds bounded near singular postures
POSE_GAIN = 20.0  # 1/s, holds the commanded pose against drift
POSTURE_GAIN = 1.0  # 1/s, null-space pull towards home
LIMIT_MARGIN_RAD = 0.02
SLIP_RAD = 0.006  # how far the joints may lag behind before the reference waits for them
SOLVED = 1e-5  # m and rad
REANCHOR_M, REANCHOR_RAD = 0.01, 0.05
VELOCITY_LEAD_S = 0.1  # damping over stiffness of the joint servos: leading by it cancels their lag
PUSH_RAD = 0.007  # bounds the torque against an obstacle to 32 N·m at the strongest joints
FINGER_SPEED_M_S, FINGER_FORCE_N = 0.05, 20.0
PERIOD_NS = round(PERIOD_S * 1e9)
COMMAND_TIMEOUT_NS = 100_000_000
LONGEST_GAP_NS = 100_000_000  # between joint states, beyond which the reference begins anew where the arm is
HOMING_RAD_S = 0.8
AT_HOME_RAD, AT_REST_RAD_S = 0.005, 0.02


class Servo:
    """Integrates a commanded tool pose and the joint angles that follow it, on a kinematic copy of the arm.

    Args:
        model: an MjModel whose first joints are the arm's.
        robot: its file, for home and the speeds of the joints.
    """

    def __init__(self, model: Any, robot: Robot) -> None:
        self._arm = slice(robot.joints)
        self.home_rad: FloatArray = np.array(robot.home_rad)
        fastest_rad_s = np.array(robot.joint_velocity_rad_s or (JOINT_SPEED_RAD_S,) * robot.joints)
        self._fastest_rad_s = np.minimum(fastest_rad_s, JOINT_SPEED_RAD_S)
        self._model, self._data = model, mujoco.MjData(model)
        self._site = model.site("tool").id
        self._tool_m, self._tool_flat = self._data.site_xpos[self._site], self._data.site_xmat[self._site]  # views
        self._tool_rotation: FloatArray = self._tool_flat.reshape(3, 3)
        self._low = model.jnt_range[self._arm, 0] + LIMIT_MARGIN_RAD
        self._high = model.jnt_range[self._arm, 1] - LIMIT_MARGIN_RAD
        self._jacobian = np.zeros((6, model.nv))
        self._arm_jacobian = self._jacobian[:, self._arm]
        self._quat, self._error = np.zeros(4), np.zeros(6)
        self._error_m, self._error_rad = self._error[:3], self._error[3:]
        self.reset(self.home_rad)

    def reset(self, joint_rad: FloatArray) -> None:
        """Stand still at these joint angles (n,)."""
        self.joint_rad: FloatArray = np.array(joint_rad, dtype=float)
        self.joint_rad_s: FloatArray = np.zeros_like(self.joint_rad)
        self._twist = np.zeros(6)
        self._twist_m_s, self._twist_rad_s = self._twist[:3], self._twist[3:]
        self._kinematics()
        self._anchor()

    def advance(self, twist: FloatArray, actual_rad: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Plan the next PERIOD_STEPS steps.

        Args:
            twist: (6,) wanted of the tool point, base frame [m/s, rad/s].
            actual_rad: (n,) where the joints really are; the reference waits for them when something blocks the arm.

        Returns:
            Joint positions and velocities, each (PERIOD_STEPS, n), to command one after the other.
        """
        self.joint_rad = np.minimum(np.maximum(self.joint_rad, actual_rad - SLIP_RAD), actual_rad + SLIP_RAD)
        self._slew(twist)
        self._kinematics()
        wanted = self._joint_velocity(self._twist + POSE_GAIN * self._integrate_pose())
        velocity = self.joint_rad_s + RAMP * (wanted - self.joint_rad_s)
        position = self.joint_rad + TIMESTEP_S * velocity.cumsum(axis=0)
        position = np.minimum(np.maximum(position, self._low), self._high)
        self.joint_rad, self.joint_rad_s = position[-1], wanted
        return position, velocity

    def solve(self, position_m: FloatArray, yaw_rad: float) -> FloatArray:
        """Joint angles (n,) near home that bring the tool, pointing down, to a position in the base frame."""
        self.reset(self.home_rad)
        down = np.array([0.0, np.cos(yaw_rad / 2), np.sin(yaw_rad / 2), 0.0])
        self._position, self._orientation = np.array(position_m, dtype=float), down
        for _ in range(200):
            self._kinematics()
            error = self._pose_error()
            if np.abs(error).max() < SOLVED:
                return np.array(self.joint_rad)
            step = self._joint_velocity(POSE_GAIN * error) / (2 * POSE_GAIN)
            self.joint_rad = np.clip(self.joint_rad + step, self._low, self._high)
        raise ConfigError(f"the arm cannot reach {np.round(position_m, 3).tolist()} pointing down")

    def _kinematics(self) -> None:
        self._data.qpos[self._arm] = self.joint_rad
        mujoco.mj_kinematics(self._model, self._data)
        mujoco.mj_comPos(self._model, self._data)
        mujoco.mj_jacSite(self._model, self._data, self._jacobian[:3], self._jacobian[3:], self._site)

    def _anchor(self) -> None:
        self._position = self._tool_m.copy()
        self._orientation = np.zeros(4)
        mujoco.mju_mat2Quat(self._orientation, self._tool_flat)

    def _slew(self, twist: FloatArray) -> None:
        for now, wanted, limit, slew in (
            (self._twist_m_s, twist[:3], LINEAR_LIMIT_M_S, LINEAR_SLEW_M_S2),
            (self._twist_rad_s, twist[3:], ANGULAR_LIMIT_RAD_S, ANGULAR_SLEW_RAD_S2),
        ):
            now += _shorten(_shorten(wanted, limit) - now, slew * PERIOD_S)

    def _integrate_pose(self) -> FloatArray:
        """Move the commanded pose on; returns what `_pose_error` is then."""
        self._position += self._twist_m_s * PERIOD_S
        mujoco.mju_quatIntegrate(self._orientation, self._tool_rotation.T @ self._twist_rad_s, PERIOD_S)
        error = self._pose_error()
        far_m2, far_rad2 = self._error_m @ self._error_m, self._error_rad @ self._error_rad
        if far_m2 > REANCHOR_M**2 or far_rad2 > REANCHOR_RAD**2:
            self._anchor()
            return self._pose_error()
        return error

    def _pose_error(self) -> FloatArray:
        """(6,) from the tool of the kinematic copy to the commanded pose, base frame; overwritten by the next call."""
        np.subtract(self._position, self._tool_m, out=self._error_m)
        mujoco.mju_mat2Quat(self._quat, self._tool_flat)
        mujoco.mju_subQuat(self._error_rad, self._orientation, self._quat)
        self._error_rad[:] = self._tool_rotation @ self._error_rad
        return self._error

    def _joint_velocity(self, twist: FloatArray) -> FloatArray:
        """Damped least squares for the tool, and a pull home in the null space."""
        jacobian = self._arm_jacobian
        damped = jacobian @ jacobian.T + DAMPED
        posture = POSTURE_GAIN * (self.home_rad - self.joint_rad)
        velocity = posture + jacobian.T @ np.linalg.solve(damped, twist - jacobian @ posture)
        too_fast = float((np.abs(velocity) / self._fastest_rad_s).max())
        return np.asarray(velocity / max(1.0, too_fast))


def _shorten(vector: FloatArray, longest: float) -> FloatArray:
    ratio = math.sqrt(vector @ vector) / longest
    return vector / ratio if ratio > 1.0 else vector


class Setpoints:
    """A Servo in steps of time: set-points (n,) of arm [rad] and fingers [m], in the time of the joint states.

    It begins by moving to the home posture, gripper open, where a policy expects to begin.

    Args:
        model: an MjModel of the arm, for its kinematics and its weight, which the set-points lead to bear.
        robot: its file.
        stiffness: (n,) of the joints' servos [N·m/rad, N/m].
    """

    def __init__(self, model: Any, robot: Robot, stiffness: FloatArray) -> None:
        self._servo, self._joints = Servo(model, robot), robot.joints
        self._model, self._data = model, mujoco.MjData(model)
        self._weight_n_m = np.zeros(model.nv)
        self._stiffness = np.asarray(stiffness, dtype=float)
        self._finger_lead_m = FINGER_FORCE_N / float(self._stiffness[self._joints])
        self._twist: FloatArray = np.zeros(6)
        self._until_ns = 0
        self._width_m = MAX_WIDTH_M
        self._now_ns: int | None = None
        self.homing = True

    def command(self, twist: FloatArray) -> None:
        """Move the tool with `twist` (6,) [m/s, rad/s, base frame] until replaced or timed out."""
        self._twist = command_array("a twist [m/s, rad/s]", twist, (6,))
        self._until_ns = (self._now_ns or 0) + COMMAND_TIMEOUT_NS

    def grip(self, width_m: float) -> None:
        """Move the fingers to this opening."""
        self._width_m = command_width_m(width_m)

    def go_home(self) -> None:
        """Open the gripper and move to the home posture; twists are ignored until the arm is there."""
        self.homing = True
        self.grip(MAX_WIDTH_M)

    def advance(self, stamp_ns: int, position: FloatArray, velocity: FloatArray) -> FloatArray | None:
        """The set-points that follow joint positions and velocities (n,) of `stamp_ns`; None if none is due yet.

        Raises:
            SensorError: a position or a velocity is not finite.
        """
        require_finite("a joint's position", position, self._stiffness.shape)
        require_finite("a joint's velocity", velocity, self._stiffness.shape)
        home_rad, arm_rad, arm_rad_s = self._servo.home_rad, position[: self._joints], velocity[: self._joints]
        finger_m = float(position[self._joints :].mean())
        if self._now_ns is None or not 0 <= stamp_ns - self._now_ns <= LONGEST_GAP_NS:
            self._servo.reset(arm_rad)
            self._plan, self._finger_m = np.array(arm_rad), finger_m
            self._now_ns = stamp_ns
        periods = (stamp_ns - self._now_ns) // PERIOD_NS
        if periods == 0:
            return None
        arrived = np.abs(home_rad - arm_rad).max() < AT_HOME_RAD and np.abs(arm_rad_s).max() < AT_REST_RAD_S
        if self.homing and arrived:
            self._servo.reset(home_rad)
            self.homing = False
        for _ in range(periods):
            self._plan = self._home_plan() if self.homing else self._servo_plan(arm_rad)
            self._finger_m = finger_setpoint_m(
                self._finger_m, self._width_m, finger_m, FINGER_SPEED_M_S * PERIOD_S, self._finger_lead_m
            )
        self._now_ns += periods * PERIOD_NS
        neutral = arm_rad + VELOCITY_LEAD_S * arm_rad_s  # where no torque acts
        arm = neutral + np.clip(self._plan - neutral, -PUSH_RAD, PUSH_RAD)
        return np.array([*(arm + self._bearing(position)), self._finger_m, self._finger_m])

    def _bearing(self, position: FloatArray) -> FloatArray:
        """(n,) how far the springs must be stretched to bear the weight of arm and hand."""
        data = self._data
        data.qpos[: len(position)] = position
        mujoco.mj_kinematics(self._model, data)
        mujoco.mj_comPos(self._model, data)
        mujoco.mj_comVel(self._model, data)
        mujoco.mj_rne(self._model, data, 0, self._weight_n_m)
        return np.asarray(self._weight_n_m[: self._joints] / self._stiffness[: self._joints])

    def _servo_plan(self, arm_rad: FloatArray) -> FloatArray:
        twist = self._twist if (self._now_ns or 0) < self._until_ns else np.zeros(6)
        position, velocity = self._servo.advance(twist, arm_rad)
        return np.asarray(position[-1] + VELOCITY_LEAD_S * velocity[-1])

    def _home_plan(self) -> FloatArray:
        """One period on a straight line in joint space, all joints together."""
        left = self._servo.home_rad - self._servo.joint_rad
        share = min(1.0, HOMING_RAD_S * PERIOD_S / max(1e-9, float(np.abs(left).max())))
        self._servo.joint_rad = self._servo.joint_rad + share * left
        moving = share < 1.0
        return np.asarray(self._servo.joint_rad + moving * VELOCITY_LEAD_S * share * left / PERIOD_S)
