"""What the guard of the learned policy makes of plain episodes, and of the same ticks with a sense altered.

The arm follows the policy, unguarded and unaltered. Beside it each alteration has a guard of its own, which is shown
the policy's answer to altered input at the same ticks: each alteration is compared with the plain input tick by tick.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import scipy.stats

from autoglm_embodied.align.settings import AlignSettings
from autoglm_embodied.metrics import Report
from autoglm_embodied.model.latent_statistics import load_statistics
from autoglm_embodied.policy.distribution_guard import DistributionGuard, GuardSettings
from autoglm_embodied.policy.grasp_controller import GraspController
from autoglm_embodied.policy.grasp_episode import GraspSettings
from autoglm_embodied.policy.learned import load_policy
from autoglm_embodied.policy.policy import Policy
from autoglm_embodied.types import FloatArray, ForceFeatures, Frame, Observation
from autoglm_embodied_sim.eval.altered_senses import Alteration, AlteredSenses
from autoglm_embodied_sim.eval.learned_episode import fresh_pipeline
from autoglm_embodied_sim.eval.simulated_rollout import SimulatedRollout
from autoglm_embodied_sim.language.grammar import LEARNING_GRAMMAR
from autoglm_embodied_sim.robots.arm import Arm
from autoglm_embodied_sim.robots.layout import lay_out_task
from autoglm_embodied_sim.scenes.scene import sample_grasp_scene
from autoglm_embodied_sim.scenes.suite import suite_named
from autoglm_embodied_sim.sensors.sensor_specs import PANDA

EVERY = 6  # ticks: altered input is looked at in each of these
PLAIN = "plain"
TURN_RAD, SHIFT_M, NOISE, DARK, LONG = math.radians(5), 0.05, 40.0, 0.25, 1.1


def _moved(frame: Frame, pose: Callable[[FloatArray], None]) -> Frame:
    T_base_camera = frame.camera.T_base_camera.copy()
    pose(T_base_camera)
    return replace(frame, camera=replace(frame.camera, T_base_camera=T_base_camera))


def _shift(T: FloatArray) -> None:
    T[1, 3] += SHIFT_M


def _turn(T: FloatArray) -> None:
    cos, sin = math.cos(TURN_RAD), math.sin(TURN_RAD)
    T[:3, :3] = T[:3, :3] @ np.array([[1, 0, 0], [0, cos, -sin], [0, sin, cos]])


def _noisy(frame: Frame) -> Frame:
    noise = np.random.default_rng(frame.stamp_ns).normal(0, NOISE, frame.rgb.shape)
    return replace(frame, rgb=np.clip(frame.rgb + noise, 0, 255).astype(np.uint8))


ALTERED_FRAMES: dict[str, Callable[[Frame], Frame]] = {
    "camera shifted 5 cm": lambda frame: _moved(frame, _shift),
    "camera turned 5 degrees": lambda frame: _moved(frame, _turn),
    "noise": _noisy,
    "red and blue exchanged": lambda frame: replace(frame, rgb=np.ascontiguousarray(frame.rgb[..., ::-1])),
    "a quarter of the light": lambda frame: replace(frame, rgb=(frame.rgb * DARK).astype(np.uint8)),
    "depth 10 % too long": lambda frame: replace(frame, depth_m=frame.depth_m * LONG),
    "no depth": lambda frame: replace(frame, depth_m=np.zeros_like(frame.depth_m)),
}
ALTERED_SENSES = {
    "vision frozen": Alteration("vision", "frozen"),
    "force frozen": Alteration("force", "frozen"),
    "force zeroed": Alteration("force", "zeroed"),
    "force of another episode": Alteration("force", "swapped"),
}


class _Watcher:
    """Follows the ticks of one episode; all are judged in order."""

    def __init__(self, policy: Policy, guards: Callable[[], DistributionGuard], swapped: list[ForceFeatures | None]):
        self.senses = {
            name: AlteredSenses((altered,), swapped=swapped)
            for name, altered in ALTERED_SENSES.items()
            if swapped or altered.how != "swapped"
        }
        self.guards = {name: guards() for name in (PLAIN, *self.senses, *ALTERED_FRAMES)}
        self.levels: dict[str, list[float]] = defaultdict(list)
        self.slowed, self.held = set[str](), set[str]()
        self._policy, self._ticks = policy, 0

    def look(self, observation: Observation, frame: Frame, now_ns: int) -> None:
        altered = self._ticks % EVERY == 0
        self._judge(PLAIN, observation, now_ns, altered)
        for name, senses in self.senses.items():
            told = senses.observation(observation)
            if altered:
                self._judge(name, told, now_ns)
        for name, change in ALTERED_FRAMES.items() if altered else ():
            tokens = self._policy.encode(change(frame))
            self._judge(name, replace(observation, vision=replace(observation.vision, value=tokens)), now_ns)
        self._ticks += 1

    def _judge(self, name: str, told: Observation, now_ns: int, compared: bool = True) -> None:
        chunk = self._policy.act(told)
        if chunk is not None:
            found = self.guards[name].judge(told, chunk, now_ns)
            self.slowed |= {name} if found.speed_share < 1.0 else set()
            self.held |= {name} if found.speed_share == 0.0 else set()
            if compared:
                self.levels[name].append(found.level)


def measure(report: Report, checkpoint: Path, episodes: int, say: Callable[[str], None]) -> None:
    """Run episodes of primitives from the report's seed on, and add what the guard made of them.

    Args:
        report: gets the figures.
        checkpoint: folder, with the statistics of its latents.
        episodes: how many.
        say: is told of every episode.
    """
    statistics, settings = load_statistics(checkpoint), GuardSettings(enabled=True)
    policy = load_policy(checkpoint, AlignSettings(), PANDA.joints)
    guards = partial(DistributionGuard, settings, GraspSettings(), statistics.distances)
    watchers: list[_Watcher] = []
    felt: list[ForceFeatures | None] = []
    for seed in range(report.seed or 0, (report.seed or 0) + episodes):
        watcher = _Watcher(policy, guards, felt)
        outcome, felt = _run(checkpoint, seed, watcher)
        watchers.append(watcher)
        say(f"seed {seed}: {outcome}; slowed {PLAIN in watcher.slowed}, held {PLAIN in watcher.held}")
    report.add_fraction("guard.slowed", sum(PLAIN in each.slowed for each in watchers), episodes, case=PLAIN)
    report.add_fraction("guard.held", sum(PLAIN in each.held for each in watchers), episodes, case=PLAIN)
    plain = np.concatenate([each.levels[PLAIN] for each in watchers])
    for name in (*ALTERED_FRAMES, *ALTERED_SENSES):
        shown = [each for each in watchers if each.levels[name]]
        if not shown:
            report.skip("guard.auroc", f"{name}: it takes two episodes")
            continue
        levels = np.concatenate([each.levels[name] for each in shown])
        auroc = scipy.stats.mannwhitneyu(levels, plain).statistic / len(levels) / len(plain)
        report.add("guard.auroc", auroc, "fraction", len(levels), case=name)
        report.add_fraction("guard.slowed", sum(name in each.slowed for each in shown), len(shown), case=name)
        report.add_fraction("guard.held", sum(name in each.held for each in shown), len(shown), case=name)


def _run(checkpoint: Path, seed: int, watcher: _Watcher) -> tuple[str, list[ForceFeatures | None]]:
    """The outcome of an episode, and what was felt in it."""
    suite = suite_named("primitives")
    task = lay_out_task(suite, sample_grasp_scene(suite, (), seed), LEARNING_GRAMMAR, partial(Arm, robot=PANDA))
    felt: list[ForceFeatures | None] = []
    try:
        pipeline = fresh_pipeline(checkpoint)
        rollout = SimulatedRollout(task.rig.rig, pipeline)
        rollout.settle()
        controller = GraspController(pipeline, GraspSettings())
        begin: str | None = task.words
        while True:
            step = rollout.sense(controller, begin)
            begin = None
            observation = step.tick.observation
            felt.append(observation.force.value)
            if step.tick.chunk is not None:
                watcher.look(observation, rollout.delivered, rollout.rig.time_ns)
            rollout.advance(step.command)
            if step.episode is not None and step.episode.over:
                return step.episode.outcome.word, felt
    finally:
        task.rig.close()
