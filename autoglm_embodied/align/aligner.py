"""Aligns the sensor streams in time: samples of all modalities in, one masked Observation at any instant out."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from autoglm_embodied.align.clock import ClockEstimate
from autoglm_embodied.align.interpolate import InterpolationLimits, interpolate
from autoglm_embodied.align.settings import AlignSettings
from autoglm_embodied.align.stream import Ring, SampleCounts, Stream
from autoglm_embodied.align.wrench import BETWEEN, UNTARED, WrenchStream
from autoglm_embodied.errors import SensorError
from autoglm_embodied.types import MODALITIES, ArmState, FloatArray, ForceFeatures, Observation, Sense

MAX_INSTRUCTIONS = 16  # speech comes every few seconds and a tick reads the newest
NS_PER_MS = 1e6
MAX_JOINT_VALUE = 1e5  # [rad, m, rad/s, m/s]; a larger number is no measurement


class InstructionBuffer:
    """The newest instructions, oldest first; each holds until the next, until cancelled, or until its validity ends.

    Every change replaces the whole tuple: a reader on another thread never sees a half-made change.
    """

    def __init__(self, validity_ns: int) -> None:
        self._validity_ns = validity_ns
        self._instructions: tuple[tuple[int, str], ...] = ()  # stamp [ns], text

    def push(self, stamp_ns: int, text: str) -> None:
        """Insert an instruction in the order of the stamps; one of the same stamp is replaced."""
        by_stamp = dict(self._instructions) | {stamp_ns: text}
        self._instructions = tuple(sorted(by_stamp.items()))[-MAX_INSTRUCTIONS:]

    def cancel(self) -> None:
        """Remove all instructions."""
        self._instructions = ()

    def at(self, t_ns: int) -> Sense[str]:
        """The newest instruction given by `t_ns`, with its age; absent if there is none or its validity has ended."""
        for stamp_ns, text in reversed(self._instructions):
            if stamp_ns <= t_ns:
                age_ns = t_ns - stamp_ns
                return Sense(text if age_ns <= self._validity_ns else None, age_ns)
        return Sense(None)


class Aligner:
    """Buffers the samples of every modality and gives their values at an instant.

    Samples may be pushed by another thread than the one that calls `observe`; the lock is held for one push, or for one
    modality of an observation, that is for about ten microseconds. Stamps are those of the messages' headers; receive
    times, on the monotonic clock, decide whether a stream is stale, but for a recording, where the stamps do.
    Force is absent until the first `tare`: without it the hand's weight would look like contact.

    Args:
        settings: limits, windows and sizes.
        forward_kinematics: arm joint angles (J,) to T_base_tool (4, 4).
    """

    def __init__(self, settings: AlignSettings, forward_kinematics: Callable[[FloatArray], FloatArray]) -> None:
        self._settings = settings
        self._forward_kinematics = forward_kinematics
        self._axes = settings.arm_joints + settings.finger_joints
        self._vision: Stream | None = None  # of the shape of the first tokens
        self._newest_tokens: FloatArray = np.zeros(0, np.float32)  # shared by all ticks that hold them
        self._wrench = WrenchStream(settings)
        joints = Ring(settings.joints_capacity, (2 * self._axes,))
        self._joints = Stream("joint positions and velocities", joints, settings.clock_jump_ns, MAX_JOINT_VALUE)
        self._instructions = InstructionBuffer(settings.language_validity_ns)
        extrapolation_ns = settings.vision_extrapolation_ns
        self._vision_limits = InterpolationLimits(settings.vision_limit_ns, extrapolation_ns, cubic=True)
        self._joints_limits = InterpolationLimits(settings.joints_limit_ns)
        self._absences = dict.fromkeys(MODALITIES, "")
        self._tare_error = "it needs a tare, with the hand empty and the arm at rest"
        self._lock = Lock()

    @property
    def R_tool_sensor(self) -> FloatArray:
        """(3, 3) orientation of the wrist sensor's frame in the tool frame."""
        return np.asarray(self._wrench.gravity.R_tool_sensor.as_matrix())

    def push_tokens(self, stamp_ns: int, receive_ns: int, tokens: FloatArray) -> None:
        """Buffer the visual tokens (N, D) of a frame."""
        with self._lock:
            if self._vision is None:
                ring = Ring(self._settings.vision_capacity, tokens.shape, np.float32)
                self._vision = Stream("visual tokens", ring, self._settings.clock_jump_ns)
            if self._vision.push(stamp_ns, receive_ns, tokens) and self._vision.ring.newest_ns == stamp_ns:
                self._newest_tokens = tokens.astype(np.float32)  # a copy
                self._newest_tokens.flags.writeable = False

    def push_wrench(self, stamp_ns: int, receive_ns: int, wrench: FloatArray) -> None:
        """Buffer a raw wrench (6,) in the sensor's frame [N, N·m]; SensorError if it is no plausible one."""
        with self._lock:
            self._wrench.stream.push(stamp_ns, receive_ns, wrench)

    def push_joints(self, stamp_ns: int, receive_ns: int, position: FloatArray, velocity: FloatArray) -> None:
        """Buffer a joint state; SensorError if it is no plausible one.

        Position [rad, m] and velocity [rad/s, m/s] are (arm joints + finger joints,), the arm first.
        """
        row = np.concatenate((position, velocity))
        with self._lock:
            self._joints.push(stamp_ns, receive_ns, row)

    def push_instruction(self, stamp_ns: int, text: str) -> None:
        """Buffer an instruction, valid until the next one, `clear_instruction`, or `language_validity_ns` later."""
        self._instructions.push(stamp_ns, text)

    def clear_instruction(self) -> None:
        """Cancel the current instruction."""
        self._instructions.cancel()

    def tare(self, t_ns: int, now_receive_ns: int | None = None) -> FloatArray:
        """Tare the wrist sensor: its mean reading, less the tool's weight, becomes its bias (6,) [N, N·m].

        The times are those of `observe`. SensorError if wrench or joint states are stale or too few, or the arm moves.
        """
        arm = self._joints_at(t_ns, now_receive_ns).value
        try:
            with self._lock:
                return self._tare(t_ns, now_receive_ns, arm)
        except SensorError as error:
            self._tare_error = str(error)
            raise

    @property
    def tared(self) -> bool:
        """Whether the wrist sensor was tared."""
        return self._wrench.tared

    def assume_tared(self) -> None:
        """Take the wrenches for tared already, as those of a dataset are."""
        with self._lock:
            self._wrench.set_bias(np.zeros(6))

    def observe(self, t_ns: int, now_receive_ns: int | None = None) -> Observation:
        """All modalities at `t_ns`; stale, too short, untared and faulty ones are absent.

        Args:
            t_ns: the tick, on the clock of the header stamps; ages and time errors are relative to it.
            now_receive_ns: the same instant on the monotonic clock; None for a recording.
        """
        joints, vision = self._joints_at(t_ns, now_receive_ns), self._vision_at(t_ns, now_receive_ns)
        force, language = self._force_at(t_ns, now_receive_ns, joints.value), self._instructions.at(t_ns)
        self._absences["language"] = "" if language.present else "silent: no instruction is valid"
        return Observation(t_ns, vision, force, joints, language)

    def counts(self) -> dict[str, SampleCounts]:
        """The number of received, late, duplicate and rejected samples of each stream; a copy."""
        with self._lock:
            return {name: replace(stream.counts) for name, stream in self._streams().items()}

    def clocks(self) -> dict[str, ClockEstimate | None]:
        """Offset and drift of each stream's header stamps against the receive clock; None before they are known."""
        with self._lock:
            return {name: stream.clock.estimate for name, stream in self._streams().items()}

    def mapped_ns(self) -> dict[str, int]:
        """By how much `map_clocks` moved the last tick to meet each stream's stamps; 0 where it did not."""
        with self._lock:
            return {name: stream.mapped_ns for name, stream in self._streams().items()}

    def wrench_fault(self) -> str:
        """The fault for which the wrench is masked, empty if there is none."""
        return self._wrench.fault

    def force_resolution_ns(self) -> int:
        """Mean time between the wrenches at the last instant, 0 where there was no force."""
        return self._wrench.resolution_ns

    def force_stamps_ns(self) -> NDArray[np.int64]:
        """(R,) stamps of the raw wrenches of the last force, (1,) of the newest where they were interpolated."""
        return self._wrench.stamps_ns

    def coarse_force(self) -> str:
        """A sentence if wrenches came so seldom, at the last instant, that the newest were interpolated; else empty."""
        resolution_ns = self._wrench.resolution_ns
        if resolution_ns * self._settings.raw_samples <= self._settings.pyramid_windows_ns[-1]:
            return ""
        apart_ms = resolution_ns / NS_PER_MS
        return f"force is coarse: {apart_ms:.0f} ms between wrenches, a shorter contact may be missed"

    def absences(self) -> dict[str, str]:
        """Why each absent modality was absent at the last instant: the kind of reason, a colon, and a sentence."""
        return {name: why for name, why in self._absences.items() if why}

    def _tare(self, t_ns: int, now_receive_ns: int | None, arm: ArmState | None) -> FloatArray:
        settings = self._settings
        streams = (self._wrench.stream, settings.force_limit_ns), (self._joints, settings.joints_limit_ns)
        for stream, limit_ns in streams:
            absence = stream.absence(
                stream.instant_ns(t_ns, now_receive_ns, settings), now_receive_ns, limit_ns, settings
            )
            if absence:
                raise SensorError(f"tare needs a fresh {stream.name}, but {absence.partition(': ')[2]}")
        wrench, joints = self._wrench.stream, self._joints.ring
        if arm is not None:
            self._wrench.gravity.add_pose(wrench.instant_ns(t_ns, now_receive_ns, settings), arm.T_base_tool)
        apart_ns = wrench.ring.newest_ns - joints.newest_ns  # both are fresh: their clocks may differ
        return self._wrench.tare(joints.stamps_ns + apart_ns, joints.values[:, self._axes :])

    def _streams(self) -> dict[str, Stream]:
        vision = {} if self._vision is None else {"vision": self._vision}
        return {**vision, "force": self._wrench.stream, "joints": self._joints}

    def _vision_at(self, t_ns: int, now_receive_ns: int | None) -> Sense[FloatArray]:
        vision = self._vision
        if vision is None:
            self._absences["vision"] = "silent: no frame came"
            return Sense(None)
        with self._lock:
            t_ns = vision.instant_ns(t_ns, now_receive_ns, self._settings)
            age_ns = t_ns - vision.ring.newest_ns
            if age_ns >= 0 and not self._vision_limits.max_extrapolation_ns and len(vision.ring):
                tokens = Sense(self._newest_tokens, age_ns, age_ns)  # not copied at every tick: they are large
            else:
                tokens = interpolate(vision.ring.stamps_ns, vision.ring.values, t_ns, self._vision_limits)
            absence = vision.absence(t_ns, now_receive_ns, self._settings.vision_limit_ns, self._settings)
        self._absences["vision"] = absence or ("" if tokens.present else BETWEEN)
        return replace(tokens, value=None, extrapolated_ns=0) if absence else tokens

    def _force_at(self, t_ns: int, now_receive_ns: int | None, arm: ArmState | None) -> Sense[ForceFeatures]:
        with self._lock:
            t_ns = self._wrench.stream.instant_ns(t_ns, now_receive_ns, self._settings)
            if arm is not None:
                self._wrench.gravity.add_pose(t_ns, arm.T_base_tool)
            force = self._wrench.at(t_ns, now_receive_ns)
        absence = self._wrench.absence
        self._absences["force"] = f"{absence}{self._tare_error}" if absence == UNTARED else absence
        return force

    def _joints_at(self, t_ns: int, now_receive_ns: int | None) -> Sense[ArmState]:
        settings = self._settings
        with self._lock:
            t_ns = self._joints.instant_ns(t_ns, now_receive_ns, settings)
            row = interpolate(self._joints.ring.stamps_ns, self._joints.ring.values, t_ns, self._joints_limits)
            absence = self._joints.absence(t_ns, now_receive_ns, settings.joints_limit_ns, settings)
        state = None if absence or row.value is None else self._arm_state(row.value)
        self._absences["joints"] = absence or ("" if state else BETWEEN)
        return Sense(state, row.age_ns, row.time_error_ns)

    def _arm_state(self, row: FloatArray) -> ArmState:
        arm = self._settings.arm_joints
        position, velocity = row[: self._axes], row[self._axes :]
        return ArmState(
            position_rad=position[:arm],
            velocity_rad_s=velocity[:arm],
            T_base_tool=self._forward_kinematics(position[:arm]),
            gripper_width_m=math.fsum(position[arm:]),
            gripper_velocity_m_s=math.fsum(velocity[arm:]),
        )
