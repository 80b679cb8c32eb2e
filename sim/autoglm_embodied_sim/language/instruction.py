"""The instruction of a scene: a sentence that means one of its objects, or none, or several."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

import numpy as np

from autoglm_embodied.errors import ConfigError
from autoglm_embodied.types import FloatArray
from autoglm_embodied_sim.language.description import Description, meaning
from autoglm_embodied_sim.language.grammar import Grammar
from autoglm_embodied_sim.language.learning_grammar import PRIMITIVES_GRAMMAR
from autoglm_embodied_sim.language.naming import fitting_many, fitting_none, naming, plain_naming
from autoglm_embodied_sim.language.referent import Referent, referents
from autoglm_embodied_sim.scenes.scene import GraspScene
from autoglm_embodied_sim.scenes.suite import Suite

STREAM = 7
"""Sets the random numbers of instructions apart from those of scenes."""


class Kind(Enum):
    """How many objects an instruction fits; only for ONE there is something to grasp."""

    ONE = "one"
    NONE = "none"
    MANY = "many"


@dataclass(frozen=True)
class Instruction:
    """A sentence, what it says, and the objects that this fits."""

    text: str
    description: Description
    fits: tuple[int, ...]

    @property
    def kind(self) -> Kind:
        """How many it fits."""
        return Kind.NONE if not self.fits else Kind.ONE if len(self.fits) == 1 else Kind.MANY

    @property
    def target(self) -> int | None:
        """The one object that it fits; None where there are none or several."""
        return self.fits[0] if len(self.fits) == 1 else None


def instruct(suite: Suite, scene: GraspScene, position_m: FloatArray, grammar: Grammar) -> Instruction | None:
    """The instruction of a scene, a function of the suite, the seed and the grammar.

    In a suite with refusals, half of these fit none and half of them several objects, and where the scene's target
    cannot be named, another object is. Elsewhere the sentence names the target.

    Args:
        suite: where the scene comes from.
        scene: what lies on the table.
        position_m: (count, 3) where its objects lie still, base frame.
        grammar: how it is said, except in the suite of primitives, which has one of its own.

    Returns:
        None where nothing is named in this suite, or where no clear sentence fits the target alone.
    """
    if not suite.named:
        return None
    rng = np.random.default_rng([scene.seed, *suite.name.encode(), STREAM])
    objects = referents(scene.objects, position_m)
    description = _describe(suite, objects, scene.target, rng)
    spoken = PRIMITIVES_GRAMMAR if suite.primitives else grammar
    return None if description is None else said(description, objects, spoken, rng)


def words_for(instruction: Instruction | None, scene: GraspScene) -> str:
    """What is said in a scene: its instruction, or, where no clear one names the target, its colour alone."""
    return f"pick up the {scene.objects[scene.target].colour} object" if instruction is None else instruction.text


def said(
    description: Description, objects: Sequence[Referent], grammar: Grammar, rng: np.random.Generator
) -> Instruction:
    """A description in words; ConfigError if it is unclear what it fits."""
    found = meaning(description, objects)
    if not found.clear:
        raise ConfigError(f"{description} is unclear for the objects {found.doubtful}; describe them by something else")
    return Instruction(grammar.sentence(description, rng), description, found.fits)


def _describe(suite: Suite, objects: Sequence[Referent], target: int, rng: np.random.Generator) -> Description | None:
    if suite.primitives:
        return plain_naming(objects, target, rng)
    kind = rng.random()
    if kind < suite.refusals / 2:
        return fitting_none(objects, rng) or fitting_many(objects, rng)
    if kind < suite.refusals:
        return fitting_many(objects, rng)
    found = naming(objects, target, rng)
    if found is not None or not suite.refusals:
        return found
    others = [int(index) for index in rng.permutation(len(objects)) if index != target]
    options = (naming(objects, other, rng) for other in others)
    return next((option for option in options if option is not None), None) or fitting_many(objects, rng)
