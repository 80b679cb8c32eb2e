"""Align, encode, fuse, act on one page: the same for live topics, simulation, evaluation, collection and replay."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from autoglm_embodied.align.aligner import Aligner
from autoglm_embodied.policy.policy import Policy
from autoglm_embodied.types import ActionChunk, FloatArray, Frame, Observation


@dataclass(frozen=True)
class Tick:
    """What one tick observed and planned; no chunk without an instruction, an image or the arm's state."""

    observation: Observation
    chunk: ActionChunk | None


class Pipeline:
    """Sensor data in, one Observation and one ActionChunk out at each tick."""

    def __init__(self, aligner: Aligner, policy: Policy, without: Collection[str] = ()) -> None:
        """Begin.

        Args:
            aligner: brings all streams to the tick.
            policy: encodes frames and decides.
            without: modalities withheld for an ablation: their data are dropped, so that they are absent and masked.
        """
        self.aligner = aligner
        self._policy = policy
        self._without = frozenset(without)

    def push_frame(self, frame: Frame, receive_ns: int) -> None:
        """Encode a frame that arrived at `receive_ns` on the monotonic clock; its tokens serve until the next."""
        if "vision" not in self._without:
            self.aligner.push_tokens(frame.stamp_ns, receive_ns, self._policy.encode(frame))

    def push_wrench(self, stamp_ns: int, receive_ns: int, wrench: FloatArray) -> None:
        """One raw sample of the wrist sensor; see Aligner."""
        if "force" not in self._without:
            self.aligner.push_wrench(stamp_ns, receive_ns, wrench)

    def push_joints(self, stamp_ns: int, receive_ns: int, position: FloatArray, velocity: FloatArray) -> None:
        """Arm and finger joints in the order of the robot's file; see Aligner."""
        self.aligner.push_joints(stamp_ns, receive_ns, position, velocity)

    def begin(self, instruction: str, stamp_ns: int) -> None:
        """Start to follow an instruction.

        Raises:
            InstructionError: the policy cannot follow it.
        """
        self._policy.reset(instruction)
        if "language" not in self._without:
            self.aligner.push_instruction(stamp_ns, instruction)

    def end(self) -> None:
        """Follow no instruction any more."""
        self.aligner.clear_instruction()

    def tick(self, t_ns: int, now_receive_ns: int) -> Tick:
        """Observe the instant `t_ns` and, with an instruction, an image and the arm's state, decide what to do."""
        observation = self.aligner.observe(t_ns, now_receive_ns)
        able = observation.language.present and observation.vision.present and observation.joints.present
        return Tick(observation, self._policy.act(observation) if able else None)
