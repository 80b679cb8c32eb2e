"""The governor: bounds speed, acceleration, workspace and contact force of every command, stops on stale inputs."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from autoglm_embodied.errors import SensorError
from autoglm_embodied.kinematics import Robot, forward_kinematics
from autoglm_embodied.safety.arm_limits import ArmLimits
from autoglm_embodied.safety.deadman import Deadman, DeadmanSettings
from autoglm_embodied.safety.limits import Limits, Reason
from autoglm_embodied.safety.tilt import tilt_share
from autoglm_embodied.safety.wrench_zero import WrenchZero
from autoglm_embodied.types import Command, FloatArray

NS_PER_S = 1e9
MAX_PLAUSIBLE = 1e6  # [N, N·m]; a larger reading is no measurement
BACK_OFF_M_S = 0.02  # from too much force
MAX_STEP_S = 0.1  # longest time between two steps that counts for the acceleration
AT_ONCE_NS = 15_000_000  # 1.5 periods of a policy: commands that are closer, such as two in a tick, come at once
HOLD_STILL = np.zeros(6)


@dataclass(frozen=True)
class Received:
    """An array and when it was received."""

    value: FloatArray
    receive_ns: int

    def usable(self, now_ns: int, timeout_ns: int) -> bool:
        """Whether it is finite and, on the monotonic clock, no older than the timeout."""
        return now_ns - self.receive_ns <= timeout_ns and bool(np.isfinite(self.value).all())


@dataclass(frozen=True)
class Verdict:
    """The safe command, and every reason why it differs from the policy's."""

    twist: FloatArray  # (6,) of the tool in the base frame [m/s, rad/s]
    gripper_width_m: float | None  # None before the first command: the gripper is not commanded
    reasons: tuple[Reason, ...]


