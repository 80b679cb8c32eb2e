"""A governor with healthy sensors, for its tests."""

from __future__ import annotations

import numpy as np

from autoglm_embodied.safety.governor import Governor, Received, Verdict
from autoglm_embodied.safety.limits import Limits
from autoglm_embodied.types import FloatArray

MS = 1_000_000
PERIOD_NS = 10 * MS
LIMITS = Limits()
WEIGHT = np.array([0.0, 0.0, -7.2, 0.0, 0.0, 0.0])
MIDDLE = (0.5, 0.0, 0.3)
FORWARD = np.array([0.1, 0.0, 0.0, 0.0, 0.0, 0.0])


class Bench:
    """A governor with healthy sensors at 100 Hz, whose bias is known."""

    def __init__(self) -> None:
        self.governor = Governor(LIMITS)
        self.governor.zero.note_joints(np.zeros(7), LIMITS.max_gripper_width_m)
        self.now_ns = 0
        for _ in range(LIMITS.bias_samples):
            self.governor.feel(0, WEIGHT)

    def step(self, twist: FloatArray, at: tuple[float, float, float] = MIDDLE, push: float = 0.0) -> Verdict:
        self.now_ns += PERIOD_NS
        self.governor.feel(self.now_ns, noisy(WEIGHT + [0, 0, push, 0, 0, 0], self.now_ns))
        return self.governor.step(self.now_ns, Received(twist, self.now_ns), Received(tool_at(at), self.now_ns))

    def settle(self, twist: FloatArray, **more: object) -> Verdict:
        for _ in range(60):
            verdict = self.step(twist, **more)  # type: ignore[arg-type]
        return verdict


def noisy(wrench: FloatArray, now_ns: int) -> FloatArray:
    """As a sensor gives it: no reading is the last one again."""
    return np.asarray(wrench + [0, 0, 0, 0, 0, now_ns * 1e-15])


def tool_at(position_m: tuple[float, float, float]) -> FloatArray:
    pose = np.eye(4)
    pose[:3, 3] = position_m
    return pose
