"""What lies on the table, and how to draw such a scene at random."""

from __future__ import annotations

import colorsys
from dataclasses import dataclass

import numpy as np

from autoglm_embodied.errors import ConfigError
from autoglm_embodied.types import FloatArray
from autoglm_embodied.vocabulary import COLOURS, SHAPES

RGB = tuple[float, float, float]

HUE_DEG = {"red": 0.0, "orange": 26.0, "yellow": 53.0, "green": 125.0, "blue": 220.0, "purple": 283.0}
WORKSPACE_X_M = (0.38, 0.62)
WORKSPACE_Y_M = (-0.22, 0.22)
SEPARATION_M = 0.12


@dataclass(frozen=True)
class Thing:
    """One object: a primitive whose height equals its width."""

    shape: str  # one of SHAPES
    colour: str  # one of COLOURS
    size_m: float  # edge or diameter
    position_m: tuple[float, float, float]  # centre, base frame
    yaw_rad: float
    mass_kg: float
    friction: float
    rgb: RGB

    def __post_init__(self) -> None:
        if self.shape not in SHAPES:
            raise ConfigError(f"Thing.shape must be one of {', '.join(SHAPES)}, got {self.shape!r}")
        if self.colour not in COLOURS:
            raise ConfigError(f"Thing.colour must be one of {', '.join(COLOURS)}, got {self.colour!r}")

    @property
    def name(self) -> str:
        """What people call it, such as "red cube"."""
        return f"{self.colour} {self.shape}"


@dataclass(frozen=True)
class Look:
    """Shades and light of everything that is not a thing."""

    table_rgb: RGB
    mat_rgb: RGB
    floor_rgb: RGB
    wall_rgb: RGB
    light: float  # brightness, 1 is normal
    light_direction: tuple[float, float, float]


@dataclass(frozen=True)
class Scene:
    """Things on a table; `seed` is for the noise of its sensors and of the arm's start."""

    things: tuple[Thing, ...]
    look: Look
    seed: int


def sample_scene(rng: np.random.Generator, count: int = 3, unique: bool = True) -> Scene:
    """Draw a scene of separated things.

    Args:
        rng: the only source of chance.
        count: how many things.
        unique: whether no two share a colour and, up to three things, none a shape; otherwise both may repeat.
    """
    places = _places(rng, count)
    colours = rng.choice(COLOURS, count, replace=not unique)
    shapes = rng.permutation(np.resize(rng.permutation(SHAPES), count)) if unique else rng.choice(SHAPES, count)
    things = tuple(
        _thing(rng, str(shape), str(colour), place)
        for shape, colour, place in zip(shapes, colours, places, strict=True)
    )
    return Scene(things=things, look=sample_look(rng), seed=int(rng.integers(2**31)))


def _places(rng: np.random.Generator, count: int) -> FloatArray:
    """(count, 2) points of the workspace, each SEPARATION_M from every other."""
    low, high = np.transpose([WORKSPACE_X_M, WORKSPACE_Y_M])
    for _ in range(10_000):
        points = rng.uniform(low, high, (count, 2))
        gaps = np.linalg.norm(points[:, None] - points, axis=-1) + np.eye(count)
        if gaps.min() >= SEPARATION_M:
            return points
    raise ConfigError(f"{count} things do not fit on the table {SEPARATION_M} m apart; ask for fewer")


def _thing(rng: np.random.Generator, shape: str, colour: str, place: FloatArray) -> Thing:
    size = rng.uniform(0.030, 0.045)
    return Thing(
        shape=shape,
        colour=colour,
        size_m=size,
        position_m=(float(place[0]), float(place[1]), size / 2),
        yaw_rad=rng.uniform(-np.pi, np.pi),
        mass_kg=rng.uniform(0.1, 0.3),
        friction=rng.uniform(0.4, 1.0),
        rgb=shade(HUE_DEG[colour] + rng.uniform(-6, 6), rng.uniform(0.72, 0.95), rng.uniform(0.65, 0.95)),
    )


def sample_look(rng: np.random.Generator) -> Look:
    """Draw shades and light."""
    return Look(
        table_rgb=shade(rng.uniform(20, 40), rng.uniform(0.15, 0.35), rng.uniform(0.5, 0.7)),
        mat_rgb=shade(rng.uniform(180, 240), rng.uniform(0.02, 0.12), rng.uniform(0.55, 0.85)),
        floor_rgb=shade(rng.uniform(200, 230), rng.uniform(0.05, 0.15), rng.uniform(0.35, 0.5)),
        wall_rgb=shade(rng.uniform(190, 230), rng.uniform(0.03, 0.12), rng.uniform(0.6, 0.85)),
        light=rng.uniform(0.8, 1.1),
        light_direction=(rng.uniform(-0.6, -0.1), rng.uniform(-0.4, 0.4), -1.0),
    )


def shade(hue_deg: float, saturation: float, value: float) -> RGB:
    """Red, green and blue of a hue, all from 0 to 1."""
    return colorsys.hsv_to_rgb(hue_deg / 360 % 1, saturation, value)
