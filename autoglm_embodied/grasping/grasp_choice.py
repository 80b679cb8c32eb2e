"""The grasp with the best prospects: candidates, what the scorer expects of them, and how likely each hypothesis is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch

from autoglm_embodied.grasping.force_feedback import alike
from autoglm_embodied.grasping.grasp import Grasp
from autoglm_embodied.grasping.grasp_candidates import candidates, crops, perturbed
from autoglm_embodied.grasping.height_map import HeightMap
from autoglm_embodied.model.checkpoint import SHIPPED_SCORER, load_scorer
from autoglm_embodied.model.grasp_scorer import GraspScorer, GraspView
from autoglm_embodied.policy.attempt_memory import AttemptMemory, Expected, HiddenPrior, Hypotheses
from autoglm_embodied.types import FloatArray, TryOutcome

CANDIDATES, REFINED, EACH, FINALISTS = 240, 8, 6, 24
BATCH = 256  # crops at a time
HELD = TryOutcome.TARGET.value
NEAR = np.array([0.012, 0.012, 0.010, 0.5])  # x, y, z [m], yaw [rad] within which grasps are alike
SHARED = 0.3  # of a failure's causes that no hypothesis stands for, and that a grasp alike would meet again


@lru_cache(maxsize=1)
def scorer_of(directory: Path = SHIPPED_SCORER) -> GraspScorer:
    """The scorer of a folder, by default the one that is shipped; read once a process."""
    torch.set_num_threads(1)  # more would fight over the cores with other workers
    return load_scorer(directory, "cpu")


@dataclass(frozen=True)
class Choice:
    """A grasp, how likely it is to hold the object, and what is expected of it under every hypothesis."""

    obj: int
    grasp: Grasp
    held: float
    expected: Expected


@dataclass(frozen=True)
class GraspChooser:
    """Ranks grasps.

    Args:
        scorer: in inference mode.
        memory: how likely each hypothesis is.
        grip_force_n: of each finger.
        rng: draws candidates.
    """

    scorer: GraspScorer
    memory: AttemptMemory
    grip_force_n: float
    rng: np.random.Generator

    def best(self, heights: HeightMap, obj: int, avoided: Sequence[Grasp], share: float = 1.0) -> Choice | None:
        """The best grasp of an object; None if it shows none.

        Args:
            heights: of the table.
            obj: the object.
            avoided: grasps that are not to be repeated.
            share: of the usual number of candidates: fewer where only objects are compared.
        """
        weights = self.memory.weights(obj)
        found = _unlike(candidates(heights, obj, self.rng, round(CANDIDATES * share)), avoided)
        if not found:
            return None
        found = self._ranked(heights, obj, found, weights)
        near = _unlike(perturbed(found[:REFINED], self.rng, round(EACH * share)), avoided)
        found = self._ranked(heights, obj, found[: 2 * FINALISTS] + near, weights)[: max(4, round(FINALISTS * share))]
        return max(self.prospects(heights, obj, found, avoided), key=lambda choice: choice.held)

    def prospects(self, heights: HeightMap, obj: int, grasps: Sequence[Grasp], failed: Sequence[Grasp]) -> list[Choice]:
        """Each grasp with the probability that it holds the object; lower near those that failed."""
        weights, expected = self.memory.weights(obj), self.expected(heights, obj, grasps)
        held = np.array([(weights * each.probability[..., HELD]).sum() for each in expected]) * _apart(grasps, failed)
        return [Choice(obj, *each) for each in zip(grasps, held.tolist(), expected, strict=True)]

    def first(self, heights: HeightMap, obj: int, count: int) -> list[Grasp]:
        """So many of the grasps that are ranked first, each unlike those before it; fewer if there are not so many."""
        weights, chosen = self.memory.weights(obj), list[Grasp]()
        found = self._ranked(heights, obj, candidates(heights, obj, self.rng, CANDIDATES), weights)
        found = self._ranked(heights, obj, found + perturbed(found[:REFINED], self.rng, EACH), weights)
        while found and len(chosen) < count:
            chosen.append(found[0])
            found = _unlike(found, chosen[-1:])
        return chosen

    def expected(self, heights: HeightMap, obj: int, grasps: Sequence[Grasp]) -> list[Expected]:
        """What the scorer expects of each grasp under every hypothesis."""
        hypotheses, count = self.memory.hypotheses, len(grasps)
        offsets_m = np.repeat(hypotheses.offset_m, count, axis=0)
        features = self._features(heights, obj, list(grasps) * len(hypotheses.offset_m), offsets_m)
        probability, contact_m, width_m = self._outcomes(features, hypotheses.hidden)  # (J * n, K, ...)
        shape = (len(hypotheses.offset_m), count)
        parts = [values.reshape(*shape, *values.shape[1:]) for values in (probability, contact_m, width_m)]
        return [Expected(*(values[:, index] for values in parts)) for index in range(count)]

    def _ranked(self, heights: HeightMap, obj: int, grasps: Sequence[Grasp], weights: FloatArray) -> list[Grasp]:
        """By what to expect if the offset is the one to be expected."""
        offset_m = weights.sum(axis=1) @ self.memory.hypotheses.offset_m
        features = self._features(heights, obj, grasps, np.tile(offset_m, (len(grasps), 1)))
        held = self._outcomes(features, self.memory.hypotheses.hidden)[0][..., HELD] @ weights.sum(axis=0)
        return [grasps[index] for index in np.argsort(-held, kind="stable")]

    @torch.inference_mode()
    def _features(self, heights: HeightMap, obj: int, grasps: Sequence[Grasp], offset_m: FloatArray) -> torch.Tensor:
        """(n, D + 3) of grasps, each as if what seems to be `offset_m` (n, 2) away from a place were there."""
        features = []
        for start in range(0, len(grasps), BATCH):
            part, moved_m = grasps[start : start + BATCH], offset_m[start : start + BATCH]
            cut = crops(heights, obj, part, moved_m)
            hand = np.array([[grasp.pose.z_m, grasp.opening_m, self.grip_force_n] for grasp in part])
            fields = (cut.height_m, cut.target, cut.seen, hand)
            view = GraspView(*(torch.from_numpy(values.astype(np.float32)) for values in fields))
            features.append(self.scorer.encode(view))
        return torch.cat(features)

    @torch.inference_mode()
    def _outcomes(self, features: torch.Tensor, hidden: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Probability (n, K, 4), contact [m] and width [m] (n, K) for every pair of mass and friction (K, 2)."""
        told = torch.from_numpy(hidden.astype(np.float32)).expand(len(features), -1, -1)
        predicted = self.scorer.outcomes(features[:, None].expand(-1, len(hidden), -1), told)
        parts = (predicted.logits.softmax(-1), predicted.contact_m, predicted.width_m)
        probability, contact_m, width_m = (part.numpy().astype(float) for part in parts)
        return probability, contact_m, width_m


