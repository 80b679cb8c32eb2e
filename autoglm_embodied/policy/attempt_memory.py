"""What earlier tries of a scene say about what is hidden in it: an explicit posterior over a few hypotheses.

Hidden are how far the camera is believed to be from where it is (x and y: the height follows from the table), one for
the scene, and mass and friction of each object. A hypothesis is worth as much as it explains what was felt.
Letters of shapes: J offsets, K pairs of mass and friction.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from autoglm_embodied.setting import check_ranges, setting
from autoglm_embodied.types import FloatArray, TryOutcome

MASSES, FRICTIONS = 5, 3
REACH = 2.3  # standard deviations of the offset that are told apart: 21 offsets, one apart
TRUSTED = 0.9  # of the scorer's probabilities; the rest is shared out evenly, so that no try alone decides
CONTACT_SIGMA_M, WIDTH_SIGMA_M, WEIGHT_SIGMA_N = 0.008, 0.012, 0.6
STANDARD_GRAVITY = 9.80665


@dataclass(frozen=True)
class HiddenPrior:
    """What is known of hidden things beforehand; by default that of the suites' hard physics."""

    offset_sigma_m: float = setting(0.004, "of the camera's believed place, along x and along y", least=0.0, most=0.05)
    mass_kg: tuple[float, float] = setting((0.1, 0.6), "of an object, least and most", least=0.01, most=5.0)
    friction: tuple[float, float] = setting((0.25, 0.6), "of an object, least and most", least=0.05, most=2.0)

    def __post_init__(self) -> None:
        check_ranges(self, "memory")


@dataclass(frozen=True)
class Felt:
    """One try; NaN where it did not come to that, or nothing can be felt there."""

    outcome: TryOutcome
    contact_m: float = math.nan  # height above the goal at which something was touched
    width_m: float = math.nan  # between the closed fingers
    weight_n: float = math.nan  # after lifting a little


@dataclass(frozen=True)
class Expected:
    """What a scorer expects of one grasp under every hypothesis."""

    probability: FloatArray  # (J, K, 4) in the order of TryOutcome
    contact_m: FloatArray  # (J, K)
    width_m: FloatArray  # (J, K)


class Hypotheses:
    """A grid over what is hidden.

    Args:
        prior: what is known beforehand.
    """

    def __init__(self, prior: HiddenPrior) -> None:
        steps = np.arange(-math.floor(REACH), math.floor(REACH) + 1)
        places = np.stack(np.meshgrid(steps, steps), axis=-1).reshape(-1, 2).astype(float)
        places = places[np.linalg.norm(places, axis=1) < REACH] if prior.offset_sigma_m > 0 else np.zeros((1, 2))
        self.offset_m: FloatArray = places * prior.offset_sigma_m  # (J, 2) from where things are to where they seem
        mass, friction = np.meshgrid(_middles(prior.mass_kg, MASSES), _middles(prior.friction, FRICTIONS))
        self.hidden: FloatArray = np.stack([mass.ravel(), friction.ravel()], axis=-1)  # (K, 2) kg, 1
        self.log_offset = _normalised(-0.5 * (places**2).sum(axis=1))  # (J,)
        self.log_hidden = np.full(len(self.hidden), -math.log(len(self.hidden)))  # (K,)

    def log_likelihood(self, expected: Expected, felt: Felt) -> FloatArray:
        """(J, K) how well each hypothesis explains what one try felt.

        Args:
            expected: of that try's grasp.
            felt: what came of it.
        """
        share = TRUSTED * expected.probability[..., felt.outcome.value] + (1 - TRUSTED) / len(TryOutcome)
        found = np.log(share)
        if felt.outcome is TryOutcome.COLLIDED:
            return np.asarray(found + _log_normal(felt.contact_m, expected.contact_m, CONTACT_SIGMA_M))
        found = found + _log_normal(felt.width_m, expected.width_m, WIDTH_SIGMA_M)
        weight_n = self.hidden[:, 0] * STANDARD_GRAVITY
        alone = felt.outcome is not TryOutcome.ANOTHER
        return np.asarray(found + (_log_normal(felt.weight_n, weight_n, WEIGHT_SIGMA_N) if alone else 0.0))


@dataclass
class AttemptMemory:
    """The tries of one scene; their order does not matter."""

    hypotheses: Hypotheses
    _felt: dict[int, FloatArray] = field(default_factory=dict)  # of each object tried, (J, K)

    def note(self, obj: int, log_likelihood: FloatArray) -> None:
        """One more try for an object, as `Hypotheses.log_likelihood` (J, K) judges it."""
        self._felt[obj] = self._felt.get(obj, np.zeros_like(log_likelihood)) + log_likelihood

    def weights(self, obj: int) -> FloatArray:
        """(J, K) how likely each hypothesis is for an object; the sum is 1.

        The offset is that of the whole scene, to which tries for other objects count, whatever their mass and friction.
        """
        log_offset, log_hidden = self.hypotheses.log_offset, self.hypotheses.log_hidden
        for other, felt in sorted(self._felt.items()):
            if other != obj:
                log_offset = log_offset + np.logaddexp.reduce(log_hidden + felt, axis=1)
        log = log_offset[:, None] + log_hidden + self._felt.get(obj, 0.0)
        return np.asarray(np.exp(_normalised(log)))


def _middles(span: tuple[float, float], count: int) -> FloatArray:
    low, high = span
    return low + (high - low) * (np.arange(count) + 0.5) / count


def _normalised(log: FloatArray) -> FloatArray:
    return np.asarray(log - np.logaddexp.reduce(log, axis=None))


def _log_normal(felt: float, expected: FloatArray, sigma: float) -> FloatArray:
    """Up to a constant; 0 where nothing was felt. Bounded, since a value far off says that the model is wrong."""
    if not math.isfinite(felt):
        return np.zeros_like(expected)
    return np.asarray(-np.minimum(0.5 * ((felt - expected) / sigma) ** 2, 4.0))
