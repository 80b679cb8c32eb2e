"""How the senses of the policies are altered in a measurement, on the command line and in the names of cases."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from autoglm_embodied.errors import ConfigError
from autoglm_embodied.policy.policy import LEARNED
from autoglm_embodied_sim.policies.registry import ABLATIONS, EXPERT, READING

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