class Governor:
    """Bounds speed, acceleration, workspace and force; commands zero velocity when an input is stale.

    Deceleration is immediate, acceleration is bounded. The gripper's width is kept through every stop, so that a held
    object is not dropped. The end of a stop moves nothing: a policy must first command zero velocity.
    """

    def __init__(self, limits: Limits, deadman: DeadmanSettings | None = None) -> None:
        self._limits = limits
        self.deadman = Deadman(deadman or DeadmanSettings())
        self.stopped = False  # until `resume`
        self._rested = True  # whether the policy commanded zero velocity since the last stop
        self._twist: FloatArray = np.zeros(6)
        self._width_m: float | None = None
        self._stepped_ns: int | None = None
        hand = limits.least_width_m, limits.open_width_m, limits.hand_mass_kg
        self.zero = WrenchZero(limits.bias_samples, *hand)
        self._arm: ArmLimits | None = None
        self._joint_rad: FloatArray | None = None
        self._wrench_ns: int | None = None
        self._reading, self._unchanged_since_ns = b"", 0
        self._pressing, self._torque_n_m = False, 0.0
        self._pressed_by: list[Reason] = []
        self._came_along: FloatArray = np.zeros(3)  # direction of the motion that met the force
        self._backed_off_m = 0.0
        self._blocked = False  # that direction

    def set_limits(self, limits: Limits) -> None:
        """Govern by these limits from the next step on; ConfigError if one is laxer than before while the arm moves."""
        if self._twist.any():
            limits.check_no_laxer_than(self._limits)
        self._limits = limits

    def stop(self) -> None:
        """Command zero velocity until `resume`."""
        self.stopped = True

    def resume(self) -> None:
        """Release a stop; the arm moves on a command that follows one of zero velocity."""
        self._rested = self._rested and not self.stopped
        self.stopped = False

    def feel(self, receive_ns: int, wrench: FloatArray) -> bool:
        """Check a raw wrench against the limits of force and torque, at the sensor's full rate.

        Args:
            receive_ns: when it was received, on the monotonic clock.
            wrench: (6,) in the sensor's frame [N, N·m].

        Returns:
            Whether this wrench is the first above a limit; then publish `halt`, and call `step` at once.
        """
        raw = wrench.tolist()  # six numbers: to numpy each is a function's call, a thousand times a second
        if not all(abs(value) < MAX_PLAUSIBLE for value in raw):  # NaN too
            return False
        self._wrench_ns = receive_ns
        reading = wrench.tobytes()
        if reading != self._reading:
            self._reading, self._unchanged_since_ns = reading, receive_ns
        if self.zero.bias is None:
            self.zero.add(np.array(raw))
            return False
        load = [value - zero for value, zero in zip(raw, self.zero.bias.tolist(), strict=True)]
        limits, pressed_before = self._limits, self._pressing
        force_n, self._torque_n_m = math.hypot(*load[:3]), math.hypot(*load[3:])
        over = {
            Reason.FORCE: force_n > (limits.release_force_n if pressed_before else limits.max_force_n),
            Reason.TORQUE: self._torque_n_m > (limits.release_torque_n_m if pressed_before else limits.max_torque_n_m),
        }
        self._pressing = any(over.values())
        if self._pressing:
            self._pressed_by = [reason for reason, holds in over.items() if holds]
        return self._pressing and not pressed_before

    def halt(self) -> Verdict:
        """Zero velocity for what was felt, from where `step` backs off: it takes ten times as long to compute."""
        self._twist = np.zeros(6)
        return Verdict(np.zeros(6), self._width_m, tuple(self._pressed_by))

    def must_stop(self, now_ns: int) -> bool:
        """Whether the arm moves although the wrench fell silent; then call `step` at once."""
        return bool(self._twist.any()) and self._wrench_silent(now_ns)

    def tare(self) -> None:
        """Zero the wrench again, for which the arm stands; SensorError if it moves or something may be in the hand."""
        if self._twist.any():
            raise SensorError("zeroing the wrench needs the arm at rest, but it moves; stop it first")
        self.zero.restart()

    def note_joints(self, arm: ArmLimits, joint_rad: FloatArray) -> None:
        """Take where the arm's joints (J,) are, whose limits are kept from now on."""
        self._arm, self._joint_rad = arm, joint_rad

    def grip(self, width_m: float) -> None:
        """Take a commanded gripper width [m]; ignored if not finite, or until the policy rested after a stop."""
        if np.isfinite(width_m) and self._rested and not self.stopped:
            self._width_m = float(np.clip(width_m, 0.0, self._limits.max_gripper_width_m))

    def step(self, now_ns: int, command: Received | None, T_base_tool: Received | None) -> Verdict:
        """The safe command at a time of the monotonic clock.

        Args:
            now_ns: that time.
            command: the newest twist (6,) of the policy in the base frame, None before the first.
            T_base_tool: the newest tool pose (4, 4), None before the first.
        """
        dt_s = 0.0 if self._stepped_ns is None else (now_ns - self._stepped_ns) / NS_PER_S
        self._stepped_ns = now_ns
        if command is not None and command.usable(now_ns, self._limits.policy_timeout_ns):
            self._rested |= not command.value.any()
        self._rested &= not self.deadman.released(now_ns)
        reasons = self._stop_reasons(now_ns, command, T_base_tool)
        if reasons or command is None or T_base_tool is None:
            self._twist = np.zeros(6)
        else:
            dt_s = float(np.clip(dt_s, 0.0, MAX_STEP_S))
            slow = self._limit_speed(np.asarray(command.value, np.float64), reasons)
            gentle = self._yield_to_force(slow, dt_s, reasons)
            inside = self._keep_inside(gentle, T_base_tool.value[:3, 3], reasons)
            upright = self._limit_tilt(inside, T_base_tool.value, reasons)
            smooth = self._limit_acceleration(upright, dt_s, reasons)
            self._twist = self._limit_arm(smooth, reasons)
        return Verdict(self._twist.copy(), self._width_m, tuple(reasons))

    def _stop_reasons(self, now_ns: int, command: Received | None, T_base_tool: Received | None) -> list[Reason]:
        limits = self._limits
        checks = {
            Reason.STOPPED: self.stopped,
            Reason.DEADMAN: self.deadman.released(now_ns),
            Reason.NOT_RESTED: not (self._rested or self.stopped or self.deadman.released(now_ns)),
            Reason.POLICY_SILENT: command is None or now_ns - command.receive_ns > limits.policy_timeout_ns,
            Reason.POLICY_NOT_FINITE: command is not None and not np.isfinite(command.value).all(),
            Reason.JOINTS_SILENT: T_base_tool is None or not T_base_tool.usable(now_ns, limits.sensor_timeout_ns),
            Reason.WRENCH_SILENT: self._wrench_silent(now_ns),
            Reason.WRENCH_STUCK: self._wrench_stuck(),
            Reason.NOT_ZEROED: self.zero.bias is None,
        }
        return [reason for reason, holds in checks.items() if holds]

    def _wrench_silent(self, now_ns: int) -> bool:
        return self._wrench_ns is None or now_ns - self._wrench_ns > self._limits.wrench_timeout_ns

    def _wrench_stuck(self) -> bool:
        """Whether the newest wrenches are equal to the last bit for too long: a sensor that works is never so still."""
        return self._wrench_ns is not None and self._wrench_ns - self._unchanged_since_ns > self._limits.wrench_stuck_ns

    def _limit_speed(self, twist: FloatArray, reasons: list[Reason]) -> FloatArray:
        """Scale the whole twist, which keeps its direction."""
        excess = self.share_of_speed(twist) / self._limits.speed_share
        slow = self._torque_share()
        reasons += [Reason.SPEED] * (excess > 1.0) + [Reason.TORQUE] * (slow < 1.0)
        return twist * min(1.0, slow) / max(1.0, excess)

    def share_of_speed(self, twist: FloatArray) -> float:
        """Of a twist (6,): its speed, linear or angular, over the limit, whichever is more."""
        limits = self._limits
        return max(_norm(twist[:3]) / limits.max_linear_m_s, _norm(twist[3:]) / limits.max_angular_rad_s)

    def _torque_share(self) -> float:
        """Of the speed, between the torque below which motion is free and that above which it ends."""
        low, high = self._limits.release_torque_n_m, self._limits.max_torque_n_m
        if self._pressing or self._torque_n_m <= low:
            return 1.0
        return max(0.0, (high - self._torque_n_m) / (high - low))

    def _limit_tilt(self, twist: FloatArray, T_base_tool: FloatArray, reasons: list[Reason]) -> FloatArray:
        share = tilt_share(twist, T_base_tool, self._limits.max_tilt_rad, self._limits.tilt_ahead_s)
        reasons += [Reason.TILT] * (share < 1.0)
        return twist * share

    def _limit_acceleration(self, twist: FloatArray, dt_s: float, reasons: list[Reason]) -> FloatArray:
        limits = self._limits
        linear = _speed_up(self._twist[:3], twist[:3], limits.max_linear_m_s2 * dt_s)
        angular = _speed_up(self._twist[3:], twist[3:], limits.max_angular_rad_s2 * dt_s)
        allowed = np.concatenate([linear, angular])
        if not np.array_equal(allowed, twist):
            reasons.append(Reason.ACCELERATION)
        return allowed

    def _keep_inside(self, twist: FloatArray, position_m: FloatArray, reasons: list[Reason]) -> FloatArray:
        """Limit each component towards the edge it heads for; beyond the edge only motion back is allowed."""
        limits = self._limits
        with np.errstate(over="ignore"):  # an extreme position gives an infinite bound of the right sign
            slowest = np.minimum((limits.workspace_lower_m - position_m) / limits.workspace_ahead_s, 0.0)
            fastest = np.maximum((limits.workspace_upper_m - position_m) / limits.workspace_ahead_s, 0.0)
        linear = np.clip(twist[:3], slowest, fastest)
        if not np.array_equal(linear, twist[:3]):
            reasons.append(Reason.WORKSPACE)
        return np.concatenate([linear, twist[3:]])

    def _limit_arm(self, twist: FloatArray, reasons: list[Reason]) -> FloatArray:
        if self._arm is None or self._joint_rad is None:
            return twist
        bounded, why = self._arm.bound(twist, self._joint_rad, self._limits)
        reasons += why
        return bounded

    def _yield_to_force(self, twist: FloatArray, dt_s: float, reasons: list[Reason]) -> FloatArray:
        """Above the force limit: back off a little along the way that was come, then follow that way back, or up.

        The tool was there before, so it is free; up is away from the table. Once the force is gone, more of the same
        direction would meet it again: it is free after something else was commanded, such as rest.
        """
        onwards = float(twist[:3] @ self._came_along) > 0.0
        self._blocked = self._pressing or (self._blocked and onwards)
        if not self._blocked:
            speed_m_s = _norm(self._twist[:3])
            self._came_along = self._twist[:3] / speed_m_s if speed_m_s > 0.0 else self._came_along
            self._backed_off_m = 0.0
            return twist
        reasons += self._pressed_by
        back_m_s = max(0.0, -float(twist[:3] @ self._came_along))
        if self._pressing and self._backed_off_m < self._limits.back_off_m:
            self._backed_off_m += BACK_OFF_M_S * dt_s
            back_m_s = max(back_m_s, BACK_OFF_M_S)
        x, y, z = -back_m_s * self._came_along
        return np.array([x, y, z if self._came_along[2] > 0.0 else max(z, twist[2]), 0.0, 0.0, 0.0])


