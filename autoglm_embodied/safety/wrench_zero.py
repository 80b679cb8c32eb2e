"""The wrench that an empty hand at rest puts on the wrist: measured only where it is shown to be empty and at rest."""

from __future__ import annotations

import numpy as np

from autoglm_embodied.errors import SensorError
from autoglm_embodied.types import FloatArray

NEEDS = "zeroing the wrench needs"
REST_RAD = 0.002  # by which a joint at rest may move while the force is measured
STEADY_N = 2.0  # standard deviation of each axis, above that of common wrist sensors
HAND_N = 0.5  # by which the weight of an empty hand may be missed
G_M_S2 = 9.81


class WrenchZero:
    """Takes wrenches until it has the mean of enough in a row, in all of which the hand was empty and the arm at rest.

    The hand is known to be empty by its fingers, which touch each other or are farther apart than any object is wide,
    or by its weight.
    """

    def __init__(self, samples: int, least_width_m: float, open_width_m: float, hand_mass_kg: float) -> None:
        """Begin.

        Args:
            samples: whose mean is the zero.
            least_width_m: fingers closer than this hold nothing.
            open_width_m: nor do fingers farther apart than this.
            hand_mass_kg: of the empty hand, which then shows it to be empty; 0: unknown, the fingers alone count.
        """
        self.bias: FloatArray | None = None  # (6,) in the sensor's frame [N, N·m]
        self.reason = f"{NEEDS} joint states, but none came yet; check that their driver runs"  # why there is none yet
        self._samples = samples
        self._widths_m = least_width_m, open_width_m
        self._hand_n = hand_mass_kg * G_M_S2
        self._position_rad: FloatArray | None = None  # where the arm rests
        self._width_m: float | None = None
        self._wrenches: list[FloatArray] = []

    def note_joints(self, position_rad: FloatArray, width_m: float | None) -> None:
        """Take the arm's joint positions (J,), finite, and the gripper's width, None where that is not known."""
        moved = self._position_rad is None or bool((np.abs(position_rad - self._position_rad) > REST_RAD).any())
        if moved:
            self._position_rad = position_rad
        self._width_m = width_m
        hand = self._hand_reason()
        if moved or hand:
            self._wrenches.clear()
            self.reason = hand or f"{NEEDS} the arm at rest, but it moves"

    def add(self, wrench: FloatArray) -> None:
        """Take a wrench (6,), finite, in the sensor's frame [N, N·m]; the last of enough makes the zero."""
        if self._position_rad is None or self._hand_reason():
            return
        self._wrenches.append(wrench)
        if len(self._wrenches) == self._samples:
            wrenches = np.array(self._wrenches)
            self._wrenches.clear()
            self.reason = self._force_reason(wrenches[:, :3])
            self.bias = None if self.reason else wrenches.mean(axis=0)

    def restart(self) -> None:
        """Measure again; SensorError, and the zero is kept, where something may be in the hand."""
        if self._position_rad is None or self._hand_reason():
            raise SensorError(self._hand_reason() or self.reason)
        self.bias, self.reason = None, f"{NEEDS} {self._samples} wrenches at rest; wait a moment"
        self._wrenches.clear()

    def _hand_reason(self) -> str:
        least_m, open_m = self._widths_m
        if self._hand_n:
            return ""  # what the wrist carries tells
        if self._width_m is None:
            return f"{NEEDS} an empty hand, but the fingers are not in joint_states; set limits.hand_mass_kg"
        if not (self._width_m <= least_m or self._width_m >= open_m):  # NaN too
            apart = f"fingers {self._width_m * 1000:.0f} mm apart"
            return f"{NEEDS} an empty hand, but something may be between {apart}; empty it and open the gripper"
        return ""

    def _force_reason(self, forces_n: FloatArray) -> str:
        noise_n, carried_n = float(forces_n.std(axis=0).max()), float(np.linalg.norm(forces_n.mean(axis=0)))
        if noise_n > STEADY_N:
            return f"{NEEDS} a steady force, but it varies by {noise_n:.1f} N; let the arm and what it touches rest"
        if self._hand_n and abs(carried_n - self._hand_n) > HAND_N:
            weight = f"the wrist carries {carried_n:.1f} N, and limits.hand_mass_kg weighs {self._hand_n:.1f} N"
            return f"{NEEDS} an empty hand, but {weight}; empty it"
        return ""
