"""Demonstrations of the simulator's expert, with mishaps, and images of random scenes."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, replace
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autoglm_embodied.align.aligner import Aligner
from autoglm_embodied.align.settings import AlignSettings
from autoglm_embodied.config import shipped
from autoglm_embodied.data.samples import SAMPLES
from autoglm_embodied.data.shards import Shard, shard_path, write_shard
from autoglm_embodied.data.worker_pool import end_with_parent
from autoglm_embodied.errors import ConfigError
from autoglm_embodied.kinematics import Robot, forward_kinematics
from autoglm_embodied.model.build import grasp_config
from autoglm_embodied.model.checkpoint import load
from autoglm_embodied.model.image import shrink
from autoglm_embodied.model.inputs import arm_features, gripper_features
from autoglm_embodied.policy.grasp_controller import GraspController
from autoglm_embodied.policy.grasp_episode import GraspSettings
from autoglm_embodied.policy.learned import LearnedPolicy
from autoglm_embodied.policy.pipeline import Pipeline
from autoglm_embodied.policy.temporal_ensemble import TemporalEnsemble
from autoglm_embodied.train.instructions import naming, random_verb
from autoglm_embodied.types import Command, FloatArray, Frame, Observation, Phase
from autoglm_embodied.vocabulary import COLOURS, SHAPES
from autoglm_embodied_sim.collect.dagger_rollout import DaggerRollout
from autoglm_embodied_sim.collect.perturbed_expert import PerturbedExpert
from autoglm_embodied_sim.eval.simulated_rollout import SimulatedRollout
from autoglm_embodied_sim.policies.primitive_expert import ExpertState, expert_action, expert_chunk, observe
from autoglm_embodied_sim.robots.arm import Arm
from autoglm_embodied_sim.robots.layout import lay_out
from autoglm_embodied_sim.scenes.scene import GraspScene, sample_grasp_scene
from autoglm_embodied_sim.scenes.suite import suite_named

KINDS = DEMONSTRATIONS, IMAGES, PRACTICE = ("demonstrations", "images", "practice")
MAX_THINGS = 4
FIRST_SEED = 1_000_000_000
IMAGES_PER_SCENE = 2
WANDER_TICKS = 10  # of the arm between two images of a scene
TICKS = 450  # of an episode at most
HOLD_TICKS = 12  # demonstrated holding
STARTS_CLOSED = 0.15  # of the episodes begin with the gripper closed, as after an earlier grasp


@dataclass(frozen=True)
class CollectSettings:
    """What to collect: the expert's episodes, images, and episodes of the policy of `checkpoint`."""

    episodes: int = 320
    images: int = 10_000
    practice: int = 0
    checkpoint: Path | None = None
    episodes_per_shard: int = 10
    images_per_shard: int = 400
    sample_every: int = 4  # ticks
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("episodes_per_shard", "images_per_shard", "sample_every"):
            if getattr(self, name) <= 0:
                raise ConfigError(f"collect.{name} must be above 0, got {getattr(self, name)}")
        for name in ("episodes", "images", "practice"):
            if getattr(self, name) < 0:
                raise ConfigError(f"collect.{name} must not be negative, got {getattr(self, name)}")
        if self.practice and self.checkpoint is None:
            raise ConfigError("collect.practice needs the checkpoint of the policy that shall practise")


@dataclass(frozen=True)
class Collected:
    """How a collection went."""

    shards_written: int
    shards_skipped: int
    episodes: int
    held: int


