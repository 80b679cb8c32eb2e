"""Align, encode, fuse, act: the same page for live topics, simulation, evaluation and replay."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from autoglm_embodied.align.aligner import Aligner
from autoglm_embodied.align.settings import AlignSettings
from autoglm_embodied.errors import InstructionError
from autoglm_embodied.kinematics import Robot, forward_kinematics
from autoglm_embodied.model.checkpoint import load
from autoglm_embodied.model.image import CHANNELS, encoder_input, shrink
from autoglm_embodied.policy.learned import LearnedPolicy
from autoglm_embodied.policy.temporal_ensemble import TemporalEnsemble
from autoglm_embodied.types import ActionChunk, FloatArray, Frame, Observation
from autoglm_embodied.vocabulary import COLOURS, SHAPES, unknown_words


@dataclass(frozen=True)
class Tick:
    """What one tick saw and wants; no chunk when there is no instruction or nothing to act on."""

    observation: Observation
    chunk: ActionChunk | None


class Pipeline:
    """Sensor data in, one Observation and one ActionChunk out at each tick."""

    def __init__(self, aligner: Aligner, policy: LearnedPolicy, image_size: tuple[int, int]) -> None:
        self.aligner = aligner
        self._encoder = policy
        self._policy = TemporalEnsemble(policy)
        self._image_size = image_size

    @classmethod
    def from_checkpoint(cls, directory: Path, robot: Robot, align: AlignSettings, device: str = "auto") -> Pipeline:
        """The pipeline of a checkpoint directory (config.json and model.safetensors).

        Raises:
            CheckpointError: the directory holds no checkpoint that fits.
        """
        model = load(directory, device)
        kinematics: Callable[[FloatArray], FloatArray] = lambda position: forward_kinematics(robot, position)  # noqa: E731
        size, policy = (model.config.image_height, model.config.image_width), LearnedPolicy(model)
        policy.encode(np.zeros((CHANNELS, *size), np.float32))  # the first pass may take a second: before frames come
        return cls(Aligner(align, kinematics), policy, size)

    def push_frame(self, frame: Frame, receive_ns: int) -> None:
        """Encode a frame once; its tokens serve every tick until the next."""
        tokens = self._encoder.encode(encoder_input(*shrink(frame, *self._image_size), frame.camera))
        self.aligner.push_tokens(frame.stamp_ns, receive_ns, tokens)

    def push_wrench(self, stamp_ns: int, receive_ns: int, wrench: FloatArray) -> None:
        """One sample (6,) [N, N·m] of the wrist sensor, raw."""
        self.aligner.push_wrench(stamp_ns, receive_ns, wrench)

    def push_joints(self, stamp_ns: int, receive_ns: int, position: FloatArray, velocity: FloatArray) -> None:
        """Arm and finger joints, in the order of the robot's settings."""
        self.aligner.push_joints(stamp_ns, receive_ns, position, velocity)

    def begin(self, instruction: str, stamp_ns: int) -> None:
        """Start to follow an instruction.

        Raises:
            InstructionError: it has words that name nothing the policy knows.
        """
        unknown = unknown_words(instruction)
        if unknown:
            known = f"colours {', '.join(COLOURS)} and shapes {', '.join(SHAPES)}"
            raise InstructionError(f"I do not know {' '.join(unknown)!r} in {instruction!r}; use {known}.")
        self._policy.reset()
        self.aligner.push_instruction(stamp_ns, instruction)

    def end(self) -> None:
        """Forget the instruction."""
        self.aligner.clear_instruction()

    def tick(self, t_ns: int, now_receive_ns: int) -> Tick:
        """Observe the instant `t_ns` and, if there is an instruction and the arm is seen, decide what to do."""
        observation = self.aligner.observe(t_ns, now_receive_ns)
        able = observation.language.present and observation.vision.present and observation.joints.present
        return Tick(observation, self._policy.act(observation) if able else None)
