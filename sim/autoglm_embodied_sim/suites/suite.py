"""The suites and all of their settings; what is not written here is the same for every suite."""

from __future__ import annotations

from dataclasses import dataclass, replace

from autoglm_embodied.errors import ConfigError

Span = tuple[float, float]


@dataclass(frozen=True)
class Hardness:
    """What a policy is not told: drawn anew for every episode, friction and mass for every object."""

    name: str
    hand_eye_sigma_m: tuple[float, float, float]  # of the camera's believed position: x, y, z
    friction: Span
    mass_kg: Span


HARD = Hardness("hard", (0.004, 0.004, 0.006), (0.25, 0.6), (0.1, 0.6))
EASY = Hardness("easy", (0.0, 0.0, 0.0), (0.6, 1.0), (0.05, 0.2))


@dataclass(frozen=True)
class Suite:
    """One kind of scene and what counts there."""

    name: str
    help: str
    objects: int
    scale: Span = (0.5, 0.8)  # of the native size of `random_urdfs`; the gripper opens 80 mm
    piled: bool = False  # dropped into 140 x 140 mm, else SEPARATION_M apart
    named: bool = True  # one object is named; otherwise any will do
    grip_force_n: float = 20.0  # of each finger
    hardness: Hardness = HARD

    def eased(self) -> Suite:
        """The same suite with easy physics."""
        return replace(self, hardness=EASY)


_ALL = (
    Suite("separated", "5 objects apart, one named", objects=5),
    Suite("large", "1 object about as wide as the gripper opens", objects=1, scale=(0.85, 1.1)),
    Suite("weak_grip", "1 object, 8 N of grip instead of 20 N", objects=1, grip_force_n=8.0),
    Suite("pile", "8 objects piled in 14 cm, one named", objects=8, piled=True),
)
SUITES = {suite.name: suite for suite in _ALL}


def suite_named(name: str) -> Suite:
    """The suite of this name; ConfigError with the valid ones if there is none."""
    if name not in SUITES:
        raise ConfigError(f"there is no suite {name!r}; the suites are {', '.join(SUITES)}")
    return SUITES[name]
