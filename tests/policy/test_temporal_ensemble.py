"""Chunks that overlap are blended, and only where they speak of the same instant."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from autoglm_embodied.policy.learned import TemporalEnsemble
from autoglm_embodied.types import ActionChunk, FloatArray, Frame, Observation, Phase, Referent, Sense

DT_NS = 33_000_000
CHUNK = ActionChunk(
    0, DT_NS, np.zeros((4, 6)), np.zeros(4), Phase.REACH, Referent.ONE, np.zeros(3), np.full(4, 0.25), np.zeros(2)
)


class Alternating:
    """Says +0.1 and -0.1 m/s by turns, for the whole chunk."""

    def __init__(self) -> None:
        self.sign = 1.0

    def encode(self, frame: Frame) -> FloatArray:
        return np.zeros((1, 4), np.float32)

    def act(self, observation: Observation) -> ActionChunk:
        self.sign = -self.sign
        return replace(CHUNK, t_ns=observation.t_ns, twist=np.full((4, 6), 0.1 * self.sign))

    def reset(self, instruction: str) -> None:
        self.sign = 1.0


def first(policy: TemporalEnsemble, t_ns: int) -> float:
    chunk = policy.act(Observation(t_ns, Sense(None), Sense(None), Sense(None), Sense(None)))
    assert chunk is not None
    return float(chunk.twist[0, 0])


def test_disagreeing_chunks_are_smoothed() -> None:
    policy = TemporalEnsemble(Alternating(), chunks=2, decay=0.5)
    assert first(policy, 0) == pytest.approx(-0.1)
    assert first(policy, DT_NS) == pytest.approx((0.1 - 0.05) / 1.5)


def test_a_chunk_that_does_not_reach_so_far_is_left_out() -> None:
    policy = TemporalEnsemble(Alternating(), chunks=2, decay=0.5)
    first(policy, 0)
    assert first(policy, 10 * DT_NS) == pytest.approx(0.1)


def test_reset_forgets_earlier_chunks() -> None:
    policy = TemporalEnsemble(Alternating(), chunks=2, decay=0.5)
    first(policy, 0)
    policy.reset("")
    assert first(policy, DT_NS) == pytest.approx(-0.1)


def test_what_was_planned_before_a_policy_had_nothing_to_say_is_forgotten() -> None:
    class Pausing(Alternating):
        def act(self, observation: Observation) -> ActionChunk | None:  # type: ignore[override]
            return None if observation.t_ns == DT_NS else super().act(observation)

    policy = TemporalEnsemble(Pausing(), chunks=2, decay=0.5)
    first(policy, 0)
    assert policy.act(Observation(DT_NS, Sense(None), Sense(None), Sense(None), Sense(None))) is None
    assert first(policy, 2 * DT_NS) == pytest.approx(0.1)
