"""What all collections of a suite have in common: its scenes, of objects that learning may see."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from autoglm_embodied.data.shards import Schema
from autoglm_embodied.errors import ConfigError
from autoglm_embodied_sim.objects.random_urdfs import Split, learning_shapes
from autoglm_embodied_sim.scenes.scene import GraspScene, sample_grasp_scene
from autoglm_embodied_sim.scenes.suite import suite_named

MOST_SCENES = 1_000_000
"""Of a collection: then the seeds of the next one begin."""


@dataclass(frozen=True)
class SuiteSettings:
    """Where the scenes of a collection come from."""

    suite: str
    split: str = Split.TRAIN.value
    seed: int = 0

    def __post_init__(self) -> None:
        suite_named(self.suite)
        known = [each.value for each in Split]
        if self.split not in known:
            raise ConfigError(f"learning may see the objects of {', '.join(known)}, got {self.split!r}")

    def scene(self, number: int) -> GraspScene:
        """The scene of a number, from 0; collections of different seeds share none."""
        seed = self.seed * MOST_SCENES + number
        return sample_grasp_scene(suite_named(self.suite), learning_shapes(Split(self.split)), seed)

    def all(self, schema: Schema) -> dict[str, Any]:
        """Everything that what is collected in a scene follows from but its number."""
        return {"schema": schema.identifier, **asdict(self), "settings": asdict(suite_named(self.suite))}