def chooser_of(scorer: Path, grip_force_n: float, rng: np.random.Generator) -> GraspChooser:
    """A chooser with the scorer of a folder that remembers nothing."""
    return GraspChooser(scorer_of(scorer), AttemptMemory(Hypotheses(HiddenPrior())), grip_force_n, rng)


def _unlike(grasps: Sequence[Grasp], avoided: Sequence[Grasp]) -> list[Grasp]:
    """Those grasps that come down unlike each of those to avoid."""
    if not grasps or not avoided:
        return list(grasps)
    poses = np.array([grasp.pose.values for grasp in grasps])  # (n, 4)
    tried = np.any([alike(poses[:, :2], poses[:, 3] + np.pi / 2, poses[:, 2], each.pose) for each in avoided], axis=0)
    return [grasp for grasp, repeated in zip(grasps, tried, strict=True) if not repeated]


def _apart(grasps: Sequence[Grasp], failed: Sequence[Grasp]) -> FloatArray:
    """(n,) 1 far from every grasp that failed, less near them."""
    factor = np.ones(len(grasps))
    for each in failed:
        off = np.array([grasp.pose.values - each.pose.values for grasp in grasps])
        off[:, 3] = (off[:, 3] + np.pi / 2) % np.pi - np.pi / 2  # half a turn changes nothing
        factor *= 1 - SHARED * np.exp(-0.5 * ((off / NEAR) ** 2).sum(axis=1))
    return factor
