"""What is to be done: a scene, the thing that is meant and the sentence that names it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from autoglm_embodied_sim.scenes.primitive_scene import Scene, sample_scene

THINGS = 3


@dataclass(frozen=True)
class GraspTask:
    """Grasp the thing that the instruction names, and no other."""

    scene: Scene
    target: int  # index of the thing
    instruction: str


def sample_task(rng: np.random.Generator) -> GraspTask:
    """Draw a task with separated things, of which one alone fits the instruction."""
    scene = sample_scene(rng, count=THINGS, unique=True)
    target = int(rng.integers(THINGS))
    return GraspTask(scene, target, f"pick up the {scene.things[target].name}")
