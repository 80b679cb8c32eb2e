"""Temporal ensembling: what earlier chunks planned for this instant is averaged with the newest chunk.

Zhao et al. 2023 (ACT), section IV-B, with the newest chunk weighted most.
"""

from __future__ import annotations

from collections import deque
from dataclasses import replace

import numpy as np

from autoglm_embodied.policy.policy import Policy
from autoglm_embodied.types import ActionChunk, FloatArray, Frame, Observation


class TemporalEnsemble:
    """A policy whose first twist is averaged over the last chunks; gripper and phase are the newest chunk's."""

    def __init__(self, policy: Policy, chunks: int = 4, decay: float = 0.6) -> None:
        """Smooth another policy.

        Args:
            policy: the one that decides.
            chunks: how many of its last chunks are averaged.
            decay: weight of a chunk over that of the next newer one, 0 to 1.
        """
        self._policy = policy
        self._decay = decay
        self._recent: deque[ActionChunk] = deque(maxlen=chunks)

    def encode(self, frame: Frame) -> FloatArray:
        """See Policy."""
        return self._policy.encode(frame)

    def act(self, observation: Observation) -> ActionChunk:
        """The inner policy's chunk with its first twist averaged."""
        newest = self._policy.act(observation)
        self._recent.appendleft(newest)
        planned = [(self._decay**age, _at(chunk, newest.t_ns)) for age, chunk in enumerate(self._recent)]
        weighted = [(weight, twist) for weight, twist in planned if twist is not None]
        total = sum(weight for weight, _ in weighted)
        twist = newest.twist.copy()
        twist[0] = np.sum([weight / total * value for weight, value in weighted], axis=0)
        return replace(newest, twist=twist)

    def reset(self, instruction: str) -> None:
        """Forget earlier chunks; see Policy."""
        self._recent.clear()
        self._policy.reset(instruction)


def _at(chunk: ActionChunk, t_ns: int) -> FloatArray | None:
    """The twist (6,) that `chunk` planned for `t_ns`, or None where it does not reach so far."""
    step = round((t_ns - chunk.t_ns) / chunk.dt_ns)
    return chunk.twist[step] if 0 <= step < len(chunk.twist) else None
