"""What the governor never lets pass."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from math import isfinite

import numpy as np

from autoglm_embodied.errors import ConfigError
from autoglm_embodied.types import FloatArray

MS = 1_000_000


@dataclass(frozen=True)
class Limits:
    """Bounds of what may reach the robot. Positions are those of the tool in the base frame."""

    max_linear_m_s: float = 0.30
    max_angular_rad_s: float = 1.0
    max_linear_m_s2: float = 2.0
    max_angular_rad_s2: float = 8.0
    workspace_lower_m: tuple[float, ...] = (0.2, -0.45, 0.004)
    workspace_upper_m: tuple[float, ...] = (0.75, 0.45, 0.8)
    workspace_ahead_s: float = 0.1  # the tool may not get closer to the edge than it can stop from within this
    max_force_n: float = 40.0  # beyond the wrench at start-up
    release_force_n: float = 30.0  # below which motion is free again
    bias_samples: int = 100  # wrenches whose mean is the one at start-up
    max_gripper_width_m: float = 0.08
    policy_timeout_ns: int = 100 * MS
    sensor_timeout_ns: int = 100 * MS

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if not isinstance(value, tuple) and not (isfinite(value) and value > 0):
                raise ConfigError(f"Limits.{name} must be finite and above 0, got {value}")
        corners = self.workspace_lower_m + self.workspace_upper_m
        if len(self.workspace_lower_m) != 3 or len(corners) != 6 or not all(map(isfinite, corners)):
            raise ConfigError("Limits.workspace_lower_m and workspace_upper_m must hold 3 finite numbers each")
        if any(low >= high for low, high in zip(self.workspace_lower_m, self.workspace_upper_m, strict=True)):
            raise ConfigError("Limits.workspace_lower_m must lie below workspace_upper_m in x, y and z")
        if self.release_force_n > self.max_force_n:
            raise ConfigError(f"Limits.release_force_n must be at most max_force_n, got {self.release_force_n}")


NS_PER_S = 1e9
ABSURD_N = 1e6
LONGEST_STEP_S = 0.1  # a governor called more rarely speeds up no faster


class Reason(Enum):
    """Why a safe command differs from what was commanded."""

    STOPPED = "stopped"
    POLICY_SILENT = "policy silent"
    POLICY_NOT_FINITE = "policy not finite"
    JOINTS_SILENT = "joints silent"
    WRENCH_SILENT = "wrench silent"
    SPEED = "speed"
    ACCELERATION = "acceleration"
    WORKSPACE = "workspace"
    FORCE = "force"


@dataclass(frozen=True)
class Received:
    """An array and when it was received."""

    value: FloatArray
    receive_ns: int

    def usable(self, now_ns: int, timeout_ns: int) -> bool:
        """Whether it is finite and not older than the timeout."""
        return now_ns - self.receive_ns <= timeout_ns and bool(np.isfinite(self.value).all())


@dataclass(frozen=True)
class Verdict:
    """What the robot may do now, and every reason why it is not what was commanded."""

    twist: FloatArray  # (6,) of the tool in the base frame [m/s, rad/s]
    gripper_width_m: float | None  # None until one was commanded: the gripper is left as it is
    reasons: tuple[Reason, ...]


class Governor:
    """Bounds speed, acceleration, workspace and force; stands still when it does not know.

    Slowing down is immediate, speeding up is not. An opening of the gripper is kept through every stop, so
    that a held object is not dropped.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._stopped = False
        self._twist: FloatArray = np.zeros(6)
        self._width_m: float | None = None
        self._stepped_ns: int | None = None
        self._bias_sum = np.zeros(3)
        self._bias_count = 0
        self._felt_ns: int | None = None
        self._pressing = False

    @property
    def stopped(self) -> bool:
        """Whether a stop is in force."""
        return self._stopped

    def stop(self) -> None:
        """Stand still until `resume`."""
        self._stopped = True

    def resume(self) -> None:
        """Release a stop."""
        self._stopped = False

    def feel(self, receive_ns: int, wrench: FloatArray) -> bool:
        """Take a raw wrench (6,) [N, N·m] at the sensor's full rate.

        Returns:
            Whether the force limit was passed just now; then `step` should follow at once.
        """
        force = np.asarray(wrench[:3], np.float64)
        if not (np.abs(force) < ABSURD_N).all():  # NaN too
            return False
        self._felt_ns = receive_ns
        if self._bias_count < self._limits.bias_samples:
            self._bias_sum += force
            self._bias_count += 1
            return False
        over_n = float(np.linalg.norm(force - self._bias_sum / self._bias_count))
        was_pressing = self._pressing
        self._pressing = over_n > (self._limits.release_force_n if was_pressing else self._limits.max_force_n)
        return self._pressing and not was_pressing

    def grip(self, width_m: float) -> None:
        """Take a commanded opening [m]; one that is not finite, or comes during a stop, is ignored."""
        if np.isfinite(width_m) and not self._stopped:
            self._width_m = float(np.clip(width_m, 0.0, self._limits.max_gripper_width_m))

    def step(self, now_ns: int, command: Received | None, T_base_tool: Received | None) -> Verdict:
        """The command for now.

        Args:
            now_ns: monotonic clock.
            command: the newest twist (6,) of the policy in the base frame, None before the first.
            T_base_tool: the newest tool pose (4, 4), None before the first.
        """
        dt_s = 0.0 if self._stepped_ns is None else (now_ns - self._stepped_ns) / NS_PER_S
        self._stepped_ns = now_ns
        reasons = self._why_still(now_ns, command, T_base_tool)
        if reasons or command is None or T_base_tool is None:
            self._twist = np.zeros(6)
        else:
            slow = self._limit_speed(np.asarray(command.value, np.float64), reasons)
            inside = self._keep_inside(slow, T_base_tool.value[:3, 3], reasons)
            gentle = self._yield_to_force(inside, reasons)
            self._twist = self._limit_acceleration(gentle, float(np.clip(dt_s, 0.0, LONGEST_STEP_S)), reasons)
        return Verdict(self._twist.copy(), self._width_m, tuple(reasons))

    def _why_still(self, now_ns: int, command: Received | None, T_base_tool: Received | None) -> list[Reason]:
        limits = self._limits
        checks = {
            Reason.STOPPED: self._stopped,
            Reason.POLICY_SILENT: command is None or now_ns - command.receive_ns > limits.policy_timeout_ns,
            Reason.POLICY_NOT_FINITE: command is not None and not np.isfinite(command.value).all(),
            Reason.JOINTS_SILENT: T_base_tool is None or not T_base_tool.usable(now_ns, limits.sensor_timeout_ns),
            Reason.WRENCH_SILENT: self._felt_ns is None
            or now_ns - self._felt_ns > limits.sensor_timeout_ns
            or self._bias_count < limits.bias_samples,
        }
        return [reason for reason, holds in checks.items() if holds]

    def _limit_speed(self, twist: FloatArray, reasons: list[Reason]) -> FloatArray:
        """Scale the whole twist, so that the tool stays on its path."""
        excess = max(
            _norm(twist[:3]) / self._limits.max_linear_m_s,
            _norm(twist[3:]) / self._limits.max_angular_rad_s,
        )
        if excess <= 1.0:
            return twist
        reasons.append(Reason.SPEED)
        return twist / excess

    def _limit_acceleration(self, twist: FloatArray, dt_s: float, reasons: list[Reason]) -> FloatArray:
        limits = self._limits
        linear = _speed_up(self._twist[:3], twist[:3], limits.max_linear_m_s2 * dt_s)
        angular = _speed_up(self._twist[3:], twist[3:], limits.max_angular_rad_s2 * dt_s)
        allowed = np.concatenate([linear, angular])
        if not np.array_equal(allowed, twist):
            reasons.append(Reason.ACCELERATION)
        return allowed

    def _keep_inside(self, twist: FloatArray, position_m: FloatArray, reasons: list[Reason]) -> FloatArray:
        """Slow each component towards the edge it heads for; past the edge only the way back is free."""
        limits = self._limits
        with np.errstate(over="ignore"):  # an absurd position bounds by an infinite speed, on the right side
            slowest = np.minimum((limits.workspace_lower_m - position_m) / limits.workspace_ahead_s, 0.0)
            fastest = np.maximum((limits.workspace_upper_m - position_m) / limits.workspace_ahead_s, 0.0)
        linear = np.clip(twist[:3], slowest, fastest)
        if not np.array_equal(linear, twist[:3]):
            reasons.append(Reason.WORKSPACE)
        return np.concatenate([linear, twist[3:]])

    def _yield_to_force(self, twist: FloatArray, reasons: list[Reason]) -> FloatArray:
        """While pressed too hard only up is allowed: away from the table, whatever the sensor's sign convention."""
        if not self._pressing:
            return twist
        reasons.append(Reason.FORCE)
        return np.array([0.0, 0.0, max(twist[2], 0.0), 0.0, 0.0, 0.0])


def _norm(vector: FloatArray) -> float:
    """Length without overflow for any finite vector."""
    largest = float(np.abs(vector).max())
    return largest * float(np.linalg.norm(vector / largest)) if largest > 0.0 else 0.0


def _speed_up(now: FloatArray, command: FloatArray, most: float) -> FloatArray:
    """`command`, but no faster than `most` above the speed already had in its direction."""
    speed = float(np.linalg.norm(command))
    if speed == 0.0:
        return command
    direction = command / speed
    allowed = max(float(now @ direction), 0.0) + most
    return command if speed <= allowed else direction * allowed