def collect(
    settings: CollectSettings, out: Path, workers: int = 1, progress: Callable[[int, int], None] | None = None
) -> Collected:
    """Write the shards that are not there yet; a killed collection goes on where it stopped.

    Args:
        settings: what to collect.
        out: folder of the shards.
        workers: processes.
        progress: called with shards done and shards in all.
    """
    out.mkdir(parents=True, exist_ok=True)
    wanted = [(DEMONSTRATIONS, n) for n in range(-(-settings.episodes // settings.episodes_per_shard))]
    wanted += [(PRACTICE, n) for n in range(-(-settings.practice // settings.episodes_per_shard))]
    wanted += [(IMAGES, n) for n in range(-(-settings.images // settings.images_per_shard))]
    missing = [(kind, index) for kind, index in wanted if not shard_path(out, kind, index).exists()]
    episodes = held = 0
    with ProcessPoolExecutor(
        workers, get_context("spawn"), initializer=end_with_parent, initargs=(os.getpid(),)
    ) as pool:
        jobs = [pool.submit(_write, settings, out, kind, index) for kind, index in missing]
        for done, job in enumerate(as_completed(jobs), len(wanted) - len(missing) + 1):
            shard_episodes, shard_held = job.result()
            episodes, held = episodes + shard_episodes, held + shard_held
            if progress is not None:
                progress(done, len(wanted))
    return Collected(len(missing), len(wanted) - len(missing), episodes, held)


def _write(settings: CollectSettings, out: Path, kind: str, index: int) -> tuple[int, int]:
    """One shard; what is in it follows from the seed, the kind and the number alone."""
    collector = Collector(settings, np.random.default_rng([settings.seed, KINDS.index(kind), index]))
    if kind == IMAGES:
        for _ in range(settings.images_per_shard // IMAGES_PER_SCENE):
            collector.look_around()
    else:
        for _ in range(settings.episodes_per_shard):
            collector.episode(practice=kind == PRACTICE)
    write_shard(shard_path(out, kind, index), SAMPLES, collector.shard(), f"seed {settings.seed}")
    collector.close()
    return collector.episodes, collector.held


class Collector:
    """Collects samples on one rig, in memory, until they are asked for as arrays."""

    def __init__(self, settings: CollectSettings, rng: np.random.Generator) -> None:
        self.episodes = 0
        self.held = 0
        self._settings = settings
        self._rng = rng
        self._config = grasp_config()
        self._robot = Robot.from_file(shipped("panda.yaml"))
        self._lay_out(1, unique=True)
        self._policy = None if settings.checkpoint is None else LearnedPolicy(load(settings.checkpoint, "cpu"))
        self._rows: dict[str, list[NDArray[Any]]] = defaultdict(list)

    def shard(self) -> Shard:
        """All samples so far."""
        return Shard({name: np.stack(rows) for name, rows in self._rows.items()})

    def look_around(self) -> None:
        """Images of a random scene, often with things alike, while the arm wanders over it."""
        count = int(self._rng.integers(1, MAX_THINGS + 1))
        self.close()
        self._lay_out(count, unique=bool(self._rng.random() < 0.4))
        rollout = self._rollout()
        rollout.settle()
        for _ in range(IMAGES_PER_SCENE):
            self._keep(rollout, self._arm.rig.frame(), -1, None)
            twist = np.r_[self._rng.normal([0.12, 0, -0.12], 0.15), np.zeros(3)]
            for _ in range(WANDER_TICKS):
                rollout.advance(Command(twist, self._config.max_width_m))

    def close(self) -> None:
        """Free the renderer."""
        self._arm.close()

    def episode(self, practice: bool) -> None:
        """One episode on one thing of a scene, by the policy if it is `practice`, else by the expert with mishaps."""
        self.close()
        self._lay_out(3, unique=practice or bool(self._rng.random() < 0.7))
        arm, objects, target = self._arm, self._scene.objects, self._scene.target
        rollout = self._rollout()
        rollout.settle(0.0 if self._rng.random() < STARTS_CLOSED else self._config.max_width_m)
        actor = self._dagger_rollout(rollout, target) if practice else PerturbedExpert(self._rng)
        holding = 0
        for tick in range(TICKS):
            state = observe(arm, objects, target)
            if tick % self._settings.sample_every == 0:
                frame = self._arm.rig.frame()
            rollout.advance(actor.act(state))
            if tick % self._settings.sample_every == 0:
                self._keep(rollout, frame, target, observe(arm, objects, target))
            holding = holding + 1 if expert_action(state)[2] is Phase.HOLD else 0
            if holding > HOLD_TICKS:
                break
        self.episodes += 1
        self.held += holding > HOLD_TICKS

    def _lay_out(self, count: int, unique: bool) -> None:
        """The next scene of the suite primitives, whose seeds no evaluation reaches, on an arm of its own."""
        suite = replace(suite_named("primitives"), objects=count, unique=unique)
        self._scene = sample_grasp_scene(suite, (), int(self._rng.integers(FIRST_SEED, 2**31)))
        self._arm = lay_out(suite, self._scene, partial(Arm, scattered=True))

    def _dagger_rollout(self, rollout: SimulatedRollout, target: int) -> DaggerRollout:
        if self._policy is None:
            raise ConfigError("practice needs a checkpoint; give collect one")
        things = [(obj.colour, obj.shape.name) for obj in self._scene.objects]
        sentence = naming(things, target, self._rng).sentence(random_verb(self._rng))
        controller = GraspController(Pipeline(rollout.aligner, TemporalEnsemble(self._policy)), GraspSettings())
        return DaggerRollout(controller, rollout, sentence, self._rng)

    def _rollout(self) -> SimulatedRollout:
        aligner = Aligner(AlignSettings(), lambda position: forward_kinematics(self._robot, position))
        return SimulatedRollout(self._arm.rig, aligner)

    def _keep(self, rollout: SimulatedRollout, frame: Frame, target: int, state: ExpertState | None) -> None:
        """Add a row: what is sensed now, with a frame that is a tick old, and what the expert would do."""
        self._sense(rollout.aligner.observe(self._arm.rig.time_ns), frame)
        self._rows["things"].append(things_array(self._scene, self._arm))
        self._rows["target"].append(np.array(target))
        steps = self._config.chunk
        if state is None:
            twist, opened, phase = np.zeros((steps, 6)), np.ones(steps, bool), Phase.IDLE
        else:
            chunk, width, phase = expert_chunk(state, steps, self._config.dt_ns / 1e9)
            twist, opened = np.array(chunk), np.array(width > self._config.max_width_m / 2)
        self._rows["twist"].append(twist.astype(np.float32))
        self._rows["opened"].append(opened.astype(np.float32))
        self._rows["phase"].append(np.array(phase.value))

    def _sense(self, seen: Observation, frame: Frame) -> None:
        force, arm = seen.force.value, seen.joints.value
        if force is None or arm is None:
            raise ConfigError("the rig's force and joint sensors must speak at every tick")
        rgb, depth_m = shrink(frame, self._config.image_height, self._config.image_width)
        age_s = (seen.t_ns - frame.stamp_ns) / 1e9
        camera = frame.camera
        for name, value in (
            ("rgb", rgb),
            ("depth_mm", (np.nan_to_num(depth_m) * 1000).round().astype(np.uint16)),
            ("pyramid", force.pyramid.astype(np.float32)),
            ("raw", force.raw.astype(np.float32)),
            ("arm", arm_features(arm)),
            ("gripper", gripper_features(arm)),
            ("ages_s", np.array([age_s, seen.force.age_ns / 1e9, seen.joints.age_ns / 1e9, 0], np.float32)),
            ("camera", np.array([*camera.K[[0, 1, 0, 1], [0, 1, 2, 2]], camera.width, camera.height])),
            ("T_base_camera", camera.T_base_camera),
        ):
            self._rows[name].append(value)


def things_array(scene: GraspScene, arm: Arm) -> FloatArray:
    """(T, 6): colour and shape index, centre now [m] and size [m] of each object; rows of -1 fill up to T."""
    rows = np.full((MAX_THINGS, 6), -1, np.float32)
    for row, obj, place in zip(rows, scene.objects, arm.truth.pose(arm.data)[:, :3], strict=False):
        row[:] = COLOURS.index(obj.colour), SHAPES.index(obj.shape.name), *place, obj.shape.extent_m[0]
    return rows
