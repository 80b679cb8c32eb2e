"""The guard slows and holds where inputs are unfamiliar, on a clock that the test moves, and the controller obeys."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

import numpy as np
import pytest

from autoglm_embodied.align.aligner import Aligner
from autoglm_embodied.align.settings import AlignSettings
from autoglm_embodied.errors import ConfigError
from autoglm_embodied.policy.distribution_guard import DistributionGuard, Familiarity, GuardSettings
from autoglm_embodied.policy.goal import Outcome
from autoglm_embodied.policy.grasp_controller import ControlStep, GraspController
from autoglm_embodied.policy.grasp_episode import GraspSettings
from autoglm_embodied.policy.pipeline import Pipeline
from autoglm_embodied.types import (
    ActionChunk,
    ArmState,
    FloatArray,
    ForceFeatures,
    Frame,
    Observation,
    Phase,
    Referent,
    Sense,
)

SETTINGS, GRASP = GuardSettings(), GraspSettings()
TICK_NS = 33_000_000
USUAL, SLOW, HELD = 1.0, 1.5, 2.5  # distances
TOOL_M = (0.5, 0.0, 0.3)


def chunk(latent: float = USUAL, t_ns: int = 0) -> ActionChunk:
    """That moves at 0.1 m/s, with a latent whose one number is its distance."""
    twist, gate = np.full((8, 6), 0.1), np.full(4, 0.25)
    target_m = np.array([0.5, 0.0, 0.02])
    return ActionChunk(
        t_ns, TICK_NS, twist, np.full(8, 0.08), Phase.REACH, Referent.ONE, target_m, gate, np.array([latent])
    )


def observation(force_n: float = 0.0, width_m: float = 0.08, seen_m: float = 0.02, error_ns: int = 0) -> Observation:
    """The tool at TOOL_M, and something seen below it at a height."""
    T = np.eye(4)
    T[:3, 3] = TOOL_M
    pyramid = np.zeros((4, 5, 6))
    pyramid[:, 0, 0] = force_n
    tokens = np.array([[0.0, 0.5, 0.01, seen_m, 1.0], [0.0, 0.5, 0.0, 0.4, 1.0], [0.0, 0.9, 0.0, 0.0, 1.0]])
    arm = ArmState(np.zeros(7), np.zeros(7), T, width_m, 0.0)
    force = ForceFeatures(np.zeros((64, 6)), pyramid, 512)
    return Observation(0, Sense(tokens, error_ns, error_ns), Sense(force), Sense(arm), Sense("the cube"))


def distances(_: FloatArray, latent: FloatArray) -> dict[str, float]:
    return {"image": 0.5, "latent": float(latent[0])}


@dataclass
class Clocked:
    """A guard and its clock."""

    guard: DistributionGuard = field(default_factory=lambda: DistributionGuard(SETTINGS, GRASP, distances))
    t_ns: int = 0

    def run(self, seconds: float, latent: float = USUAL, seen: Observation | None = None) -> Familiarity:
        """Ticks for so long; the last one's."""
        for _ in range(max(1, round(seconds * 1e9 / TICK_NS))):
            self.t_ns += TICK_NS
            found = self.guard.judge(seen or observation(), chunk(latent), self.t_ns)
        return found


def test_what_is_usual_keeps_its_speed() -> None:
    found = Clocked().run(1.0)
    assert found.speed_share == 1.0 and found.level < 0.0 and found.held_s == 0.0


def test_a_latent_far_away_slows_at_once_and_holds_once_it_lasted() -> None:
    clock = Clocked()
    assert SETTINGS.least_speed_share < clock.run(0.0, SLOW).speed_share < 1.0
    assert clock.run(0.0, HELD).speed_share == SETTINGS.least_speed_share
    held = clock.run(SETTINGS.unsure_s + 0.1, HELD)
    assert held.speed_share == 0.0 and held.worst == "latent"
    assert clock.run(1.0, HELD).held_s == pytest.approx(1.0, abs=0.1)


def test_a_single_tick_far_away_does_not_hold() -> None:
    clock = Clocked()
    clock.run(0.0, HELD)
    assert clock.run(SETTINGS.unsure_s, SLOW).speed_share == SETTINGS.least_speed_share


def test_it_goes_on_only_once_all_was_calm_for_a_while() -> None:
    clock = Clocked()
    clock.run(1.0, HELD)
    assert clock.run(2.0, SLOW).speed_share == 0.0  # no longer what holds, but not calm
    assert clock.run(SETTINGS.calm_s / 2).speed_share == 0.0
    clock.run(0.0, SLOW)
    assert clock.run(SETTINGS.calm_s / 2).speed_share == 0.0
    assert clock.run(SETTINGS.calm_s).speed_share == 1.0


