"""One object of a scene: a shape in its true size, its shade, and what cannot be seen of it."""

from __future__ import annotations

import colorsys
from dataclasses import dataclass

import numpy as np

from autoglm_embodied.errors import ConfigError
from autoglm_embodied.vocabulary import COLOURS
from autoglm_embodied_sim.objects.shape import Shape
from autoglm_embodied_sim.scenes.suite import Span, Suite

RGB = tuple[float, float, float]
HUE_DEG = {"red": 0.0, "orange": 26.0, "yellow": 53.0, "green": 125.0, "blue": 220.0, "purple": 283.0}


@dataclass(frozen=True)
class SceneObject:
    """An object to lay on the table."""

    shape: Shape
    colour: str
    rgb: RGB
    mass_kg: float
    friction: float

    def __post_init__(self) -> None:
        if not (self.mass_kg > 0 and self.friction > 0):
            raise ConfigError(f"Object needs mass and friction above 0, got {self.mass_kg} kg and {self.friction}")

    @property
    def name(self) -> str:
        """What people call it, such as "red cylinder"."""
        return f"{self.colour} {self.shape.name}"


def unknown_object(suite: Suite, shape: Shape, rng: np.random.Generator) -> SceneObject:
    """A shape in any colour and any size of the suite."""
    colour = str(rng.choice(COLOURS))
    return sample_object(suite, shape.scaled(float(rng.uniform(*suite.scale))), colour, rng)


def sample_object(suite: Suite, shape: Shape, colour: str, rng: np.random.Generator) -> SceneObject:
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


def shade(hue_deg: float, saturation: float, value: float) -> RGB:
    """Red, green and blue of a hue, all from 0 to 1."""
    return colorsys.hsv_to_rgb(hue_deg / 360 % 1, saturation, value)
