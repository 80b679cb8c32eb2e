"""The streams of all senses in, one masked Observation for any instant out."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from threading import Lock

import numpy as np

from autoglm_embodied.align.clock import ClockEstimate
from autoglm_embodied.align.events import Events
from autoglm_embodied.align.interpolate import Limits, interpolate
from autoglm_embodied.align.settings import AlignSettings
from autoglm_embodied.align.stream import Counts, Stream
from autoglm_embodied.align.wrench import Wrench
from autoglm_embodied.errors import SensorError
from autoglm_embodied.types import ArmState, FloatArray, ForceFeatures, Observation, Sense

LARGEST_JOINT = 1e5  # [rad, m, rad/s, m/s], ten thousand turns


class Aligner:
    """Buffers what the sensors say and answers what they said at an instant.

    Pushes may come from another thread than `observe`; the lock is held for one push, or for one sense of an
    observation, that is for some ten microseconds.
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
        self._newest_tokens: FloatArray = np.zeros(0, np.float32)  # handed out by every tick that holds them
        self._wrench = Wrench(settings)
        self._joints = Stream(
            "joint positions and velocities",
            settings.joints_capacity,
            (2 * self._moving,),
            jump_ns,
            largest=LARGEST_JOINT,
        )
        self._events = Events(settings.language_validity_ns)
        self._vision_limits = Limits(settings.vision_limit_ns, settings.vision_extrapolation_ns, curved=True)
        self._joints_limits = Limits(settings.joints_limit_ns)
        self._lock = Lock()

    @property
    def R_tool_sensor(self) -> FloatArray:
        """(3, 3) orientation of the wrist sensor's frame in the tool frame."""
        return np.asarray(self._wrench.gravity.R_tool_sensor.as_matrix())

    def push_tokens(self, stamp_ns: int, receive_ns: int, tokens: FloatArray) -> None:
        """Take the visual tokens (N, D) of the frame of `stamp_ns`."""
        with self._lock:
            if self._vision is None:
                capacity, jump_ns = self._settings.vision_capacity, self._settings.clock_jump_ns
                self._vision = Stream("visual tokens", capacity, tokens.shape, jump_ns, np.float32)
            if self._vision.push(stamp_ns, receive_ns, tokens) and self._vision.ring.newest_ns == stamp_ns:
                self._newest_tokens = tokens.astype(np.float32)  # a copy
                self._newest_tokens.flags.writeable = False

    def push_wrench(self, stamp_ns: int, receive_ns: int, wrench: FloatArray) -> None:
        """Take a raw wrench (6,) [N, N·m] in the sensor's frame."""
        with self._lock:
            self._wrench.stream.push(stamp_ns, receive_ns, wrench)

    def push_joints(self, stamp_ns: int, receive_ns: int, position: FloatArray, velocity: FloatArray) -> None:
        """Take positions and velocities, each (arm joints + fingers,), arm first [rad, m]."""
        row = np.concatenate((position, velocity))
        with self._lock:
            self._joints.push(stamp_ns, receive_ns, row)

    def push_instruction(self, stamp_ns: int, text: str) -> None:
        """Take what is to be done from `stamp_ns` on; it holds until the next, `clear_instruction`, or its validity."""
        self._events.push(stamp_ns, text)

    def clear_instruction(self) -> None:
        """Nothing is to be done any more."""
        self._events.cancel()

    def tare(self, t_ns: int, now_receive_ns: int | None = None) -> FloatArray:
        """Take what the sensor reads now for the wrench of a hand that touches nothing.

        Returns:
            (6,) the bias [N, N·m].

        Raises:
            SensorError: a sensor is silent, was heard for too short a time, or the arm moves.
        """
        settings = self._settings
        streams = (self._wrench.stream, settings.force_limit_ns), (self._joints, settings.joints_limit_ns)
        arm = self._joints_at(t_ns, now_receive_ns).value
        with self._lock:
            for stream, limit_ns in streams:
                if not stream.fresh(t_ns, now_receive_ns, limit_ns):
                    raise SensorError(f"tare needs a fresh {stream.name}, but none comes; check that the driver runs")
            if arm is not None:
                self._wrench.gravity.note(t_ns, arm.T_base_tool)
            joints = self._joints.ring
            return self._wrench.tare(joints.stamps_ns, joints.values[:, self._moving :])

    def observe(self, t_ns: int, now_receive_ns: int | None = None) -> Observation:
        """All senses at `t_ns`; those that are silent, too short, untared or not to be believed are absent.

        Args:
            t_ns: the tick, on the clock of the header stamps; ages and time errors count from it.
            now_receive_ns: the same moment on the monotonic clock of the receive times, by which silence
                is judged; None when there is no such clock (a recorded bag), then stamps judge.
        """
        joints = self._joints_at(t_ns, now_receive_ns)
        return Observation(
            t_ns=t_ns,
            vision=self._vision_at(t_ns, now_receive_ns),
            force=self._force_at(t_ns, now_receive_ns, joints.value),
            joints=joints,
            language=self._events.at(t_ns),
        )

    def counts(self) -> dict[str, Counts]:
        """A copy of what became of the samples of each stream."""
        with self._lock:
            return {name: replace(stream.counts) for name, stream in self._streams().items()}

    def clocks(self) -> dict[str, ClockEstimate | None]:
        """How the clock of each stream's stamps runs against the receive clock; None before that is known."""
        with self._lock:
            return {name: stream.clock.estimate for name, stream in self._streams().items()}

    def trouble(self) -> str:
        """Why the wrench is not to be believed, empty if it is."""
        return self._wrench.trouble

    def _streams(self) -> dict[str, Stream]:
        vision = {} if self._vision is None else {"vision": self._vision}
        return {**vision, "force": self._wrench.stream, "joints": self._joints}

    def _vision_at(self, t_ns: int, now_receive_ns: int | None) -> Sense[FloatArray]:
        vision = self._vision
        if vision is None:
            return Sense(None)
        with self._lock:
            age_ns = t_ns - vision.ring.newest_ns
            if age_ns >= 0 and not self._vision_limits.beyond_ns and len(vision.ring):
                tokens = Sense(self._newest_tokens, age_ns, age_ns)  # large: no copy for every tick
            else:
                tokens = interpolate(vision.ring.stamps_ns, vision.ring.values, t_ns, self._vision_limits)
            fresh = vision.fresh(t_ns, now_receive_ns, self._settings.vision_limit_ns)
        return tokens if fresh else replace(tokens, value=None, extrapolated_ns=0)

    def _force_at(self, t_ns: int, now_receive_ns: int | None, arm: ArmState | None) -> Sense[ForceFeatures]:
        with self._lock:
            if arm is not None:
                self._wrench.gravity.note(t_ns, arm.T_base_tool)
            return self._wrench.at(t_ns, now_receive_ns)

    def _joints_at(self, t_ns: int, now_receive_ns: int | None) -> Sense[ArmState]:
        with self._lock:
            row = interpolate(self._joints.ring.stamps_ns, self._joints.ring.values, t_ns, self._joints_limits)
            fresh = self._joints.fresh(t_ns, now_receive_ns, self._settings.joints_limit_ns)
        state = self._arm_state(row.value) if fresh and row.value is not None else None
        return Sense(state, row.age_ns, row.time_error_ns)

    def _arm_state(self, row: FloatArray) -> ArmState:
        arm = self._settings.arm_joints
        position, velocity = row[: self._moving], row[self._moving :]
        return ArmState(
            position_rad=position[:arm],
            velocity_rad_s=velocity[:arm],
            T_base_tool=self._forward_kinematics(position[:arm]),
            gripper_width_m=math.fsum(position[arm:]),
            gripper_velocity_m_s=math.fsum(velocity[arm:]),
        )
