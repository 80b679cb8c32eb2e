"""Perturbations reach the arm, not the label."""

from __future__ import annotations

import numpy as np
from autoglm_embodied_sim.collect.primitive_samples import PerturbedExpert
from autoglm_embodied_sim.policies.primitive_expert import ExpertState, expert_action

from autoglm_embodied.types import FloatArray

FAR = ExpertState(np.array([0.4, 0, 0.3]), 0.0, np.array([0.5, 0.1, 0.02]), 0.04, 0.08, 0.0, False)


def test_the_same_seed_gives_the_same_perturbations() -> None:
    first, second = (PerturbedExpert(np.random.default_rng(5)) for _ in range(2))
    assert all(np.array_equal(first.act(FAR).twist, second.act(FAR).twist) for _ in range(100))


def test_some_episodes_are_disturbed_and_some_are_not() -> None:
    label, width_m, _ = expert_action(FAR)
    strayed = [_strays(PerturbedExpert(np.random.default_rng(seed)), label, width_m) for seed in range(40)]
    assert 0 < sum(strayed) < 40


def _strays(expert: PerturbedExpert, label: FloatArray, width_m: float) -> bool:
    """Whether, within 2 s, the gripper or the direction of motion is not the expert's."""
    for command in (expert.act(FAR) for _ in range(60)):
        along = command.twist @ label / np.linalg.norm(command.twist) / np.linalg.norm(label)
        if command.gripper_width_m != width_m or along < 0.98:
            return True
    return False
