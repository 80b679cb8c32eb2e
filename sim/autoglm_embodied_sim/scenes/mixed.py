"""A target and distractors that resemble it: by colour, by what they are called, or by both, then in another size."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from autoglm_embodied.types import FloatArray
from autoglm_embodied.vocabulary import COLOURS
from autoglm_embodied_sim.objects.groceries import NAMES, PREFIX, grocery
from autoglm_embodied_sim.objects.primitives import ball, box, cylinder
from autoglm_embodied_sim.objects.shape import Shape
from autoglm_embodied_sim.scenes.scene_object import SceneObject, sample_object
from autoglm_embodied_sim.scenes.suite import Span, Suite

SMALL_M, LARGE_M = (0.028, 0.036), (0.045, 0.056)
"""Edge or diameter of cubes, cylinders and balls."""
SMALL, LARGE = (0.60, 0.70), (0.88, 1.0)
"""Of the largest size in which a grocery fits the gripper."""
TALL = 1.2  # a cylinder's height over its diameter
PRIMITIVES: dict[str, Callable[[float], Shape]] = {
    "cube": lambda size_m: box(size_m, size_m, size_m),
    "cylinder": lambda size_m: cylinder(size_m, TALL * size_m),
    "ball": ball,
}
PRIMITIVE_SHAPES = ("box", "cylinder", "ball")
UNKNOWN = "unknown"
HALF = float(np.sqrt(0.5))
FACES_WXYZ = np.array(
    [[1, 0, 0, 0], [0, 1, 0, 0], [HALF, HALF, 0, 0], [HALF, -HALF, 0, 0], [HALF, 0, HALF, 0], [HALF, 0, -HALF, 0]]
)
"""Turns that bring each of six sides down."""
ALIKE = 2


@dataclass(frozen=True)
class Draft:
    """An object before its shape is made: one of PRIMITIVES, a grocery, or UNKNOWN for any shape without a name."""

    called: str
    colour: str
    large: bool  # which of two sizes that can be told apart; an unknown object may have any


def mixed_objects(suite: Suite, shapes: Sequence[Shape], rng: np.random.Generator) -> list[SceneObject]:
    """The target, then ALIKE distractors that resemble it, then others as they come."""
    target = _any(rng)
    alike = [_like(target, rng) for _ in range(min(ALIKE, suite.objects - 1))]
    others = [_any(rng) for _ in range(suite.objects - 1 - len(alike))]
    return [_made(draft, suite, shapes, rng) for draft in (target, *alike, *others)]


def put_down(objects: Sequence[SceneObject], turn_wxyz: FloatArray, rng: np.random.Generator) -> FloatArray:
    """(count, 4) the turns of a scene, but named objects are put on one of their sides, as people do.

    Dropped at a slant, round ones would roll out of sight, and upright ones would rock for a long time.
    """
    w, x, y, z = FACES_WXYZ[rng.integers(len(FACES_WXYZ), size=len(objects))].T
    half = rng.uniform(0, np.pi, len(objects))  # of the turn about the vertical
    c, s = np.cos(half), np.sin(half)
    flat = np.stack([c * w - s * z, c * x - s * y, c * y + s * x, c * z + s * w], axis=1)
    named = [obj.shape.name.startswith(PREFIX) or obj.shape.name in PRIMITIVE_SHAPES for obj in objects]
    return np.where(np.array(named)[:, None], flat, turn_wxyz)


def _like(target: Draft, rng: np.random.Generator) -> Draft:
    """Of the target's colour, or called the same, or both and then of another size."""
    kind = int(rng.integers(3))
    if kind == 0:
        return replace(_any(rng), colour=target.colour)
    if kind == 1:
        return replace(_any(rng), called=target.called)
    return replace(target, large=not target.large)


def _any(rng: np.random.Generator) -> Draft:
    """A third of all are unknown, a third primitives, a third groceries."""
    kinds: tuple[Sequence[str], ...] = ((UNKNOWN,), tuple(PRIMITIVES), NAMES)
    return Draft(str(rng.choice(kinds[rng.integers(len(kinds))])), _colour(rng), bool(rng.random() < 0.5))


def _colour(rng: np.random.Generator) -> str:
    return str(rng.choice(COLOURS))


def _made(draft: Draft, suite: Suite, shapes: Sequence[Shape], rng: np.random.Generator) -> SceneObject:
    if draft.called == UNKNOWN:
        shape = shapes[int(rng.integers(len(shapes)))].scaled(_within(suite.scale, rng))
    elif draft.called in PRIMITIVES:
        shape = PRIMITIVES[draft.called](_within(LARGE_M if draft.large else SMALL_M, rng))
    else:
        shape = grocery(draft.called).scaled(_within(LARGE if draft.large else SMALL, rng))
    return sample_object(suite, shape, draft.colour, rng)


def _within(span: Span, rng: np.random.Generator) -> float:
    return float(rng.uniform(*span))
