"""Blend what earlier chunks said of this instant with the newest: smooth motion between chunks.

Temporal ensembling of Zhao et al. 2023 (ACT), section IV-B, with the newest chunk weighted most.
"""

from __future__ import annotations

from collections import deque
from dataclasses import replace

import numpy as np

from autoglm_embodied.policy.policy import Policy
from autoglm_embodied.types import ActionChunk, FloatArray, Observation


class TemporalEnsemble:
    """A policy whose twists are averaged over the last chunks. The gripper and the phase are the newest chunk's."""

    def __init__(self, policy: Policy, chunks: int = 4, decay: float = 0.6) -> None:
        self._policy = policy
        self._decay = decay
        self._recent: deque[ActionChunk] = deque(maxlen=chunks)

    def act(self, observation: Observation) -> ActionChunk:
        """The inner policy's chunk with its first twist blended."""
        newest = self._policy.act(observation)
        self._recent.appendleft(newest)
        said = [(weight, _at(chunk, newest.t_ns)) for weight, chunk in zip(self._weights(), self._recent, strict=False)]
        there = [(weight, twist) for weight, twist in said if twist is not None]
        total = sum(weight for weight, _ in there)
        twist = newest.twist.copy()
        twist[0] = np.sum([weight / total * value for weight, value in there], axis=0)
        return replace(newest, twist=twist)

    def reset(self) -> None:
        """Forget earlier chunks."""
        self._recent.clear()
        self._policy.reset()

    def _weights(self) -> list[float]:
        return [self._decay**age for age in range(len(self._recent))]


def _at(chunk: ActionChunk, t_ns: int) -> FloatArray | None:
    """The twist that `chunk` meant for `t_ns`, or None when it does not reach so far."""
    step = round((t_ns - chunk.t_ns) / chunk.dt_ns)
    return chunk.twist[step] if 0 <= step < len(chunk.twist) else None
