"""What every policy does, learned, scripted or remote; wrappers that smooth or fall back are policies too."""

from __future__ import annotations

from typing import Protocol

from autoglm_embodied.types import ActionChunk, FloatArray, Frame, Observation


class Policy(Protocol):
    """Encodes a frame once, acts at every tick, and is reset when an instruction begins."""

    def encode(self, frame: Frame) -> FloatArray:
        """The slow path, once a frame.

        Returns:
            (N, D) visual tokens, float32; the aligner brings them to each tick.
        """
        ...

    def act(self, observation: Observation) -> ActionChunk:
        """The fast path, every tick: the next H actions, the first of them for `observation.t_ns`."""
        ...

    def reset(self, instruction: str) -> None:
        """Forget the last episode: this instruction begins.

        Raises:
            InstructionError: the policy cannot follow it.
        """
        ...
