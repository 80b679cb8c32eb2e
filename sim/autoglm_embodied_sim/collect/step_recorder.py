"""Writes down all that a gantry feels and is told at every step of its physics, and takes images on the way."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from autoglm_embodied.grasping.hand import View
from autoglm_embodied.types import FloatArray, Frame, Phase
from autoglm_embodied_sim.robots.gantry import AXES, TIP_BELOW_HAND_M, Gantry, overhead

GROWTH = 4096  # steps
COLUMNS = 16  # reading 6, pose 4, opening 1, commanded pose 4, commanded opening 1


@dataclass(frozen=True)
class Steps:
    """A recording, one row a step of the physics."""

    stamp_ns: NDArray[np.int64]  # (n,)
    wrench: FloatArray  # (n, 6) as read, nothing tared [N, N·m]
    pose: FloatArray  # (n, 4) of the fingertips: x, y, z [m], yaw [rad]
    width_m: FloatArray  # (n,)
    commanded_pose: FloatArray  # (n, 4) what the axes' servos were told
    commanded_width_m: FloatArray  # (n,) the opening that was asked for

    def phases(self) -> NDArray[np.uint8]:
        """(n,) Phase, as the commands say: open it reaches and descends; closed it closes, lifts, then holds."""
        rising_m = np.diff(self.commanded_pose[:, 2], prepend=self.commanded_pose[:1, 2])
        closed = self.commanded_width_m == 0
        phase = np.where(rising_m < 0, Phase.DESCEND.value, Phase.REACH.value)
        begins = np.maximum.accumulate(np.where(~closed, np.arange(len(closed)), -1)) + 1  # of each grip
        risen = _since(rising_m > 0, begins)
        held = np.where(rising_m > 0, Phase.LIFT.value, Phase.HOLD.value)
        gripping = np.where(risen, held, Phase.CLOSE.value)
        return np.where(closed, gripping, phase).astype(np.uint8)


def _since(happens: NDArray[np.bool_], begins: NDArray[np.int64]) -> NDArray[np.bool_]:
    """(n,) whether something happened at or before a step, but not before its `begins`."""
    last = np.maximum.accumulate(np.where(happens, np.arange(len(happens)), -1))
    return np.asarray(last >= begins)


class Recorder:
    """Watches one gantry from now until `stop`.

    Args:
        rig: to be watched.
        image_hz: of the camera; None for no images.
        size_px: of its square images.
        seed: of the camera's noise.
    """

    def __init__(self, rig: Gantry, image_hz: float | None = None, size_px: int = 96, seed: int = 0) -> None:
        self.frames: list[Frame] = []
        self._rig, self._began_ns = rig, rig.time_ns
        self._stamps: list[int] = []
        self._rows = np.empty((GROWTH, COLUMNS))
        self._period_ns = None if image_hz is None else 1e9 / image_hz
        self._camera = overhead(rig.surroundings, rig.hand_eye_m, size_px)
        self._rng = np.random.default_rng([seed, 2])
        rig.watch = self._note

    def view(self) -> View:
        """An image with its owners, now."""
        rig = self._rig
        return rig.eye().view(rig.data, rig.time_ns, self._rng, self._camera)

    def stop(self) -> Steps:
        """Watch no longer; what was written down."""
        self._rig.watch = None
        rows = self._rows[: len(self._stamps)].copy()
        rows[:, [8, 13]] -= TIP_BELOW_HAND_M
        return Steps(
            np.array(self._stamps, np.int64), rows[:, :6], rows[:, 6:10], rows[:, 10], rows[:, 11:15], rows[:, 15]
        )

    def _note(self) -> None:
        rig, count = self._rig, len(self._stamps)
        if count == len(self._rows):
            self._rows = np.concatenate([self._rows, np.empty((GROWTH, COLUMNS))])
        row = self._rows[count]
        row[:6], row[6:10], row[10] = rig.reading(), rig.data.qpos[: len(AXES)], rig.width_m
        row[11:15], row[15] = rig.data.ctrl[: len(AXES)], rig.asked_width_m
        self._stamps.append(rig.time_ns)
        if self._period_ns is not None and rig.time_ns - self._began_ns >= len(self.frames) * self._period_ns:
            self.frames.append(rig.eye().frame(rig.data, rig.time_ns, self._rng, self._camera))
