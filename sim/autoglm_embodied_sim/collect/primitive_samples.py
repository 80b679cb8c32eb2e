"""Training samples among coloured primitives: perturbed demonstrations, images of random scenes, DAgger rollouts."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autoglm_embodied.align.aligner import Aligner
from autoglm_embodied.align.settings import AlignSettings
from autoglm_embodied.config import shipped
from autoglm_embodied.data.schemas import SAMPLES
from autoglm_embodied.data.shards import Arrays, Shard
from autoglm_embodied.errors import ConfigError
from autoglm_embodied.kinematics import Robot, forward_kinematics
from autoglm_embodied.model.build import grasp_config
from autoglm_embodied.model.inputs import felt_features, shrink
from autoglm_embodied.policy.grasp_controller import GraspController
from autoglm_embodied.policy.grasp_episode import GraspSettings
from autoglm_embodied.policy.learned import load_policy
from autoglm_embodied.policy.pipeline import Pipeline
from autoglm_embodied.policy.policy import Policy
from autoglm_embodied.train.instructions import naming, random_verb
from autoglm_embodied.types import Command, FloatArray, Frame, Observation, Phase
from autoglm_embodied.vocabulary import COLOURS, SHAPES
from autoglm_embodied_sim.collect.demonstrations import camera_arrays
from autoglm_embodied_sim.eval.simulated_rollout import SimulatedRollout
from autoglm_embodied_sim.policies.primitive_expert import ExpertState, expert_action, expert_chunk, observe
from autoglm_embodied_sim.robots.arm import Arm
from autoglm_embodied_sim.robots.layout import lay_out
from autoglm_embodied_sim.scenes.scene import sample_grasp_scene
from autoglm_embodied_sim.scenes.suite import suite_named

KINDS = EPISODES, IMAGES, DAGGER = ("demonstrations", "images", "dagger")
MOST_OBJECTS = 4
FIRST_SEED = 1_000_000_000  # of scenes: no evaluation reaches it
IMAGES_PER_SCENE, SCENES_PER_UNIT = 2, 20
IMAGES_PER_UNIT = IMAGES_PER_SCENE * SCENES_PER_UNIT
UNITS_PER_SHARD = 10
WANDER_TICKS = 10  # of the arm between two images of a scene
TICKS = 450  # of an episode at most
HOLD_TICKS = 12  # demonstrated holding
SAMPLE_TICKS = 4  # from one sample to the next
STARTS_CLOSED = 0.15  # of the episodes begin with the gripper closed, as after an earlier grasp


@dataclass(frozen=True)
class PrimitiveSettings:
    """What to collect: demonstrations, images, or rollouts of the policy of `checkpoint` that the expert labels."""

    kind: str
    seed: int = 0
    checkpoint: Path | None = None

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ConfigError(f"collect.kind must be one of {', '.join(KINDS)}, got {self.kind!r}")
        if (self.kind == DAGGER) != (self.checkpoint is not None):
            raise ConfigError("DAgger rollouts need the checkpoint of the policy that acts, and nothing else does")

    def all(self) -> dict[str, Any]:
        """Everything that a unit follows from but its number."""
        return {"schema": SAMPLES.identifier, **asdict(self)}


def primitive_samples(settings: PrimitiveSettings, number: int) -> Shard:
    """The unit of a number: one episode, or the images of some scenes.

    Args:
        settings: what to collect.
        number: from which, with the seed and the kind, all randomness follows.
    """
    rng = np.random.default_rng([settings.seed, KINDS.index(settings.kind), number])
    collector = Collector(rng, settings.checkpoint)
    try:
        if settings.kind == IMAGES:
            for _ in range(SCENES_PER_UNIT):
                collector.look_around()
            return collector.shard({})
        return collector.shard({"held": collector.episode()})
    finally:
        collector.close()


class Collector:
    """Collects samples on one rig, in memory, until they are asked for as a shard.

    Args:
        rng: of scenes, noise and disturbances.
        checkpoint: of the policy that acts; the perturbed expert without one.
    """

    def __init__(self, rng: np.random.Generator, checkpoint: Path | None = None) -> None:
        self._rng = rng
        self._config = grasp_config()
        self._robot = Robot.from_file(shipped("panda.yaml"))
        self._lay_out(1, unique=True)
        self._policy = (
            None if checkpoint is None else load_policy(checkpoint, AlignSettings(), self._robot.joints, "cpu")
        )
        self._rows: dict[str, list[NDArray[Any]]] = defaultdict(list)

    def shard(self, note: dict[str, Any]) -> Shard:
        """All samples so far as one episode, in which nothing was said: words are drawn anew in training."""
        arrays = {name: np.stack(rows) for name, rows in self._rows.items()}
        return Shard(arrays | {"samples": np.array([len(arrays["phase"])])}, ({"instruction": None, **note},))

    def look_around(self) -> None:
        """Images of a random scene, often with objects alike, while the arm wanders over it."""
        count = int(self._rng.integers(1, MOST_OBJECTS + 1))
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

    def episode(self) -> bool:
        """One episode on one object of a scene, by the policy if there is one; whether the object was held."""
        unique = self._policy is not None or bool(self._rng.random() < 0.7)
        self.close()
        self._lay_out(3, unique)
        arm, objects, target = self._arm, self._scene.objects, self._scene.target
        rollout = self._rollout()
        rollout.settle(0.0 if self._rng.random() < STARTS_CLOSED else self._config.max_width_m)
        policy = self._policy
        actor = PerturbedExpert(self._rng) if policy is None else self._dagger_rollout(policy, rollout, target)
        holding = 0
        for tick in range(TICKS):
            state = observe(arm, objects, target)
            if tick % SAMPLE_TICKS == 0:
                frame = arm.rig.frame()
            rollout.advance(actor.act(state))
            if tick % SAMPLE_TICKS == 0:
                self._keep(rollout, frame, target, observe(arm, objects, target))
            holding = holding + 1 if expert_action(state)[2] is Phase.HOLD else 0
            if holding > HOLD_TICKS:
                break
        return holding > HOLD_TICKS

    def _lay_out(self, count: int, unique: bool) -> None:
        """The next scene of the suite primitives, on an arm of its own."""
        suite = replace(suite_named("primitives"), objects=count, unique=unique)
        self._scene = sample_grasp_scene(suite, (), int(self._rng.integers(FIRST_SEED, 2**31)))
        self._arm = lay_out(suite, self._scene, partial(Arm, scattered=True))

    def _dagger_rollout(self, policy: Policy, rollout: SimulatedRollout, target: int) -> DaggerRollout:
        objects = [(obj.colour, obj.shape.name) for obj in self._scene.objects]
        instruction = naming(objects, target, self._rng).sentence(random_verb(self._rng))
        controller = GraspController(Pipeline(rollout.aligner, policy), GraspSettings())
        return DaggerRollout(controller, rollout, instruction, self._rng)

    def _rollout(self) -> SimulatedRollout:
        aligner = Aligner(AlignSettings(), lambda position: forward_kinematics(self._robot, position))
        return SimulatedRollout(self._arm.rig, aligner)

    def _keep(self, rollout: SimulatedRollout, frame: Frame, target: int, state: ExpertState | None) -> None:
        """Add a sample: what is sensed now, with a frame that is a tick old, and what the expert would do."""
        sensed = self._sensed(rollout.aligner.observe(self._arm.rig.time_ns), frame)
        there = {"objects": self._objects(), "placed": np.array(True), "target": np.array(target)}
        for name, value in (sensed | there | self._shown(state)).items():
            self._rows[name].append(value)

    def _shown(self, state: ExpertState | None) -> Arrays:
        steps, open_m = self._config.chunk, self._config.max_width_m
        shown: tuple[FloatArray, FloatArray, Phase] = np.zeros((steps, 6)), np.full(steps, open_m), Phase.IDLE
        if state is not None:
            shown = expert_chunk(state, steps, self._config.dt_ns / 1e9)
        twist, width_m, phase = shown
        return {
            "twist": twist.astype(np.float32),
            "opened": (width_m > open_m / 2).astype(np.float32),
            "phase": np.array(phase.value),
        }

    def _sensed(self, seen: Observation, frame: Frame) -> Arrays:
        force, arm = seen.force.value, seen.joints.value
        if force is None or arm is None:
            raise ConfigError("the rig's force and joint sensors must speak at every tick")
        rgb, depth_m = shrink(frame, self._config.image_height, self._config.image_width)
        age_s = (seen.t_ns - frame.stamp_ns) / 1e9
        return {
            "rgb": rgb,
            "depth_mm": (np.nan_to_num(depth_m) * 1000).round().astype(np.uint16),
            **felt_features(force, arm),
            "ages_s": np.array([age_s, seen.force.age_ns / 1e9, seen.joints.age_ns / 1e9, 0], np.float32),
            **camera_arrays(frame.camera),
        }

    def _objects(self) -> FloatArray:
        """(T, 6): colour and shape index, centre now [m] and size [m] of each object; rows of -1 fill up to T."""
        rows, centres_m = np.full((MOST_OBJECTS, 6), -1, np.float32), self._arm.truth.pose(self._arm.data)[:, :3]
        for row, obj, centre_m in zip(rows, self._scene.objects, centres_m, strict=False):
            row[:] = COLOURS.index(obj.colour), SHAPES.index(obj.shape.name), *centre_m, obj.shape.extent_m[0]
        return rows


OPEN_M = 0.08
EMPTY_M = 0.006
LOOKS_AGAIN = 0.02  # a tick


@dataclass
class Burst:
    """Begins at random, and lasts for a random number of ticks."""

    rng: np.random.Generator
    probability: float  # to begin, a tick
    ticks: tuple[int, int]  # least, and one more than most
    left: int = 0

    def begins(self) -> bool:
        """Whether one begins in this tick; never while one lasts."""
        if self.left or self.rng.random() >= self.probability:
            return False
        self.left = int(self.rng.integers(*self.ticks))
        return True

    def lasts(self) -> bool:
        """Whether one lasts in this tick, which is then behind it."""
        lasts = self.left > 0
        self.left -= lasts
        return lasts


class PerturbedExpert:
    """Acts like the expert but misjudges the target, is pushed, closes early or lets go, at random.

    The arm is perturbed, never the label (Laskey et al. 2017, DART), so that demonstrations show how it recovers.
    """

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng
        self._speed = rng.uniform(0.6, 1.0)
        self._misjudged_m = self._misjudge(0.5)
        self._pushes, self._push = Burst(rng, 0.03, (4, 12)), np.zeros(6)
        self._slips, self._slip_m = Burst(rng, 0.004, (4, 14)), OPEN_M

    def act(self, state: ExpertState) -> Command:
        """The command of this tick."""
        felt_nothing = state.width_m < EMPTY_M
        if self._misjudged_m.any() and (felt_nothing or self._rng.random() < LOOKS_AGAIN):
            self._misjudged_m = self._misjudge(0.2)  # another try; the fingers may stand on the object
        seen = state if state.held else replace(state, target_m=state.target_m + self._misjudged_m)
        twist, width_m, _ = expert_action(seen)
        return Command(self._speed * twist + self._pushed(), self._gripped(width_m))

    def _misjudge(self, probability: float) -> FloatArray:
        if self._rng.random() > probability:
            return np.zeros(3)
        angle, distance_m = self._rng.uniform(0, 2 * np.pi), self._rng.uniform(0.008, 0.045)
        return np.array([np.cos(angle), np.sin(angle), 0]) * distance_m

    def _pushed(self) -> FloatArray:
        if self._pushes.begins():
            self._push = np.r_[self._rng.normal(0, 0.08, 3), self._rng.normal(0, 0.2, 3)]
        return self._push if self._pushes.lasts() else np.zeros(6)

    def _gripped(self, width_m: float) -> float:
        if self._slips.begins():
            self._slip_m = OPEN_M - width_m  # closes early or lets go
        return self._slip_m if self._slips.lasts() else width_m


class DaggerRollout:
    """Acts by the grasp controller, and for short stretches by the expert, to get past where the policy is stuck.

    Dataset aggregation of Ross, Gordon and Bagnell 2011 (DAgger): the learner acts, the expert labels.
    """

    def __init__(
        self, controller: GraspController, rollout: SimulatedRollout, instruction: str, rng: np.random.Generator
    ) -> None:
        """Begin.

        Args:
            controller: of the policy that learns.
            rollout: the arm that it drives.
            instruction: names the object.
            rng: decides when the expert helps.
        """
        self._controller = controller
        self._rollout = rollout
        self._begin: str | None = instruction
        self._helps = Burst(rng, 0.01, (10, 40))

    def act(self, state: ExpertState) -> Command:
        """The command of this tick; the expert's where the policy gives none, or has ended the grasp."""
        command = self._rollout.sense(self._controller, self._begin).command
        self._begin = None
        self._helps.begins()
        if self._helps.lasts() or command is None:
            twist, width_m, _ = expert_action(state)
            return Command(twist, width_m)
        return command