def _norm(vector: FloatArray) -> float:
    """Euclidean norm without overflow."""
    largest = float(np.abs(vector).max())
    return largest * float(np.linalg.norm(vector / largest)) if largest > 0.0 else 0.0


def _speed_up(now: FloatArray, command: FloatArray, most: float) -> FloatArray:
    """`command`, with its speed bounded to `most` above the present speed in its direction."""
    speed = float(np.linalg.norm(command))
    if speed == 0.0:
        return command
    direction = command / speed
    allowed = max(float(now @ direction), 0.0) + most
    return command if speed <= allowed else direction * allowed


class GovernorLoop:
    """Keeps the newest twist and tool pose for the governor: the same loop in its node, in simulation and in replay.

    Times are receive times on the monotonic clock. Not thread-safe: a node with several input threads holds a lock.
    """

    def __init__(self, governor: Governor, robot: Robot) -> None:
        self.governor = governor
        self._robot, self._arm = robot, ArmLimits(robot)
        self._twists: list[Received] = []  # those that came at once with the newest, which is the last
        self._T_base_tool: Received | None = None

    def push_wrench(self, receive_ns: int, wrench: FloatArray) -> bool:
        """See `Governor.feel`."""
        return self.governor.feel(receive_ns, wrench)

    def push_joints(self, receive_ns: int, position_rad: FloatArray) -> None:
        """Update the tool pose; joint positions that are not finite count as none.

        Args:
            receive_ns: when they were received.
            position_rad: (J + any others,) the arm's joints first, then the fingers [m] if they are known.
        """
        joints, fingers = self._robot.joints, len(self._robot.finger_joint_names)
        arm_rad, fingers_m = position_rad[:joints], position_rad[joints : joints + fingers]
        finite = bool(np.isfinite(arm_rad).all())
        if finite:
            known = 0 < fingers == len(fingers_m)
            self.governor.zero.note_joints(np.array(arm_rad), float(fingers_m.sum()) if known else None)
            self.governor.note_joints(self._arm, np.array(arm_rad))
        self._T_base_tool = Received(forward_kinematics(self._robot, arm_rad), receive_ns) if finite else None

    def push_twist(self, receive_ns: int, twist: FloatArray) -> None:
        """Update the commanded twist: of those that come at once the slowest counts, whoever gave them.

        Args:
            receive_ns: when it was received.
            twist: (6,) of the tool in the base frame [m/s, rad/s].
        """
        at_once = [each for each in self._twists if receive_ns - each.receive_ns <= AT_ONCE_NS]
        self._twists = [*at_once, Received(twist, receive_ns)]

    def push_command(self, receive_ns: int, command: Command | None) -> None:
        """Update the command of a controller.

        Args:
            receive_ns: when it was received.
            command: twist and gripper width; None commands zero velocity and leaves the gripper as it is.
        """
        self.push_twist(receive_ns, HOLD_STILL if command is None else command.twist)
        if command is not None and command.gripper_width_m is not None:
            self.governor.grip(command.gripper_width_m)

    def step(self, now_ns: int) -> Verdict:
        """The safe command at `now_ns`."""
        return self.governor.step(now_ns, self._command(), self._T_base_tool)

    def _command(self) -> Received | None:
        """The slowest twist of those that came at once, as old as the newest; one that is not finite before all."""
        if not self._twists:
            return None
        values = [np.asarray(each.value, np.float64) for each in self._twists]
        broken = next((value for value in values if not np.isfinite(value).all()), None)
        slowest = min(reversed(values), key=self.governor.share_of_speed) if broken is None else broken
        return Received(slowest, self._twists[-1].receive_ns)
