"""What is said in a scene of a suite to a policy that understands words."""

from __future__ import annotations

from autoglm_embodied_sim.suites.scene import GraspScene


def instruction(scene: GraspScene) -> str:
    """The named item by its colour: nobody has a word for the shape of an unknown object."""
    return f"pick up the {scene.items[scene.target].colour} object"
