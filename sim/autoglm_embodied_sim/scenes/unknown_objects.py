"""Makes objects out of shapes: their shade, and what cannot be seen of them, as hard as the suite says."""

from __future__ import annotations

import numpy as np

from autoglm_embodied.vocabulary import COLOURS
from autoglm_embodied_sim.objects.shape import Shape
from autoglm_embodied_sim.scenes.primitive_scene import HUE_DEG, shade
from autoglm_embodied_sim.scenes.scene_object import SceneObject
from autoglm_embodied_sim.scenes.suite import Span, Suite


def unknown_object(suite: Suite, shape: Shape, rng: np.random.Generator) -> SceneObject:
    """A shape in any colour and any size of the suite."""
    colour = str(rng.choice(COLOURS))
    return dressed(suite, shape.scaled(float(rng.uniform(*suite.scale))), colour, rng)


def dressed(suite: Suite, shape: Shape, colour: str, rng: np.random.Generator) -> SceneObject:
    """A shape in its true size, in any shade of a colour, of any mass and friction of the suite."""

    def draw(span: Span) -> float:
        return float(rng.uniform(*span))

    return SceneObject(
        shape=shape,
        colour=colour,
        rgb=shade(HUE_DEG[colour] + draw((-6, 6)), draw((0.72, 0.95)), draw((0.65, 0.95))),
        mass_kg=draw(suite.hardness.mass_kg),
        friction=draw(suite.hardness.friction),
    )
