"""Self-supervised outcomes of grasps: what a camera that is a little off showed, what was felt, and what came of it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from autoglm_embodied.data.shards import Arrays, Schema, Shard, concatenate_shards
from autoglm_embodied.errors import ConfigError
from autoglm_embodied.grasping.force_feedback import SEEN_CELLS
from autoglm_embodied.grasping.grasp import Grasp
from autoglm_embodied.grasping.grasp_candidates import crops, varied_grasps
from autoglm_embodied.grasping.height_map import HeightMap, height_map
from autoglm_embodied_sim.collect.grasp_trials import Trials
from autoglm_embodied_sim.collect.suite_settings import SuiteSettings
from autoglm_embodied_sim.robots.gantry import Gantry
from autoglm_embodied_sim.robots.layout import lay_out
from autoglm_embodied_sim.scenes.scene import GraspScene
from autoglm_embodied_sim.scenes.suite import suite_named

SCENES_PER_SHARD = 5  # small enough that no worker waits long for the last one


@dataclass(frozen=True)
class OutcomeSettings(SuiteSettings):
    """What to try."""

    per_scene: int = 40
    scorer: Path | None = None  # folder of the one that ranks the grasps first that are tried; None draws them

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.scorer is not None:
            from autoglm_embodied.model.checkpoint import load_scorer  # torch: nothing else here needs it

            load_scorer(self.scorer, "cpu")  # refused now rather than in every worker
        if self.per_scene < 1:
            raise ConfigError(f"a scene must be tried 1 time or more, got {self.per_scene}")

    def all(self, schema: Schema) -> dict[str, Any]:
        """As of every suite; a scorer is known by its weights, and none leaves no trace."""
        known = super().all(schema)
        weights = None if self.scorer is None else (self.scorer / "model.safetensors").read_bytes()
        del known["scorer"]
        return known if weights is None else known | {"scorer": hashlib.sha256(weights).hexdigest()}

    def grasps(self, heights: HeightMap, obj: int, rng: np.random.Generator, count: int, rig: Gantry) -> list[Grasp]:
        """What to try on an object: drawn at random, or what the scorer ranks first."""
        if self.scorer is None:
            return varied_grasps(heights, obj, rng, count)
        from autoglm_embodied.grasping.grasp_choice import chooser_of

        ranked = chooser_of(self.scorer, rig.grip_force_n, rng).first(heights, obj, count)
        return ranked + varied_grasps(heights, obj, rng, count - len(ranked))


def scene_outcomes(settings: OutcomeSettings, number: int) -> Shard:
    """All grasps tried in one scene, shared out among the objects in sight.

    Args:
        settings: suite, objects and how often to try.
        number: of the scene; all that is random follows from it and the seed.
    """
    suite, scene = suite_named(settings.suite), settings.scene(number)
    rng = np.random.default_rng([scene.seed, 3])
    rig = lay_out(suite, scene)
    try:
        heights = height_map(rig.look())
        table_m = heights.table_m()
        heights = heights.lowered(table_m)
        visible = [obj for obj in range(suite.objects) if (heights.owner == obj).sum() >= SEEN_CELLS]
        shares = np.bincount(rng.integers(len(visible), size=settings.per_scene), minlength=len(visible))
        trials = Trials(rig)
        parts = [
            _tried(rig, trials, heights, scene, obj, settings.grasps(heights, obj, rng, int(count), rig))
            for obj, count in zip(visible, shares, strict=True)
            if count
        ]
    finally:
        rig.close()
    arrays = concatenate_shards(parts).arrays | _shared(scene, rig.grip_force_n, table_m, settings.per_scene)
    return Shard(arrays, ({"seed": scene.seed, "tried": settings.per_scene, "held": int(arrays["held_target"].sum())},))


def _tried(rig: Gantry, trials: Trials, heights: HeightMap, scene: GraspScene, obj: int, grasps: list[Grasp]) -> Shard:
    """Every grasp of one object, and what was seen around it."""
    top_m = float(heights.height_m.max())
    outcomes = [trials.outcome(grasp, obj, top_m) for grasp in grasps]
    cut, wanted = crops(heights, obj, grasps), scene.objects[obj]
    felt = {name: np.array([getattr(outcome, name) for outcome in outcomes]) for name in vars(outcomes[0])}
    return Shard(
        {
            **vars(cut),
            "grasp": np.array([[*grasp.pose.values, grasp.opening_m] for grasp in grasps]),
            "object": np.full(len(grasps), obj),
            "mass_kg": np.full(len(grasps), wanted.mass_kg, np.float32),
            "friction": np.full(len(grasps), wanted.friction, np.float32),
            **{name: column if column.dtype == bool else column.astype(np.float32) for name, column in felt.items()},
        }
    )


def _shared(scene: GraspScene, grip_force_n: float, table_m: float, count: int) -> Arrays:
    """What is the same for all grasps of a scene."""
    return {
        "seed": np.full(count, scene.seed),
        "grip_force_n": np.full(count, grip_force_n, np.float32),
        "hand_eye_m": np.tile(np.asarray(scene.hand_eye_m, np.float32), (count, 1)),
        "table_m": np.full(count, table_m, np.float32),
    }
