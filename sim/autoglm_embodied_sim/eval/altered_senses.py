"""What a policy is told in place of what its sensors deliver; judge, governor and peak force go by what really is.

An alteration has a name on the command line and in the names of cases.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import numpy as np

from autoglm_embodied.errors import ConfigError
from autoglm_embodied.grasping.hand import HandRig, WrappedRig
from autoglm_embodied.policy.policy import LEARNED
from autoglm_embodied.types import FloatArray, Observation
from autoglm_embodied_sim.policies.baselines import ABLATIONS, EXPERT, READING
from autoglm_embodied_sim.robots.hand_rig import RigWithoutForce, SuiteRig

SENSES_OF = {
    "without": ABLATIONS,
    "zeroed": ("force",),
    "frozen": ("force", "vision"),
    "swapped": ("force",),
    "shuffled": ("language",),
    "dropped": ("language",),
}
"""Which senses can be altered how."""
INSTRUCTION = ("shuffled", "dropped")
READERS = (*READING, LEARNED)
"""Policies that are told what is said."""


@dataclass(frozen=True)
class Alteration:
    """What is done to one sense of every policy."""

    sense: str
    how: str  # of SENSES_OF

    def __post_init__(self) -> None:
        known = SENSES_OF[self.how]
        if self.sense not in known:
            raise ConfigError(f"--{self.how} must be one of {', '.join(known)}, got {self.sense!r}")

    @property
    def option(self) -> tuple[str, str]:
        """What asks for it on the command line."""
        return ("--instruction", self.how) if self.how in INSTRUCTION else (f"--{self.how}", self.sense)

    @property
    def ending(self) -> str:
        """What the name of a case has at its end."""
        if self.how == "without":
            return f"_without_{self.sense}"
        return f"/{'instruction' if self.how in INSTRUCTION else self.sense}_{self.how}"


def alterations(asked: Mapping[str, Collection[str]]) -> tuple[Alteration, ...]:
    """The alterations of these senses, by how: each once and in a fixed order.

    Raises:
        ConfigError: there is no such alteration, or one sense is altered in two ways.
    """
    for sense in dict.fromkeys(sense for senses in asked.values() for sense in senses):
        options = [" ".join(Alteration(sense, how).option) for how, senses in asked.items() if sense in senses]
        if len(options) > 1:
            raise ConfigError(f"a sense can be altered in one way only; choose between {' and '.join(options)}")
    return tuple(each for each in ALTERATIONS if each.sense in asked.get(each.how, ()))


ALTERATIONS = tuple(Alteration(sense, how) for how, senses in SENSES_OF.items() for sense in senses)
SHUFFLED, DROPPED = (Alteration("language", how) for how in INSTRUCTION)
SWAPPED_FORCE, FROZEN_VISION = Alteration("force", "swapped"), Alteration("vision", "frozen")


def require_alterable(policies: Sequence[str], nameless: Sequence[str], altered: Sequence[Alteration]) -> None:
    """ConfigError unless every alteration reaches every policy, and leaves it something to act on.

    Args:
        policies: names.
        nameless: suites in which no object is named.
        altered: what is to be done to their senses.
    """
    for each in altered:
        option = " ".join(each.option)
        for policy in policies:
            if why := _unable(policy, each):
                raise ConfigError(f"{policy} {why}; leave out {option} or --policy {policy}")
        if nameless and each in (SHUFFLED, DROPPED, SWAPPED_FORCE):
            raise ConfigError(f"{option} is for suites in which an object is named; leave out {', '.join(nameless)}")


def _unable(policy: str, altered: Alteration) -> str | None:
    if altered.how == "without" and altered.sense != "force" and policy != LEARNED:
        return "needs vision and language"
    if altered.how in INSTRUCTION and policy not in READERS:
        return "is told which pixels are the named object's, and reads no words"
    if altered == FROZEN_VISION and policy == EXPERT:
        return "is shown the simulator's state, and looks at no image"
    return None


T = TypeVar("T")


class AlteredSenses:
    """The senses of one policy in one episode; without alterations it is told what its sensors deliver.

    Args:
        altered: at most one of each sense.
        said: in place of the instruction; None: that.
        swapped: what was `felt` in another episode. It is told from the beginning of this one on, and again from its
            own beginning once it has ended.
    """

    def __init__(
        self, altered: Sequence[Alteration] = (), said: str | None = None, swapped: Sequence[Any] = ()
    ) -> None:
        self._how = {each.sense: each.how for each in altered}
        self._said, self._swapped = said, swapped
        self._first: dict[str, Any] = {}
        self.felt: list[Any] = []
        """What was delivered: force at each tick of a pipeline, or (6,) on the wrist at each step of a rig [N, N·m]."""

    @property
    def missing(self) -> tuple[str, ...]:
        """The senses that are withheld."""
        return tuple(sense for sense, how in self._how.items() if how == "without")

    def alters(self, sense: str) -> bool:
        """Whether the policy is told anything else of this sense."""
        return sense in self._how

    def words(self, instruction: str) -> str:
        """What is said in place of an instruction."""
        return instruction if self._said is None else self._said

    def on(self, rig: HandRig) -> HandRig:
        """What a policy is shown of a rig, but for the readings of its wrist."""
        if "force" in self.missing:
            rig = RigWithoutForce(rig)
        if self._how.get("vision") == "frozen":
            camera, rig = rig.look, WrappedRig(rig)
            rig.look = lambda: self.told("vision", camera())
        return rig

    def wrist_of(self, rig: SuiteRig) -> Callable[[FloatArray], FloatArray] | None:
        """What SuiteRig.told is to be from now on."""
        if not self.alters("force") or "force" in self.missing:
            return None
        began_ns, step_ns = rig.time_ns, 1e9 * rig.model.opt.timestep

        def told(readings: FloatArray) -> FloatArray:
            newest = round((rig.time_ns - began_ns) / step_ns)
            steps = range(newest - len(readings), newest)
            instead = self.told(
                "force",
                readings[:1],
                zeroed=lambda: np.zeros_like(readings),
                swapped=lambda: np.stack([self._swapped[step % len(self._swapped)] for step in steps]),
            )
            return np.broadcast_to(instead, readings.shape)

        return told

    def observation(self, observation: Observation) -> Observation:
        """What a policy is shown of the observation of a tick; what is absent stays absent."""
        tick, vision, force = len(self.felt), observation.vision.value, observation.force.value
        self.felt.append(force)
        if force is not None:
            zeros = replace(force, raw=np.zeros_like(force.raw), pyramid=np.zeros_like(force.pyramid))
            force = self.told(
                "force", force, zeroed=lambda: zeros, swapped=lambda: self._swapped[tick % len(self._swapped)]
            )
        if vision is not None:
            vision = self.told("vision", vision)
        return replace(
            observation,
            vision=replace(observation.vision, value=vision),
            force=replace(observation.force, value=force),
        )

    def told(self, sense: str, value: T, **instead: Callable[[], T]) -> T:
        """What the policy is told of a sense that is not missing.

        Args:
            sense: of which the value is.
            value: what the sensor delivers.
            instead: makes what is told where the sense is altered so; where it is frozen, that is the first value.
        """
        how = self._how.get(sense, "")
        if how == "frozen":
            first: T = self._first.setdefault(sense, value)
            return first
        return instead[how]() if how in instead else value
