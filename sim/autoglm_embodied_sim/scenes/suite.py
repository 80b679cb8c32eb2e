"""The suites and all of their settings; what is not written here is the same for every suite."""

from __future__ import annotations

from dataclasses import dataclass, replace

from autoglm_embodied.errors import ConfigError

Span = tuple[float, float]


@dataclass(frozen=True)
class Hardness:
    """What a policy does not know: drawn anew for every episode, friction and mass for every object."""

    name: str
    hand_eye_sigma_m: tuple[float, float, float]  # of the camera's believed position: x, y, z
    friction: Span
    mass_kg: Span


HARD = Hardness("hard", (0.004, 0.004, 0.006), (0.25, 0.6), (0.1, 0.6))
PLAIN = Hardness("plain", (0.0, 0.0, 0.0), (0.4, 1.0), (0.1, 0.3))
EASY = Hardness("easy", (0.0, 0.0, 0.0), (0.6, 1.0), (0.05, 0.2))


@dataclass(frozen=True)
class Suite:
    """One kind of scene and what counts there.

    In a mixed suite a third of the objects are unknown ones, a third cubes, cylinders and balls, a third groceries and
    household things, and the distractors share the target's colour, its noun or both. Its instructions fit none or
    several objects in `refusals` of the scenes; the right answer is then to refuse.
    In a suite of primitives all objects are solid cubes, cylinders and balls, in a plain room and without any error in
    the camera's believed place; instructions name colour, shape or both.
    """

    name: str
    help: str
    objects: int
    scale: Span = (0.5, 0.8)  # of the native size of `random_urdfs`; the gripper opens 80 mm
    piled: bool = False  # dropped into 140 x 140 mm, else SEPARATION_M apart
    named: bool = True  # one object is named; otherwise any will do
    grip_force_n: float = 20.0  # of each finger
    hardness: Hardness = HARD
    mixed: bool = False  # not of unknown objects alone, and with distractors that resemble the target
    primitives: bool = False  # cubes, cylinders and balls alone
    unique: bool = True  # of primitives: no two share a colour, and up to three no two a shape
    refusals: float = 0.0  # share of the scenes whose instruction fits none or several

    def eased(self) -> Suite:
        """The same suite with easy physics."""
        return replace(self, hardness=EASY)


LANGUAGE = (
    "5 objects 110 mm apart: a third unknown, a third cubes, cylinders and balls of 28-56 mm, a third groceries; two "
    "or more share colour, noun or both with the one that is named by colour, noun, size (15 % apart) or relation "
    "(15 mm apart); a fifth of the instructions fit none or several"
)
DECLUTTER = (
    "rounds of 5 unknown objects piled in 14 cm; any will do, one try at a time, until none is left or two tries in a "
    "row failed; what is held after lift and shake is taken away"
)

PRIMITIVES = "3 coloured cubes, cylinders and balls of 30-45 mm, 120 mm apart, one named by colour, shape or both"

_ALL = (
    Suite("primitives", PRIMITIVES, objects=3, hardness=PLAIN, primitives=True),
    Suite("separated", "5 objects apart, one named", objects=5),
    Suite("large", "1 object about as wide as the gripper opens", objects=1, scale=(0.85, 1.1)),
    Suite("weak_grip", "1 object, 8 N of grip instead of 20 N", objects=1, grip_force_n=8.0),
    Suite("pile", "8 objects piled in 14 cm, one named", objects=8, piled=True),
    Suite("language", LANGUAGE, objects=5, mixed=True, refusals=0.2),
    Suite("declutter", DECLUTTER, objects=5, piled=True, named=False),
)
SUITES = {suite.name: suite for suite in _ALL}


def suite_named(name: str) -> Suite:
    """The suite of this name; ConfigError with the valid ones if there is none."""
    if name not in SUITES:
        raise ConfigError(f"there is no suite {name!r}; the suites are {', '.join(SUITES)}")
    return SUITES[name]
