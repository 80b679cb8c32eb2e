"""Coloured cubes, cylinders and balls that lie apart, in a room without texture."""

from __future__ import annotations

import numpy as np

from autoglm_embodied.errors import ConfigError
from autoglm_embodied.types import FloatArray
from autoglm_embodied.vocabulary import COLOURS, SHAPES
from autoglm_embodied_sim.objects.primitives import solid
from autoglm_embodied_sim.scenes.scene_object import SceneObject, sample_object
from autoglm_embodied_sim.scenes.suite import Suite

SIZE_M = (0.030, 0.045)
"""Edge or diameter; each is as high as it is wide."""
HALF_M = (0.12, 0.22)
"""Of the working area, x and y: base frame x 0.38 to 0.62, y -0.22 to 0.22."""
SEPARATION_M = 0.12


def primitive_objects(suite: Suite, rng: np.random.Generator) -> list[SceneObject]:
    """As many as the suite has; ConfigError if there are not enough colours for them."""
    count = suite.objects
    if suite.unique and count > len(COLOURS):
        raise ConfigError(f"there are {len(COLOURS)} colours, so that many objects may differ in theirs, got {count}")
    colours = rng.choice(COLOURS, count, replace=not suite.unique)
    shapes = rng.permutation(np.resize(rng.permutation(SHAPES), count)) if suite.unique else rng.choice(SHAPES, count)
    return [
        sample_object(suite, solid(str(shape), float(rng.uniform(*SIZE_M))), str(colour), rng)
        for shape, colour in zip(shapes, colours, strict=True)
    ]


def upright(count: int, rng: np.random.Generator) -> FloatArray:
    """(count, 4) turns about the vertical, w x y z."""
    half = rng.uniform(-np.pi, np.pi, count) / 2
    return np.stack([np.cos(half), np.zeros(count), np.zeros(count), np.sin(half)], axis=1)
