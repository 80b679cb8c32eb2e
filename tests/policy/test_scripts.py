"""Place, release, home and small steps, on a hand that moves as it is commanded and a clock that the test moves."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from simple_hand import SimpleHand, begin

from autoglm_embodied.errors import ConfigError
from autoglm_embodied.policy.episode import Episode
from autoglm_embodied.policy.goal import Outcome, place_slots
from autoglm_embodied.policy.motions import ActionSettings
from autoglm_embodied.types import Intent, Referent

HERE = {"relation": "here"}
OF_THE_CUBE = {"ref_colour": "red", "ref_noun": "cube"}


@settings(max_examples=8)
@given(support_m=st.floats(0.0, 0.18), weight_n=st.floats(0.5, 6.0))
def test_it_is_put_down_where_a_support_is_felt_at_whatever_height(support_m: float, weight_n: float) -> None:
    hand = SimpleHand(support_m=support_m, weight_n=weight_n)
    episode = hand.run(begin(Intent.PLACE, HERE))
    assert (episode.outcome, hand.commands[-1]) == (Outcome.PLACED, None)
    assert f"{weight_n:.1f} N" in episode.message
    opened = next(at for at, width_m in enumerate(hand.widths_m) if width_m > 0.041)
    assert support_m - 0.005 < hand.path_m[opened][2] < support_m and np.allclose(hand.path_m[opened][:2], [0.5, 0.1])
    assert hand.width_m > 0.07 and hand.tool_m[2] > support_m + 0.07


def test_a_knock_on_the_way_is_no_support() -> None:
    hand = SimpleHand(bump=lambda tick: 9.0 if 100 <= tick < 103 else 0.0)
    assert hand.run(begin(Intent.PLACE, HERE)).outcome is Outcome.PLACED
    opened = next(at for at, width_m in enumerate(hand.widths_m) if width_m > 0.041)
    assert hand.path_m[opened][2] < 0.0


def test_a_first_touch_between_two_ticks_is_felt_before_a_governor_lets_nothing_go_on() -> None:
    hand = SimpleHand(touch=lambda tick: 45.0 if tick == 100 else 0.0)
    assert hand.run(begin(Intent.PLACE, HERE)).outcome is Outcome.PLACED


@pytest.mark.parametrize(
    ("world", "outcome"),
    [
        ({"floor_m": 0.05}, Outcome.NO_SUPPORT),
        ({"stuck": True}, Outcome.NO_SUPPORT),
        ({"weight_n": 0.0}, Outcome.UNCONFIRMED),
        ({"held_m": 0.0}, Outcome.HAND_EMPTY),
        ({"width_m": 0.08, "held_m": 0.0}, Outcome.HAND_EMPTY),
        ({"feels": False}, Outcome.SENSOR_MISSING),
    ],
)
def test_where_it_cannot_be_put_down_the_hand_never_opens(world: dict[str, Any], outcome: Outcome) -> None:
    hand = SimpleHand(**world)
    episode = hand.run(begin(Intent.PLACE, HERE))
    assert (episode.outcome, hand.opened(), hand.commands[-1]) == (outcome, False, None)
    if outcome is not Outcome.NO_SUPPORT:
        assert not hand.moved()


def test_what_falls_on_the_way_is_lost() -> None:
    hand, episode = SimpleHand(), begin(Intent.PLACE, HERE)
    hand.run(episode, ticks=100)
    hand.held_m = 0.0
    assert hand.run(episode).outcome is Outcome.LOST and not hand.opened()


def test_what_hangs_on_though_the_hand_opened_is_not_released() -> None:
    for intent, slots in ((Intent.PLACE, HERE), (Intent.RELEASE, {})):
        hand = SimpleHand(sticky=True)
        episode = hand.run(begin(intent, slots))
        assert episode.outcome is Outcome.NOT_RELEASED and "2.0 N" in episode.message


@pytest.mark.parametrize(
    ("relation", "dx", "dy"),
    [
        *(("left_of", 0, 1), ("right_of", 0, -1), ("in_front_of", -1, 0), ("behind", 1, 0)),
        *(("next_to", 0, 1), ("on", 0, 0), ("in", 0, 0)),
    ],
)
def test_it_is_put_beside_the_reference_that_the_policy_sees(relation: str, dx: float, dy: float) -> None:
    hand = SimpleHand()
    episode = hand.run(begin(Intent.PLACE, {"relation": relation, **OF_THE_CUBE}))
    assert episode.outcome is Outcome.PLACED
    opened = next(at for at, width_m in enumerate(hand.widths_m) if width_m > 0.041)
    assert np.allclose(hand.path_m[opened][:2], [0.6 + 0.1 * dx, -0.2 + 0.1 * dy], atol=0.005)
    away = [abs(place[1] - 0.1) > 0.01 for place in hand.path_m]
    assert min(place[2] for place, gone in zip(hand.path_m[: away.index(True)], away, strict=False) if not gone) > 0.16


@pytest.mark.parametrize(
    ("world", "outcome"),
    [
        ({"referent": Referent.NONE}, Outcome.NOT_FOUND),
        ({"referent": Referent.MANY}, Outcome.AMBIGUOUS),
        ({"target_m": (0.5, 0.1, 0.15)}, Outcome.NOT_POSSIBLE),  # it is in the hand
    ],
)
def test_without_one_reference_the_arm_stays_where_it_is(world: dict[str, Any], outcome: Outcome) -> None:
    hand = SimpleHand(**world)
    episode = hand.run(begin(Intent.PLACE, {"relation": "left_of", **OF_THE_CUBE}))
    assert (episode.outcome, hand.moved(), hand.opened()) == (outcome, False, False)
    assert "'pick up the red cube'" in episode.message


def test_the_tray_is_where_the_settings_say_and_nowhere_without_them() -> None:
    hand = SimpleHand()
    assert hand.run(begin(Intent.PLACE, {"relation": "in_tray"}, tray_xy_m=(0.4, 0.3))).outcome is Outcome.PLACED
    assert np.allclose(hand.tool_m[:2], [0.4, 0.3], atol=0.005)
    for slots in ({"relation": "in_tray"}, {"relation": "under", **OF_THE_CUBE}, {"relation": "left_of"}):
        hand = SimpleHand()
        assert hand.run(begin(Intent.PLACE, slots)).outcome is Outcome.NOT_POSSIBLE and not hand.commands[0]


def test_home_is_reached_by_way_of_the_higher_place_with_the_hand_as_it_is() -> None:
    for height_m in (0.05, 0.7):
        hand = SimpleHand(tool_m=np.array([0.6, -0.2, height_m]))
        assert hand.run(begin(Intent.HOME)).outcome is Outcome.AT_HOME
        assert np.allclose(hand.tool_m, [0.35, 0.0, 0.4], atol=0.005)
        assert {command.gripper_width_m for command in hand.commands if command is not None} == {None}
        across = [place[2] for place in hand.path_m if 0.01 < abs(place[1]) < 0.19]
        assert min(across) > max(height_m, 0.4) - 0.01


def test_an_arm_that_comes_no_nearer_is_blocked_within_the_time_of_the_setting() -> None:
    hand = SimpleHand(stuck=True)
    assert hand.run(begin(Intent.HOME, stall_s=1.0)).outcome is Outcome.BLOCKED
    assert hand.now_ns < 1.1e9 and hand.commands[-1] is None


@pytest.mark.parametrize(
    ("slots", "way_m"),
    [
        ({"direction": "left"}, (0.0, 0.05, 0.0)),
        ({"direction": "right", "amount": "little"}, (0.0, -0.02, 0.0)),
        ({"direction": "forward", "distance_m": "0.1"}, (0.1, 0.0, 0.0)),
        ({"direction": "back"}, (-0.05, 0.0, 0.0)),
        ({"direction": "up"}, (0.0, 0.0, 0.05)),
        ({"direction": "down"}, (0.0, 0.0, -0.05)),
    ],
)
def test_a_jog_goes_as_far_as_was_said(slots: dict[str, str], way_m: tuple[float, float, float]) -> None:
    hand = SimpleHand()
    assert hand.run(begin(Intent.JOG, slots)).outcome is Outcome.DONE
    assert np.allclose(hand.tool_m, np.array([0.5, 0.1, 0.2]) + way_m, atol=0.005)


def test_a_step_goes_as_fast_as_its_pace_and_never_faster_than_is_set() -> None:
    def fastest_m_s(slots: dict[str, str]) -> float:
        hand = SimpleHand()
        assert hand.run(begin(Intent.JOG, {"direction": "up", "distance_m": "0.15", **slots})).outcome is Outcome.DONE
        return max(np.linalg.norm(each.twist[:3]) for each in hand.commands if each is not None)

    assert fastest_m_s({}) == pytest.approx(0.15)
    assert fastest_m_s({"pace": "0.25"}) == pytest.approx(0.15 / 4)
    for pace in ("2", "0", "-1", "nan", "fast"):
        hand = SimpleHand()
        episode = hand.run(begin(Intent.JOG, {"direction": "up", "pace": pace}))
        assert (episode.outcome, hand.moved()) == (Outcome.NOT_POSSIBLE, False)


@pytest.mark.parametrize(("slots", "degrees"), [({}, 30), ({"direction": "right", "angle_deg": "45"}, -45)])
def test_a_rotation_turns_left_counter_clockwise_seen_from_above(slots: dict[str, str], degrees: float) -> None:
    hand = SimpleHand()
    assert hand.run(begin(Intent.ROTATE, slots)).outcome is Outcome.DONE
    x, y, _ = hand.R_base_tool[:, 0]
    assert np.degrees(np.arctan2(y, x)) == pytest.approx(degrees, abs=1.5) and np.allclose(hand.tool_m, [0.5, 0.1, 0.2])


@pytest.mark.parametrize(
    ("intent", "slots"),
    [
        (Intent.JOG, {"direction": "left", "distance_m": "0.4"}),
        (Intent.ROTATE, {"angle_deg": "180"}),
        *((Intent.JOG, {"direction": "up", "distance_m": said}) for said in ("nan", "-0.1", "0", "inf", "far", "")),
        *((Intent.JOG, slots) for slots in ({}, {"direction": "sideways"})),
        (Intent.ROTATE, {"direction": "up"}),
        *((Intent.PLACE, slots) for slots in ({"noun": "cube"}, {"relation": ""})),
    ],
)
def test_what_is_too_far_or_makes_no_sense_is_refused_without_motion(intent: Intent, slots: dict[str, str]) -> None:
    hand = SimpleHand()
    episode = hand.run(begin(intent, slots))
    assert (episode.outcome, hand.moved()) == (Outcome.NOT_POSSIBLE, False) and "; " in episode.message


@settings(max_examples=8)
@given(ticks=st.integers(0, 400))
def test_whenever_it_is_stopped_the_arm_is_not_commanded_any_more(ticks: int) -> None:
    hand, episode = SimpleHand(), begin(Intent.PLACE, {"relation": "left_of", **OF_THE_CUBE})
    hand.run(episode, ticks)
    episode.end(Outcome.STOPPED, "Stopped.")
    assert episode.step(hand.observation(), hand.chunk(), hand.now_ns) is None and episode.over


def test_sensors_that_are_silent_stop_the_arm_at_once_and_end_it_soon() -> None:
    hand, episode = SimpleHand(), begin(Intent.PLACE, HERE)
    hand.run(episode, 100)
    assert hand.moved() and not episode.over
    hand.feels, before = False, len(hand.commands)
    hand.run(episode)
    assert episode.outcome is Outcome.SENSOR_MISSING and "wrench" in episode.message
    assert hand.commands[before:] == [None] * (len(hand.commands) - before) and len(hand.commands) - before < 66


def test_what_is_no_place_is_known_by_its_words() -> None:
    assert place_slots("here") == {"relation": "here"} and place_slots("in the tray") == {"relation": "in_tray"}
    for said in ("left of the red cube", "put it to the left of the red cube"):
        assert place_slots(said) == {"relation": "left_of", "ref_colour": "red", "ref_noun": "cube"}
    for said in ("", "pick up the red cube", "tomorrow", "stop"):
        assert place_slots(said) is None


def test_impossible_settings_are_refused() -> None:
    with pytest.raises(ConfigError, match="lower_m_s must be from 0.002 to 0.2"):
        ActionSettings(lower_m_s=3.0)
    with pytest.raises(ConfigError, match="tray_xy_m must hold 2 numbers"):
        ActionSettings(tray_xy_m=(0.1, 0.2, 0.3))


TO_PERSON, THERE = {"relation": "to_person"}, (0.45, 0.3, 0.4)


def handed_over(
    pull: Any = lambda tick: (0.0, 0.0, 0.0), ticks: int = 3000, **world: Any
) -> tuple[SimpleHand, Episode]:
    """A hand over in which a person pulls, so many ticks after the hand is there."""
    hand = SimpleHand(**world)
    episode = begin(Intent.PLACE, TO_PERSON, hand_over_m=THERE)
    while episode.phase_name != "wait" and not episode.over:
        hand.run(episode, ticks=1)
    there = hand.tick
    hand.pull = lambda tick: pull(tick - there)
    return hand, hand.run(episode, ticks=ticks)


@settings(max_examples=12)
@given(st.tuples(*[st.floats(-1, 1)] * 3).filter(lambda to: np.linalg.norm(to) > 0.1), st.floats(5.5, 25.0))
def test_it_is_given_to_who_pulls_in_any_direction_and_the_arm_stands_meanwhile(to: Any, force_n: float) -> None:
    pull = np.array(to) / np.linalg.norm(to) * force_n
    hand, episode = handed_over(lambda tick: pull if 100 <= tick < 125 else np.zeros(3))
    assert episode.outcome is Outcome.HANDED_OVER and np.allclose(hand.tool_m, THERE, atol=0.005)
    opened = next(at for at, width_m in enumerate(hand.widths_m) if width_m > 0.041)
    there = next(at for at, place in enumerate(hand.path_m) if np.allclose(place, hand.path_m[opened]))
    assert there + 100 < opened and np.allclose(hand.path_m[there:], hand.path_m[opened])


@pytest.mark.parametrize(
    "pull",
    [
        lambda tick: (0.0, 0.0, 0.0),
        lambda tick: (4.5, 0.0, 0.0),  # less than what takes it
        lambda tick: (20.0 if 100 <= tick < 108 else 0.0, 0.0, 0.0),  # a knock
        lambda tick: (0.0, 9.0 if tick % 10 else 0.0, 0.0),  # it never lasts
    ],
)
def test_where_nobody_pulls_for_long_enough_it_is_held_on_to(pull: Any) -> None:
    hand, episode = handed_over(pull)
    assert (episode.outcome, hand.opened(), hand.commands[-1]) == (Outcome.TIMEOUT, False, None)
    assert "20 s" in episode.message and np.allclose(hand.tool_m, THERE, atol=0.005)


@pytest.mark.parametrize("first_tick", [0, 30])
def test_who_pulls_already_when_it_comes_is_given_it(first_tick: int) -> None:
    hand, episode = handed_over(lambda tick: (0.0, 0.0, -8.0) if tick >= first_tick else (0.0, 0.0, 0.0))
    assert episode.outcome is Outcome.HANDED_OVER


def test_what_stood_on_something_when_it_was_weighed_is_not_dropped_for_its_own_weight() -> None:
    hand, episode = handed_over(weight_n=20.0, bump=lambda tick: 10.0 if tick < 60 else 0.0)
    assert (episode.outcome, hand.opened()) == (Outcome.TIMEOUT, False)


def test_in_a_gap_of_the_wrist_sensor_nothing_is_felt_and_nothing_given() -> None:
    hand, episode = handed_over(lambda tick: (9.0, 0.0, 0.0) if tick >= 50 else (0.0, 0.0, 0.0), ticks=55)
    hand.feels = False
    hand.run(episode, ticks=40)
    hand.feels, hand.pull = True, lambda tick: (0.0, 0.0, 0.0)
    hand.run(episode, ticks=100)
    assert not episode.over and not hand.opened()


@pytest.mark.parametrize(
    ("world", "outcome"),
    [
        ({"held_m": 0.0}, Outcome.HAND_EMPTY),
        ({"weight_n": 0.0}, Outcome.UNCONFIRMED),
        ({"feels": False}, Outcome.SENSOR_MISSING),
        ({"stuck": True}, Outcome.BLOCKED),
    ],
)
def test_what_cannot_be_handed_over_is_not_let_go(world: dict[str, Any], outcome: Outcome) -> None:
    hand, episode = handed_over(**world)
    assert (episode.outcome, hand.opened()) == (outcome, False)


def test_what_is_gone_from_the_hand_while_it_waits_is_lost_and_without_a_place_there_is_no_hand_over() -> None:
    hand, episode = handed_over(ticks=30)
    hand.held_m = 0.0
    assert hand.run(episode).outcome is Outcome.LOST and not hand.opened()
    hand = SimpleHand()
    episode = hand.run(begin(Intent.PLACE, TO_PERSON))
    assert episode.outcome is Outcome.NOT_POSSIBLE and "actions.hand_over_m" in episode.message and not hand.moved()
