"""Self-supervised outcomes of grasps: what a camera that is a little off showed, what was felt, and what came of it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autoglm_embodied.data.shards import Arrays, Schema, Shard, concatenate_shards
from autoglm_embodied.errors import ConfigError
from autoglm_embodied.grasping.force_feedback import SEEN_CELLS
from autoglm_embodied.grasping.grasp import (
    ALMOST_M,
    EMPTY_M,
    GUARD_N,
    GUARDED_M_S,
    LEAST_WEIGHT_N,
    LIFT_M_S,
    TRIAL_LIFT_M,
    Grasp,
)
from autoglm_embodied.grasping.grasp_candidates import crops, varied_grasps
from autoglm_embodied.grasping.height_map import HeightMap, height_map
from autoglm_embodied.types import FloatArray, Phase
from autoglm_embodied_sim.collect.step_recorder import Recorder
from autoglm_embodied_sim.collect.suite_settings import SuiteSettings
from autoglm_embodied_sim.judge import judge
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


ABOVE_M = 0.015  # what seems to be the highest object, where a descent begins
SUMMED_UP = (Phase.DESCEND, Phase.CLOSE, Phase.LIFT)


@dataclass(frozen=True)
class GraspOutcome:
    """What was felt, NaN where it did not come to that, and what the simulator says."""

    collided: bool  # the descent was broken off
    contact_tip_m: float  # height of the tips where it was
    contact_n: float  # force then
    width_m: float  # after closing
    weight_n: float  # after lifting a little
    wrench: FloatArray  # (3, 2, 6) tared, of SUMMED_UP: mean, and the reading farthest from 0; NaN without that phase
    held_target: bool  # it and no other, after lift and shake
    held_any: bool


class Trials:
    """A rig at rest with its hand empty; every grasp is tried from the same state."""

    def __init__(self, rig: Gantry) -> None:
        self._twin = rig.twin()
        self._twin.tare()  # which takes as long as the objects need to fall asleep
        self._start = self._twin.state()
        self._rest_height_m = rig.truth.position_m(rig.data)[:, 2]

    def outcome(self, grasp: Grasp, obj: int, top_m: float) -> GraspOutcome:
        """Come down, close, lift, weigh, lift on and shake; stop where there is nothing to go on.

        Args:
            grasp: to be tried, table frame.
            obj: index of the object that is wanted.
            top_m: height of what seems to be the highest object, above which the descent begins.
        """
        twin = self._twin
        twin.restore(self._start)
        twin.park(grasp.pose.raised_to(top_m + ABOVE_M), grasp.opening_m)
        recorder = Recorder(twin)
        contact_tip_m = contact_n = width_m = weight_n = float("nan")
        arrived = twin.move(grasp.pose, GUARDED_M_S, GUARD_N)
        if not arrived:
            contact_tip_m, contact_n = twin.pose.z_m, float(np.linalg.norm(twin.wrench()[:3]))
            arrived = contact_tip_m < grasp.pose.z_m + ALMOST_M
        if arrived:
            width_m = twin.grip(0.0)
            if width_m > EMPTY_M:
                twin.move(twin.pose.raised_to(twin.pose.z_m + TRIAL_LIFT_M), LIFT_M_S)
                weight_n = float(twin.weigh()[2])
        wrench = _summary(recorder, twin.tared)
        lifted = weight_n > LEAST_WEIGHT_N and twin.width_m > EMPTY_M
        held = judge(twin, self._rest_height_m).held if lifted else ()
        return GraspOutcome(
            not arrived, contact_tip_m, contact_n, width_m, weight_n, wrench, held == (obj,), len(held) > 0
        )


def _summary(recorder: Recorder, tared: FloatArray) -> FloatArray:
    """(3, 2, 6) see GraspOutcome.wrench."""
    steps = recorder.stop()
    phases, wrench = steps.phases(), steps.wrench - tared
    parts = [_mean_and_peak(wrench, phases == phase.value) for phase in SUMMED_UP]
    return np.stack(parts)


def _mean_and_peak(wrench: FloatArray, during: NDArray[np.bool_]) -> FloatArray:
    """(2, 6) of the rows `during`; NaN if there are none."""
    if not during.any():
        return np.full((2, 6), np.nan)
    rows = wrench[during]
    return np.stack([rows.mean(axis=0), rows[np.argmax(np.abs(rows), axis=0), np.arange(6)]])
