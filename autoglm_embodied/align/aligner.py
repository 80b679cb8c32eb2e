"""The streams of all senses in, one masked Observation for any instant out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from threading import Lock

import numpy as np

from autoglm_embodied.align.interpolate import hold, linear
from autoglm_embodied.align.pyramid import pyramid
from autoglm_embodied.align.settings import AlignSettings
from autoglm_embodied.align.stream import Counts, Stream
from autoglm_embodied.align.tare import bias_at_rest
from autoglm_embodied.errors import SensorError
from autoglm_embodied.types import ArmState, FloatArray, ForceFeatures, Observation, Sense


class Aligner:
    """Buffers what the sensors say and answers what they said at an instant.

    Pushes may come from another thread than `observe`; a lock is held only to copy rows.
    Force is absent until the first `tare`: an untared wrench would show the hand's weight as contact.
    """

    def __init__(self, settings: AlignSettings, forward_kinematics: Callable[[FloatArray], FloatArray]) -> None:
        """Take memory for all streams but vision, whose size the first tokens tell.

        Args:
            settings: limits, windows and sizes.
            forward_kinematics: arm joint angles (J,) to T_base_tool (4, 4).
        """
        self._settings = settings
        self._forward_kinematics = forward_kinematics
        self._moving = settings.arm_joints + settings.finger_joints
        jump_ns = settings.clock_jump_ns
        self._vision: Stream | None = None
        self._force = Stream("wrench", settings.force_capacity, (6,), jump_ns)
        self._joints = Stream("joint positions and velocities", settings.joints_capacity, (2 * self._moving,), jump_ns)
        self._instruction: tuple[int, str] | None = None
        self._bias: FloatArray | None = None
        self._lock = Lock()

    def push_tokens(self, stamp_ns: int, receive_ns: int, tokens: FloatArray) -> None:
        """Take the visual tokens (N, D) of the frame of `stamp_ns`."""
        with self._lock:
            if self._vision is None:
                capacity, jump_ns = self._settings.vision_capacity, self._settings.clock_jump_ns
                self._vision = Stream("visual tokens", capacity, tokens.shape, jump_ns, np.float32)
            self._vision.push(stamp_ns, receive_ns, tokens)

    def push_wrench(self, stamp_ns: int, receive_ns: int, wrench: FloatArray) -> None:
        """Take a raw wrench (6,) [N, N·m] in the sensor's frame."""
        with self._lock:
            self._force.push(stamp_ns, receive_ns, wrench)

    def push_joints(self, stamp_ns: int, receive_ns: int, position: FloatArray, velocity: FloatArray) -> None:
        """Take positions and velocities, each (arm joints + fingers,), arm first [rad, m]."""
        with self._lock:
            self._joints.push(stamp_ns, receive_ns, np.concatenate([position, velocity]))

    def push_instruction(self, stamp_ns: int, text: str) -> None:
        """Take what is to be done; it holds until the next or `clear_instruction`."""
        with self._lock:
            self._instruction = (stamp_ns, text)

    def clear_instruction(self) -> None:
        """Nothing is to be done any more."""
        with self._lock:
            self._instruction = None

    def tare(self, t_ns: int, now_receive_ns: int | None = None) -> FloatArray:
        """Take what the sensor reads now for the wrench of an empty hand.

        Returns:
            (6,) the bias [N, N·m].

        Raises:
            SensorError: a sensor is silent, was heard for too short a time, or the arm moves.
        """
        settings = self._settings
        with self._lock:
            for stream, limit_ns in (
                (self._force, settings.force_limit_ns),
                (self._joints, settings.joints_limit_ns),
            ):
                if not stream.fresh(t_ns, now_receive_ns, limit_ns):
                    raise SensorError(f"tare needs a fresh {stream.name}, but none comes; check that the driver runs")
            force, joints = self._force.ring, self._joints.ring
            velocity = joints.values[:, self._moving :]
            self._bias = bias_at_rest(force.stamps_ns, force.values, joints.stamps_ns, velocity, settings)
            return self._bias.copy()

    def observe(self, t_ns: int, now_receive_ns: int | None = None) -> Observation:
        """All senses at `t_ns`; those that are silent, too short or untared are absent.

        Args:
            t_ns: the tick, on the clock of the header stamps; ages and time errors count from it.
            now_receive_ns: the same moment on the monotonic clock of the receive times, by which silence
                is judged; None when there is no such clock (a recorded bag), then stamps judge.
        """
        return Observation(
            t_ns=t_ns,
            vision=self._vision_at(t_ns, now_receive_ns),
            force=self._force_at(t_ns, now_receive_ns),
            joints=self._joints_at(t_ns, now_receive_ns),
            language=self._language_at(t_ns),
        )

    def counts(self) -> dict[str, Counts]:
        """A copy of what became of the samples of each stream."""
        with self._lock:
            vision = replace(self._vision.counts) if self._vision else Counts()
            return {"vision": vision, "force": replace(self._force.counts), "joints": replace(self._joints.counts)}

    def _vision_at(self, t_ns: int, now_receive_ns: int | None) -> Sense[FloatArray]:
        with self._lock:
            if self._vision is None:
                return Sense(None)
            tokens = hold(self._vision.ring.stamps_ns, self._vision.ring.values, t_ns)
            fresh = self._vision.fresh(t_ns, now_receive_ns, self._settings.vision_limit_ns)
        return tokens if fresh else replace(tokens, value=None)

    def _force_at(self, t_ns: int, now_receive_ns: int | None) -> Sense[ForceFeatures]:
        settings, ring = self._settings, self._force.ring
        with self._lock:
            end = int(np.searchsorted(ring.stamps_ns, t_ns, side="right"))
            if end == 0:
                return Sense(None)
            newest_ns = int(ring.stamps_ns[end - 1])
            begin = int(np.searchsorted(ring.stamps_ns, newest_ns - settings.pyramid_windows_ns[-1], side="right"))
            stamps_ns, wrench = ring.stamps_ns[begin:end].copy(), ring.values[begin:end].copy()  # (n,), (n, 6)
            fresh = self._force.fresh(t_ns, now_receive_ns, settings.force_limit_ns)
            bias = self._bias
        age_ns = t_ns - newest_ns
        if not fresh or bias is None or len(wrench) < settings.raw_samples:
            return Sense(None, age_ns, age_ns)
        tared = wrench - bias
        scales = pyramid(stamps_ns, tared, settings.pyramid_windows_ns)
        return Sense(ForceFeatures(tared[-settings.raw_samples :], scales, len(tared)), age_ns, age_ns)

    def _joints_at(self, t_ns: int, now_receive_ns: int | None) -> Sense[ArmState]:
        limit_ns = self._settings.joints_limit_ns
        with self._lock:
            row = linear(self._joints.ring.stamps_ns, self._joints.ring.values, t_ns, limit_ns)
            fresh = self._joints.fresh(t_ns, now_receive_ns, limit_ns)
        state = self._arm_state(row.value) if fresh and row.value is not None else None
        return Sense(state, row.age_ns, row.time_error_ns)

    def _arm_state(self, row: FloatArray) -> ArmState:
        arm = self._settings.arm_joints
        position, velocity = row[: self._moving], row[self._moving :]
        return ArmState(
            position_rad=position[:arm],
            velocity_rad_s=velocity[:arm],
            T_base_tool=self._forward_kinematics(position[:arm]),
            gripper_width_m=float(position[arm:].sum()),
            gripper_velocity_m_s=float(velocity[arm:].sum()),
        )

    def _language_at(self, t_ns: int) -> Sense[str]:
        instruction = self._instruction  # one reference, replaced as a whole
        if instruction is None or instruction[0] > t_ns:
            return Sense(None)
        return Sense(instruction[1], t_ns - instruction[0])