def test_a_latent_that_is_no_number_holds_at_once() -> None:
    found = Clocked().run(0.0, math.nan)
    assert found.speed_share == 0.0 and found.worst == "latent" and math.isnan(found.level)


def test_a_force_in_free_space_slows_and_what_may_be_touched_or_held_does_not() -> None:
    felt = SETTINGS.slow_unexplained_n + 1.0
    found = Clocked().run(0.0, seen=observation(felt))
    assert found.worst == "unexplained force" and found.speed_share < 1.0
    assert Clocked().run(0.0, seen=observation(felt, width_m=0.0)).speed_share < 1.0  # closed on nothing
    assert Clocked().run(0.0, seen=observation(felt, width_m=0.04)).speed_share == 1.0
    assert Clocked().run(0.0, seen=observation(felt, seen_m=0.27)).speed_share == 1.0


def test_a_time_error_slows_then_holds() -> None:
    late = observation(error_ns=SETTINGS.hold_time_error_ns)
    clock = Clocked()
    assert clock.run(0.0, seen=late).worst == "time error"
    assert clock.run(1.0, seen=late).speed_share == 0.0


def test_levels_that_are_the_wrong_way_round_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"guard.slow_distance must be below guard.hold_distance, 2.0, got 2.0"):
        replace(SETTINGS, slow_distance=2.0)


class Steady:
    """A policy whose latent's distance the test sets."""

    latent = USUAL

    def encode(self, frame: Frame) -> FloatArray:
        raise AssertionError("the test pushes tokens")

    def act(self, seen: Observation) -> ActionChunk:
        return chunk(self.latent, seen.t_ns)

    def reset(self, instruction: str) -> None: ...


@dataclass
class Loop:
    """A controller with a guard, whose sensors see, feel and stand still."""

    policy: Steady = field(default_factory=Steady)
    t_ns: int = 0

    def __post_init__(self) -> None:
        T = np.eye(4)
        T[:3, 3] = TOOL_M
        self.aligner = Aligner(AlignSettings(), lambda _: T)
        guard = DistributionGuard(SETTINGS, GRASP, distances)
        self.controller = GraspController(Pipeline(self.aligner, self.policy), GRASP, guard=guard)

    def run(self, seconds: float, begin: str | None = None) -> ControlStep:
        """Ticks for so long; the last one."""
        for _ in range(max(1, round(seconds * 1e9 / TICK_NS))):
            self.t_ns += TICK_NS
            self.aligner.push_tokens(self.t_ns, self.t_ns, observation().vision.value)  # type: ignore[arg-type]
            self.aligner.push_joints(self.t_ns, self.t_ns, np.r_[np.zeros(7), 0.04, 0.04], np.zeros(9))
            step = self.controller.step(self.t_ns, self.t_ns, begin, None)
            begin = None
        return step


def test_the_controller_slows_holds_and_ends_the_goal_with_the_reason() -> None:
    loop = Loop()
    step = loop.run(1.0, "pick up the cube")
    assert step.command is not None and step.command.twist == pytest.approx(np.full(6, 0.1))
    loop.policy.latent = SLOW
    slowed = loop.run(0.0)
    assert slowed.command is not None and slowed.familiarity is not None
    assert slowed.command.twist == pytest.approx(np.full(6, 0.1) * slowed.familiarity.speed_share)
    assert slowed.command.gripper_width_m == step.command.gripper_width_m
    loop.policy.latent = HELD
    held = loop.run(1.0)
    assert held.command is None and held.episode is not None and not held.episode.over
    loop.policy.latent = USUAL
    assert loop.run(2 * SETTINGS.calm_s).command is not None
    loop.policy.latent = HELD
    ended = loop.run(SETTINGS.unsure_s + SETTINGS.give_up_s + 0.2)
    assert ended.episode is not None and ended.episode.outcome is Outcome.UNFAMILIAR
    assert "latent at 1.7, where 1 holds" in ended.episode.message and ended.command is None


def test_another_goal_begins_as_if_nothing_had_been() -> None:
    loop = Loop()
    loop.policy.latent = math.nan
    assert loop.run(SETTINGS.give_up_s + 0.2, "pick up the cube").episode.outcome is Outcome.UNFAMILIAR  # type: ignore[union-attr]
    loop.policy.latent = USUAL
    assert loop.run(1.0, "pick up the cube").command is not None
