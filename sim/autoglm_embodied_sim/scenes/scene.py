"""A scene of a suite: which objects, where dropped, and everything hidden, as a function of the seed alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np

from autoglm_embodied.errors import ConfigError
from autoglm_embodied.types import FloatArray
from autoglm_embodied_sim.objects.shape import Shape
from autoglm_embodied_sim.scenes.scene_object import (
    SceneObject,
    mixed_objects,
    primitive_objects,
    put_down,
    unknown_object,
    upright,
)
from autoglm_embodied_sim.scenes.suite import Suite
from autoglm_embodied_sim.scenes.surroundings import Surroundings, sample_room, sample_surroundings

WORKSPACE_HALF_M = (0.16, 0.16)
SEPARATION_M = 0.11
PRIMITIVES_HALF_M, PRIMITIVES_APART_M = (0.12, 0.22), 0.12  # base frame x 0.38 to 0.62, y -0.22 to 0.22
PILE_HALF_M = 0.04  # where the centres are dropped, between the walls


@dataclass(frozen=True)
class GraspScene:
    """Everything about an episode but the policy."""

    seed: int
    objects: tuple[SceneObject, ...]
    target: int  # the named object
    drop_xy_m: FloatArray  # (count, 2)
    quaternion_wxyz: FloatArray  # (count, 4) when dropped
    hand_eye_m: FloatArray  # (3,) hidden offset of the camera
    surroundings: Surroundings

    def drawn(self) -> dict[str, object]:
        """All that was drawn for this scene, as it goes into a report."""
        objects = [
            {
                "shape": obj.shape.name,
                "extent_m": np.round(obj.shape.extent_m, 4).tolist(),
                "colour": obj.colour,
                "rgb": np.round(obj.rgb, 3).tolist(),
                "mass_kg": round(obj.mass_kg, 4),
                "friction": round(obj.friction, 4),
            }
            for obj in self.objects
        ]
        surroundings = {name: np.round(value, 5).tolist() for name, value in asdict(self.surroundings).items()}
        hand_eye_m = np.round(self.hand_eye_m, 5).tolist()
        return {"target": self.target, "objects": objects, "hand_eye_m": hand_eye_m, "surroundings": surroundings}


def sample_grasp_scene(suite: Suite, shapes: Sequence[Shape], seed: int) -> GraspScene:
    """The scene of a seed; the same for every policy. Primitives need no shapes to draw from."""
    rng = np.random.default_rng([seed, *suite.name.encode()])
    if suite.primitives:
        return _primitives(suite, seed, rng)
    if not shapes:
        raise ConfigError("a scene needs at least one shape to draw from")
    chosen = rng.choice(len(shapes), suite.objects, replace=len(shapes) < suite.objects)
    objects = (
        mixed_objects(suite, shapes, rng) if suite.mixed else [unknown_object(suite, shapes[i], rng) for i in chosen]
    )
    xy = (
        rng.uniform(-PILE_HALF_M, PILE_HALF_M, (suite.objects, 2))
        if suite.piled
        else _apart(rng, suite.objects, WORKSPACE_HALF_M, SEPARATION_M)
    )
    turn: FloatArray = rng.standard_normal((suite.objects, 4))
    turn /= np.linalg.norm(turn, axis=1, keepdims=True)
    target = int(rng.integers(suite.objects))
    if suite.mixed:
        objects = [objects[index - target] for index in range(len(objects))]  # so that the first becomes the target
        turn = put_down(objects, turn, rng)
    return GraspScene(
        seed=seed,
        objects=tuple(objects),
        target=target,
        drop_xy_m=xy,
        quaternion_wxyz=turn,
        hand_eye_m=rng.standard_normal(3) * suite.hardness.hand_eye_sigma_m,
        surroundings=sample_surroundings(rng, sample_room(np.random.default_rng((seed, 3)))),
    )


def _primitives(suite: Suite, seed: int, rng: np.random.Generator) -> GraspScene:
    count = suite.objects
    return GraspScene(
        seed=seed,
        objects=tuple(primitive_objects(suite, rng)),
        target=int(rng.integers(count)),
        drop_xy_m=_apart(rng, count, PRIMITIVES_HALF_M, PRIMITIVES_APART_M),
        quaternion_wxyz=upright(count, rng),
        hand_eye_m=rng.standard_normal(3) * suite.hardness.hand_eye_sigma_m,
        surroundings=sample_room(rng),
    )


def _apart(rng: np.random.Generator, count: int, half_m: tuple[float, float], apart_m: float) -> FloatArray:
    """(count, 2) points of a workspace `half_m` to either side of its middle, each `apart_m` from every other."""
    for _ in range(10_000):
        points = rng.uniform(np.negative(half_m), half_m, (count, 2))
        gaps = np.linalg.norm(points[:, None] - points, axis=-1) + np.eye(count)
        if gaps.min() >= apart_m:
            return points
    raise ConfigError(f"{count} objects do not fit {apart_m} m apart; ask for fewer")
