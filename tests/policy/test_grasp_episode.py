"""A grasp from instruction to outcome, with chunks made by hand and a clock that the test moves."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from autoglm_embodied.errors import ConfigError
from autoglm_embodied.policy.goal import Outcome
from autoglm_embodied.policy.grasp_episode import STILL_TICKS, GraspEpisode, GraspSettings
from autoglm_embodied.types import (
    ActionChunk,
    ArmState,
    Command,
    FloatArray,
    ForceFeatures,
    Observation,
    Phase,
    Referent,
    Sense,
)

SETTINGS = GraspSettings()
TICK_NS = 33_000_000
DOWN = np.diag([1.0, -1.0, -1.0])  # R_base_tool of a hand that points down


@dataclass(frozen=True)
class Sensed:
    """What the sensors and the policy say at a tick."""

    phase: Phase = Phase.REACH
    referent: Referent = Referent.ONE
    tool_m: tuple[float, float, float] = (0.5, 0.0, 0.3)
    target_m: tuple[float, float, float] = (0.5, 0.0, 0.02)
    width_m: float = 0.08
    finger_speed_m_s: float = 0.0
    force_n: tuple[float, float, float] | None = (0.0, 0.0, 0.0)  # in the sensor's frame; None: absent
    noise_n: float = 0.05
    sees: bool = True

    def observation(self, t_ns: int, R_base_tool: FloatArray) -> Observation:
        T_base_tool = np.eye(4)
        T_base_tool[:3, :3], T_base_tool[:3, 3] = R_base_tool, self.tool_m
        arm = ArmState(np.zeros(7), np.zeros(7), T_base_tool, self.width_m, self.finger_speed_m_s)
        force = None
        if self.force_n is not None:
            pyramid = np.zeros((4, 5, 6))
            pyramid[:, 0, :3], pyramid[:, 1, :3] = self.force_n, self.noise_n
            force = ForceFeatures(np.zeros((64, 6)), pyramid, 512)
        vision = Sense(np.zeros((4, 8)) if self.sees else None)
        return Observation(t_ns, vision, Sense(force), Sense(arm), Sense("grab the red one"))

    def chunk(self, t_ns: int) -> ActionChunk:
        twist, gate, latent = np.full((8, 6), 0.1), np.full(4, 0.25), np.zeros(8)
        target_m = np.array(self.target_m)
        return ActionChunk(t_ns, TICK_NS, twist, np.full(8, 0.08), self.phase, self.referent, target_m, gate, latent)


CLOSING = Sensed(phase=Phase.CLOSE, tool_m=(0.5, 0.0, 0.02), width_m=0.04)
HOLDING = Sensed(phase=Phase.HOLD, tool_m=(0.5, 0.0, 0.2), target_m=(0.5, 0.03, 0.2), width_m=0.04, force_n=(0, 0, 1.9))


@dataclass
class Clock:
    """Steps an episode tick by tick."""

    episode: GraspEpisode = field(default_factory=lambda: GraspEpisode("grab the red one", 0, SETTINGS))
    R_base_tool: FloatArray = field(default_factory=lambda: DOWN)
    t_ns: int = 0

    def run(self, ticks: int, sensed: Sensed) -> list[Command | None]:
        """The command of each of some ticks."""
        commands = []
        for _ in range(ticks):
            self.t_ns += TICK_NS
            seen = sensed.observation(self.t_ns, self.R_base_tool)
            commands.append(self.episode.step(seen, sensed.chunk(self.t_ns), self.t_ns))
        return commands

    def grasp(self, holding: Sensed) -> GraspEpisode:
        """Look, close, then hold."""
        self.run(SETTINGS.look_ticks, Sensed())
        self.run(5, CLOSING)
        self.run(SETTINGS.hold_ticks, holding)
        return self.episode


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_arm_holds_still_while_it_looks(clock: Clock) -> None:
    assert clock.run(SETTINGS.look_ticks, Sensed()) == [None] * SETTINGS.look_ticks
    assert None not in clock.run(3, Sensed())


@pytest.mark.parametrize(
    ("referent", "outcome"), [(Referent.NONE, Outcome.NOT_FOUND), (Referent.MANY, Outcome.AMBIGUOUS)]
)
def test_none_or_many_referents_end_it_without_motion(clock: Clock, referent: Referent, outcome: Outcome) -> None:
    assert not any(clock.run(SETTINGS.look_ticks + 20, Sensed(referent=referent)))
    assert clock.episode.outcome is outcome
    assert "'grab the red one'" in clock.episode.message


def test_what_is_lifted_felt_and_seen_in_the_hand_is_held(clock: Clock) -> None:
    episode = clock.grasp(HOLDING)
    assert (episode.outcome, episode.tries) == (Outcome.HELD, 1)
    assert episode.held_force_n == pytest.approx(1.9) and "1.9 N" in episode.message


@pytest.mark.parametrize(
    ("lacking", "outcome", "said"),
    [
        ({"width_m": 0.001}, Outcome.NOT_HELD, "closed on nothing"),
        ({"tool_m": (0.5, 0.0, 0.04), "target_m": (0.5, 0.0, 0.04)}, Outcome.NOT_HELD, "rose 20 mm"),
        ({"force_n": (0.0, 0.0, 0.1)}, Outcome.NOT_HELD, "no weight"),
        ({"force_n": (0.0, 0.0, -1.9)}, Outcome.NOT_HELD, "no weight"),
        ({"force_n": (1.9, 1.9, 0.0)}, Outcome.NOT_HELD, "no weight"),
        ({"noise_n": 2.0}, Outcome.NOT_HELD, "no weight"),
        ({"force_n": None}, Outcome.UNCONFIRMED, "cannot be felt"),
        ({"target_m": (0.5, 0.25, 0.02)}, Outcome.WRONG_OBJECT, "seen 31 cm from the hand"),
    ],
)
def test_a_grasp_is_not_called_held_without_every_proof(
    clock: Clock, lacking: dict[str, object], outcome: Outcome, said: str
) -> None:
    episode = clock.grasp(replace(HOLDING, **lacking))  # type: ignore[arg-type]
    assert episode.outcome is outcome and said in episode.message


def test_hold_without_having_closed_is_not_held(clock: Clock) -> None:
    clock.run(SETTINGS.look_ticks, Sensed())
    clock.run(SETTINGS.hold_ticks, HOLDING)
    assert (clock.episode.outcome, clock.episode.tries) == (Outcome.NOT_HELD, 0)


def test_the_held_force_is_vertical_however_hand_and_sensor_are_turned() -> None:
    R_base_tool = Rotation.from_euler("xyz", [2.5, 0.3, 1.0]).as_matrix()
    R_tool_sensor = Rotation.from_euler("xyz", [0.4, -0.2, 0.7]).as_matrix()
    clock = Clock(GraspEpisode("grab the red one", 0, SETTINGS, R_tool_sensor), R_base_tool)
    before, after = np.array([3.0, 2.0, -0.5]), np.array([5.0, -4.0, -2.4])  # base frame
    in_sensor = (R_base_tool @ R_tool_sensor).T
    clock.run(SETTINGS.look_ticks, Sensed(force_n=tuple(in_sensor @ before)))
    clock.run(5, CLOSING)
    clock.run(SETTINGS.hold_ticks, replace(HOLDING, force_n=tuple(in_sensor @ after)))
    assert clock.episode.outcome is Outcome.HELD
    assert clock.episode.held_force_n == pytest.approx(1.9)


@pytest.mark.parametrize(("in_hand", "said"), [("", "something"), ("get the green cube", "'get the green cube'")])
def test_with_something_in_the_hand_the_arm_does_not_move_and_says_so(in_hand: str, said: str) -> None:
    clock = Clock(GraspEpisode("pick up the blue ball", 0, SETTINGS, in_hand=in_hand))
    commands = clock.run(SETTINGS.look_ticks + 5, replace(HOLDING, phase=Phase.REACH))
    assert all(command is None or not command.twist.any() for command in commands)
    assert all(command is None or command.gripper_width_m == 0.0 for command in commands)
    assert clock.episode.outcome is Outcome.HAND_NOT_EMPTY
    assert said in clock.episode.message and "40 mm" in clock.episode.message and clock.episode.tries == 0


def test_half_open_fingers_shut_on_nothing_and_the_grasp_goes_on(clock: Clock) -> None:
    closing = Sensed(width_m=0.03, finger_speed_m_s=-0.1)
    commands = clock.run(SETTINGS.look_ticks + 3, closing)
    assert all(
        command is not None and command.gripper_width_m == 0.0 and not command.twist.any() for command in commands
    )
    clock.run(4, Sensed(width_m=0.03))  # a moment of rest is no object
    clock.run(2, closing)
    clock.run(STILL_TICKS, Sensed(width_m=0.0))
    assert not clock.episode.over
    opening = clock.run(4, Sensed(width_m=0.02, finger_speed_m_s=0.1))
    assert all(command is not None and command.gripper_width_m == 0.08 for command in opening)


def test_a_fourth_try_is_not_made(clock: Clock) -> None:
    clock.run(SETTINGS.look_ticks, Sensed())
    for _ in range(4):
        clock.run(5, CLOSING)
        clock.run(5, Sensed())
    assert clock.episode.outcome is Outcome.NOT_HELD
    assert clock.episode.tries == SETTINGS.max_tries


def test_a_flicker_of_the_phase_is_no_try(clock: Clock) -> None:
    clock.run(SETTINGS.look_ticks, Sensed())
    for _ in range(6):
        clock.run(1, CLOSING)
        clock.run(4, Sensed(phase=Phase.DESCEND))
    assert clock.episode.tries == 0


def test_blind_arm_stops_at_once_and_gives_up_soon(clock: Clock) -> None:
    clock.run(SETTINGS.look_ticks + 2, Sensed())
    patience = int(SETTINGS.blind_s * 1e9 / TICK_NS)
    assert not any(clock.run(patience, Sensed(sees=False)))
    assert not clock.episode.over
    clock.run(2, Sensed(sees=False))
    assert clock.episode.outcome is Outcome.SENSOR_MISSING


def test_it_gives_up_in_time(clock: Clock) -> None:
    clock.run(int(SETTINGS.timeout_s * 1e9 / TICK_NS) + 2, Sensed())
    assert clock.episode.outcome is Outcome.TIMEOUT


def test_an_object_that_vanishes_ends_the_grasp_within_the_time_of_the_setting(clock: Clock) -> None:
    gone = replace(CLOSING, referent=Referent.NONE)
    within = int(SETTINGS.vanished_s * 1e9 / TICK_NS)
    clock.run(SETTINGS.look_ticks, Sensed())
    for _ in range(2):  # seen again in between
        clock.run(within, gone)
        clock.run(1, CLOSING)
    assert not clock.episode.over
    assert clock.run(within + 2, gone)[-1] is None
    assert clock.episode.outcome is Outcome.VANISHED and "'grab the red one'" in clock.episode.message


def test_fingers_that_closed_and_lift_nothing_end_the_grasp_within_the_time_of_the_setting(clock: Clock) -> None:
    clock.run(SETTINGS.look_ticks, Sensed())
    within = int(SETTINGS.close_s * 1e9 / TICK_NS)
    clock.run(within, CLOSING)
    clock.run(1, Sensed())
    clock.run(within, CLOSING)
    assert not clock.episode.over
    assert clock.run(3, CLOSING)[-1] is None
    assert clock.episode.outcome is Outcome.NOT_HELD and "nothing was lifted" in clock.episode.message


def test_impossible_settings_are_refused() -> None:
    with pytest.raises(ConfigError, match="least_width_m must be below open_width_m"):
        GraspSettings(least_width_m=0.09)
    with pytest.raises(ConfigError, match="grasp.least_weight_n must be from 0.01 to 100"):
        GraspSettings(least_weight_n=0.0)


@pytest.mark.parametrize("stamp_ns", [0, 3_600_000_000_000, -3_600_000_000_000])
def test_a_clock_that_stands_or_jumps_neither_holds_up_nor_ends_a_grasp(stamp_ns: int) -> None:
    episode = GraspEpisode("grab the red one", 0, SETTINGS)
    for second in range(int(SETTINGS.timeout_s) + 1):
        assert not episode.over
        episode.step(Sensed().observation(stamp_ns, DOWN), None, second * 1_000_000_000)
    episode.step(Sensed().observation(stamp_ns, DOWN), None, round(SETTINGS.timeout_s * 1e9) + 1)
    assert episode.outcome is Outcome.TIMEOUT
