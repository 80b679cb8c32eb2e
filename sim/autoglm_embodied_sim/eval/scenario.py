"""What an episode follows from, whoever acts in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from autoglm_embodied_sim.language.grammar import LEARNING_GRAMMAR, Grammar
from autoglm_embodied_sim.objects.shape import Shape
from autoglm_embodied_sim.robots.hand_rig import SuiteRig
from autoglm_embodied_sim.robots.layout import GraspTask, lay_out_task, rig_named
from autoglm_embodied_sim.scenes.scene import GraspScene, sample_grasp_scene
from autoglm_embodied_sim.scenes.suite import Suite


@dataclass(frozen=True)
class Scenario:
    """One scene of a suite and how its instruction is said."""

    suite: Suite
    shapes: Sequence[Shape]  # what objects are drawn from
    seed: int  # of scene, noise and policy
    rig_name: str = "gantry"  # what carries the hand
    grammar: Grammar = LEARNING_GRAMMAR

    def scene(self) -> GraspScene:
        """What is drawn for the seed."""
        return sample_grasp_scene(self.suite, self.shapes, self.seed)

    def lay_out(self) -> GraspTask[SuiteRig]:
        """The scene on a rig's table, everything at rest, and what is asked for."""
        return lay_out_task(self.suite, self.scene(), self.grammar, rig_named(self.rig_name))
