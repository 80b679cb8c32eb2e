"""Bounds a twist by what it does to the whole arm: joint limits and speeds, singularities, collisions.

The joint velocities that a twist causes are those of damped least squares (Nakamura and Hanafusa 1986). Every bound
scales the whole twist, which keeps its direction, and none forbids the way back. The arm is described by capsules
(`Robot.capsules`), their distances are exact (Ericson 2005, Real-Time Collision Detection, section 5.1.9).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from autoglm_embodied.errors import ConfigError
from autoglm_embodied.kinematics import Robot, joint_frames, tool_jacobian
from autoglm_embodied.safety.limits import Limits, Reason
from autoglm_embodied.types import FloatArray

DAMPING = 0.01  # of the least squares
PROBE_S = 0.01  # ahead, for the rate at which distances and the condition number change
LEAST_STOPPING_SCALE = 0.1  # of a twist whose parts alone would pass a limit
NOTHING = 1e-12
APART_LINKS = 3  # links nearer to each other than this cannot touch, or always do


class ArmLimits:
    """The limits of one arm at one posture.

    Args:
        robot: limits of its joints, and its capsules; one without capsules is not checked for collisions.

    Raises:
        ConfigError: its links have no lengths, as in a file that is still to be completed; no bound would hold.
    """

    def __init__(self, robot: Robot) -> None:
        if not any(robot.dh_a_m + robot.dh_d_m):
            raise ConfigError(f"dh_a_m and dh_d_m of {robot.name} are all 0; complete its robot file before it moves")
        self._robot = robot
        self._lower = np.array(robot.joint_lower_rad)
        self._upper = np.array(robot.joint_upper_rad)
        self._fastest = np.array(robot.joint_velocity_rad_s or (np.inf,) * robot.joints)
        capsules = np.array(robot.capsules_m).reshape(-1, 7)
        self._ends_m, self._radius_m = capsules[:, :6].reshape(-1, 2, 3), capsules[:, 6]
        self._link = np.array(robot.capsule_links, int)
        first, second = np.triu_indices(len(self._link), 1)
        apart = np.abs(self._link[first] - self._link[second]) >= APART_LINKS
        self._pairs = first[apart], second[apart]
        touches = (self._link > robot.joints) & (self._ends_m[:, :, 2].max(axis=1) + self._radius_m > 0)
        self._over_table = (self._link > 0) & ~touches  # the base stands on it, what reaches to the tool's point may

    def bound(self, twist: FloatArray, joint_rad: FloatArray, limits: Limits) -> tuple[FloatArray, list[Reason]]:
        """The twist (6,) scaled to what the arm may do, and why.

        Args:
            twist: of the tool, base frame [m/s, rad/s].
            joint_rad: (J,) where the arm is.
            limits: margins and times.
        """
        if not twist.any():
            return twist, []
        frames = joint_frames(self._robot, joint_rad)
        jacobian = tool_jacobian(frames)
        joint_rad_s = _joint_velocity(jacobian, twist)
        scales = {
            Reason.JOINT_SPEED: _least_ratio(self._fastest, np.abs(joint_rad_s)),
            Reason.JOINT_LIMIT: min(
                self._joint_limit_scale(joint_rad, joint_rad_s, limits.joint_margin_rad, limits),
                self._stopping_scale(jacobian, twist, joint_rad, limits),
            ),
            Reason.SINGULARITY: self._singularity_scale(jacobian, joint_rad + PROBE_S * joint_rad_s, limits),
            Reason.COLLISION: self._collision_scale(frames, joint_rad + PROBE_S * joint_rad_s, limits),
        }
        scale = min(scales.values())
        return twist * min(scale, 1.0), [reason for reason, each in scales.items() if each < 1.0]

    def clearances_m(self, joint_rad: FloatArray, table_m: float) -> FloatArray:
        """(P,) distance of each pair of capsules, and of each capsule that may not touch it to the table."""
        return self._clearances_m(joint_frames(self._robot, joint_rad), table_m)

    def _stopping_scale(self, jacobian: FloatArray, twist: FloatArray, joint_rad: FloatArray, limits: Limits) -> float:
        """That with which no joint passes its limit while the arm stops.

        A servo may stop turning sooner than moving, or later, and what is left of a twist turns joints otherwise: near
        a singularity faster, or the other way. The way back from a limit stays open, if slowly.
        """
        parts = np.stack([np.concatenate([twist[:3], np.zeros(3)]), np.concatenate([np.zeros(3), twist[3:]])])
        scales = [self._joint_limit_scale(joint_rad, _joint_velocity(jacobian, part), 0.0, limits) for part in parts]
        return max(min(scales), LEAST_STOPPING_SCALE)

    def _joint_limit_scale(
        self, joint_rad: FloatArray, joint_rad_s: FloatArray, margin: float, limits: Limits
    ) -> float:
        room = np.where(joint_rad_s > 0, self._upper - margin - joint_rad, joint_rad - self._lower - margin)
        return _least_ratio(np.maximum(room, 0.0) / limits.joint_ahead_s, np.abs(joint_rad_s))

    def _singularity_scale(self, jacobian: FloatArray, next_rad: FloatArray, limits: Limits) -> float:
        # Of a twist that still accelerates, so slower than the share; that of the wanted twist was tried, and a servo's
        # joints passed their limits.
        now = _condition(jacobian)
        if now <= limits.singularity_slow:
            return 1.0
        if _condition(tool_jacobian(joint_frames(self._robot, next_rad))) < now:
            return min(1.0, limits.singularity_stop / now)  # deep in one, a servo's joints turn faster than known here
        if now >= limits.singularity_stop:
            return 0.0
        return (limits.singularity_stop - now) / (limits.singularity_stop - limits.singularity_slow)

    def _collision_scale(self, frames: FloatArray, next_rad: FloatArray, limits: Limits) -> float:
        now_m = self._clearances_m(frames, limits.table_m)
        nearing_m_s = (now_m - self.clearances_m(next_rad, limits.table_m)) / PROBE_S
        room_m = np.maximum(now_m - limits.clearance_m, 0.0)
        return _least_ratio(room_m / limits.joint_ahead_s, nearing_m_s)

    def _clearances_m(self, frames: FloatArray, table_m: float) -> FloatArray:
        if not len(self._link):
            return np.zeros(0)
        T_base_link = frames[self._link]
        ends_m = np.einsum("nij,nkj->nki", T_base_link[:, :3, :3], self._ends_m) + T_base_link[:, None, :3, 3]
        first, second = self._pairs
        apart_m = segment_distances(ends_m[first], ends_m[second]) - self._radius_m[first] - self._radius_m[second]
        over_m = ends_m[:, :, 2].min(axis=1) - self._radius_m - table_m
        return np.concatenate([apart_m, over_m[self._over_table]])


def segment_distances(first: FloatArray, second: FloatArray) -> FloatArray:
    """(N,) smallest distances of N pairs of segments, each (N, 2, 3) by its ends."""
    along, other, between = first[:, 1] - first[:, 0], second[:, 1] - second[:, 0], first[:, 0] - second[:, 0]
    a, e, b = _dot(along, along), _dot(other, other), _dot(along, other)
    c, f = _dot(along, between), _dot(other, between)
    parallel = a * e - b * b
    s = np.clip(_divide(b * f - c * e, parallel), 0.0, 1.0)
    t = _divide(b * s + f, e)
    outside = (t < 0.0) | (t > 1.0) | (e <= NOTHING)
    t = np.clip(t, 0.0, 1.0)
    s = np.where(outside, np.clip(_divide(b * t - c, a), 0.0, 1.0), s)
    apart: FloatArray = np.linalg.norm(between + s[:, None] * along - t[:, None] * other, axis=1)
    return apart


def _dot(left: FloatArray, right: FloatArray) -> FloatArray:
    return np.asarray(np.einsum("ni,ni->n", left, right))


def _divide(numerator: FloatArray, denominator: FloatArray) -> FloatArray:
    """0 where the denominator is next to nothing: parallel segments, and points."""
    fits: NDArray[np.bool_] = denominator > NOTHING
    return np.where(fits, numerator / np.where(fits, denominator, 1.0), 0.0)


def _joint_velocity(jacobian: FloatArray, twist: FloatArray) -> FloatArray:
    """(J,) of damped least squares."""
    damped = jacobian @ jacobian.T + DAMPING**2 * np.eye(6)
    return np.asarray(jacobian.T @ np.linalg.solve(damped, twist))


def _condition(jacobian: FloatArray) -> float:
    """Ratio of the largest singular value to the smallest."""
    values = np.linalg.svd(jacobian, compute_uv=False)
    return float(values[0] / max(values[-1], 1e-12))


def _least_ratio(most: FloatArray, wanted: FloatArray) -> float:
    """The smallest `most / wanted` where something is wanted; infinite if nothing is."""
    wants = wanted > 1e-9
    return float((most[wants] / wanted[wants]).min(initial=np.inf))
