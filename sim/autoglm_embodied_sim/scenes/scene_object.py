"""The objects of a scene: shapes in their true size, shade and turn, and what cannot be seen of them."""

from __future__ import annotations

import colorsys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from autoglm_embodied.errors import ConfigError
from autoglm_embodied.types import FloatArray
from autoglm_embodied.vocabulary import COLOURS, SHAPES
from autoglm_embodied_sim.objects.groceries import NAMES, PREFIX, grocery
from autoglm_embodied_sim.objects.shape import Shape, ball, box, cylinder, solid
from autoglm_embodied_sim.scenes.suite import Span, Suite

RGB = tuple[float, float, float]
HUE_DEG = {"red": 0.0, "orange": 26.0, "yellow": 53.0, "green": 125.0, "blue": 220.0, "purple": 283.0}
SOLID_M = (0.030, 0.045)
"""Edge or diameter of the solids of a suite of primitives; each is as high as it is wide."""
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
    return sample_object(suite, shape.scaled(_within(suite.scale, rng)), colour, rng)


def sample_object(suite: Suite, shape: Shape, colour: str, rng: np.random.Generator) -> SceneObject:
    """A shape in its true size, in any shade of a colour, of any mass and friction of the suite."""
    hue, saturation, value = (_within(span, rng) for span in ((-6, 6), (0.72, 0.95), (0.65, 0.95)))
    rgb = shade(HUE_DEG[colour] + hue, saturation, value)
    return SceneObject(shape, colour, rgb, _within(suite.hardness.mass_kg, rng), _within(suite.hardness.friction, rng))


def shade(hue_deg: float, saturation: float, value: float) -> RGB:
    """Red, green and blue of a hue, all from 0 to 1."""
    return colorsys.hsv_to_rgb(hue_deg / 360 % 1, saturation, value)


def primitive_objects(suite: Suite, rng: np.random.Generator) -> list[SceneObject]:
    """As many as the suite has; ConfigError if there are not enough colours for them."""
    count = suite.objects
    if suite.unique and count > len(COLOURS):
        raise ConfigError(f"there are {len(COLOURS)} colours, so that many objects may differ in theirs, got {count}")
    colours = rng.choice(COLOURS, count, replace=not suite.unique)
    shapes = rng.permutation(np.resize(rng.permutation(SHAPES), count)) if suite.unique else rng.choice(SHAPES, count)
    return [
        sample_object(suite, solid(str(shape), _within(SOLID_M, rng)), str(colour), rng)
        for shape, colour in zip(shapes, colours, strict=True)
    ]


def upright(count: int, rng: np.random.Generator) -> FloatArray:
    """(count, 4) turns about the vertical, w x y z."""
    half = rng.uniform(-np.pi, np.pi, count) / 2
    return np.stack([np.cos(half), np.zeros(count), np.zeros(count), np.sin(half)], axis=1)


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
    return Draft(str(rng.choice(kinds[rng.integers(len(kinds))])), str(rng.choice(COLOURS)), bool(rng.random() < 0.5))


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
