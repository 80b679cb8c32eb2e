"""A scene of a suite: which items, where dropped, and everything hidden, as a function of the seed alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from autoglm_embodied.errors import ConfigError
from autoglm_embodied.types import FloatArray
from autoglm_embodied.vocabulary import COLOURS
from autoglm_embodied_sim.objects.shape import Shape
from autoglm_embodied_sim.scene import HUE_DEG, shade
from autoglm_embodied_sim.suites.suite import Span, Suite
from autoglm_embodied_sim.surroundings import Surroundings, sample_surroundings
from autoglm_embodied_sim.tabletop.item import Item

WORKSPACE_HALF_M = 0.16
SEPARATION_M = 0.11
PILE_HALF_M = 0.04  # where the centres are dropped, between the walls


@dataclass(frozen=True)
class GraspScene:
    """Everything about an episode but the policy."""

    seed: int
    items: tuple[Item, ...]
    target: int  # the named item
    drop_xy_m: FloatArray  # (count, 2)
    quaternion_wxyz: FloatArray  # (count, 4) when dropped
    hand_eye_m: FloatArray  # (3,) hidden offset of the camera
    surroundings: Surroundings


def sample_grasp_scene(suite: Suite, shapes: Sequence[Shape], seed: int) -> GraspScene:
    """The scene of a seed; the same for every policy."""
    if not shapes:
        raise ConfigError("a scene needs at least one shape to draw from")
    rng = np.random.default_rng([seed, *suite.name.encode()])
    chosen = rng.choice(len(shapes), suite.objects, replace=len(shapes) < suite.objects)
    items = tuple(_item(suite, shapes[index], rng) for index in chosen)
    xy = rng.uniform(-PILE_HALF_M, PILE_HALF_M, (suite.objects, 2)) if suite.piled else _apart(rng, suite.objects)
    turn = rng.standard_normal((suite.objects, 4))
    return GraspScene(
        seed=seed,
        items=items,
        target=int(rng.integers(suite.objects)),
        drop_xy_m=xy,
        quaternion_wxyz=turn / np.linalg.norm(turn, axis=1, keepdims=True),
        hand_eye_m=rng.standard_normal(3) * suite.hardness.hand_eye_sigma_m,
        surroundings=sample_surroundings(rng),
    )


def _item(suite: Suite, shape: Shape, rng: np.random.Generator) -> Item:
    def draw(span: Span) -> float:
        return float(rng.uniform(*span))

    colour = str(rng.choice(COLOURS))
    return Item(
        shape=shape.scaled(draw(suite.scale)),
        colour=colour,
        rgb=shade(HUE_DEG[colour] + draw((-6, 6)), draw((0.72, 0.95)), draw((0.65, 0.95))),
        mass_kg=draw(suite.hardness.mass_kg),
        friction=draw(suite.hardness.friction),
    )


def _apart(rng: np.random.Generator, count: int) -> FloatArray:
    """(count, 2) points of the workspace, each SEPARATION_M from every other."""
    for _ in range(10_000):
        points = rng.uniform(-WORKSPACE_HALF_M, WORKSPACE_HALF_M, (count, 2))
        gaps = np.linalg.norm(points[:, None] - points, axis=-1) + np.eye(count)
        if gaps.min() >= SEPARATION_M:
            return points
    raise ConfigError(f"{count} objects do not fit {SEPARATION_M} m apart; ask for fewer")
