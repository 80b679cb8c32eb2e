"""A grasp from instruction to outcome, with chunks made by hand and a clock that the test moves."""

from __future__ import annotations

import numpy as np
import pytest

from autoglm_embodied.policy.grasp_controller import GraspEpisode, GraspSettings, Outcome
from autoglm_embodied.types import ActionChunk, ArmState, ForceFeatures, Observation, Phase, Referent, Sense

SETTINGS = GraspSettings()
TICK_NS = 33_000_000


def observed(t_ns: int, width_m: float = 0.04, sees: bool = True) -> Observation:
    arm = ArmState(np.zeros(7), np.zeros(7), np.eye(4), width_m, 0.0)
    force = ForceFeatures(np.zeros((64, 6)), np.full((4, 5, 6), 1.0), 512)
    vision = Sense(np.zeros((4, 8)) if sees else None)
    return Observation(t_ns, vision, Sense(force), Sense(arm), Sense("grab the red one"))


def wanted(t_ns: int, phase: Phase = Phase.REACH, referent: Referent = Referent.ONE) -> ActionChunk:
    twist = np.full((8, 6), 0.1)
    gate, latent = np.full(4, 0.25), np.zeros(8)
    return ActionChunk(t_ns, TICK_NS, twist, np.full(8, 0.08), phase, referent, np.zeros(3), gate, latent)


class Clock:
    """Steps an episode tick by tick."""

    def __init__(self) -> None:
        self.t_ns = 0
        self.episode = GraspEpisode("grab the red one", 0, SETTINGS)

    def run(self, ticks: int, **how: object) -> list[bool]:
        """Whether the arm was given a command at each of some ticks."""
        moved = []
        for _ in range(ticks):
            self.t_ns += TICK_NS
            seen = {key: how[key] for key in ("width_m", "sees") if key in how}
            said = {key: how[key] for key in ("phase", "referent") if key in how}
            command = self.episode.step(observed(self.t_ns, **seen), wanted(self.t_ns, **said))  # type: ignore[arg-type]
            moved.append(command is not None)
        return moved


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_arm_holds_still_while_it_looks(clock: Clock) -> None:
    assert not any(clock.run(SETTINGS.look_ticks))
    assert all(clock.run(3))


@pytest.mark.parametrize(
    ("referent", "outcome"), [(Referent.NONE, Outcome.NOT_FOUND), (Referent.MANY, Outcome.AMBIGUOUS)]
)
def test_none_or_many_referents_end_it_without_motion(clock: Clock, referent: Referent, outcome: Outcome) -> None:
    assert not any(clock.run(SETTINGS.look_ticks + 20, referent=referent))
    assert clock.episode.outcome is outcome
    assert "'grab the red one'" in clock.episode.message


def test_hold_with_something_between_the_fingers_is_held(clock: Clock) -> None:
    clock.run(SETTINGS.look_ticks)
    clock.run(5, phase=Phase.CLOSE)
    clock.run(SETTINGS.hold_ticks, phase=Phase.HOLD)
    assert clock.episode.outcome is Outcome.HELD
    assert clock.episode.tries == 1
    assert clock.episode.held_force_n == pytest.approx(3**0.5)


def test_hold_with_closed_fingers_is_not_held(clock: Clock) -> None:
    clock.run(SETTINGS.look_ticks)
    clock.run(SETTINGS.hold_ticks, phase=Phase.HOLD, width_m=0.001)
    assert clock.episode.outcome is Outcome.NOT_HELD


def test_a_fourth_try_is_not_made(clock: Clock) -> None:
    clock.run(SETTINGS.look_ticks)
    for _ in range(4):
        clock.run(5, phase=Phase.CLOSE)
        clock.run(5, phase=Phase.REACH)
    assert clock.episode.outcome is Outcome.NOT_HELD
    assert clock.episode.tries == SETTINGS.max_tries


def test_a_flicker_of_the_phase_is_no_try(clock: Clock) -> None:
    clock.run(SETTINGS.look_ticks)
    for _ in range(6):
        clock.run(1, phase=Phase.CLOSE)
        clock.run(4, phase=Phase.DESCEND)
    assert clock.episode.tries == 0


def test_blind_arm_stops_at_once_and_gives_up_soon(clock: Clock) -> None:
    clock.run(SETTINGS.look_ticks + 2)
    patience = int(SETTINGS.blind_s * 1e9 / TICK_NS)
    assert not any(clock.run(patience, sees=False))
    assert not clock.episode.over
    clock.run(2, sees=False)
    assert clock.episode.outcome is Outcome.SENSOR_MISSING


def test_it_gives_up_in_time(clock: Clock) -> None:
    clock.run(int(SETTINGS.timeout_s * 1e9 / TICK_NS) + 2)
    assert clock.episode.outcome is Outcome.TIMEOUT
