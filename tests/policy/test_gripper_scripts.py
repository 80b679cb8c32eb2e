"""Release, open and close, in full and in part, on a hand that moves as it is commanded."""

from __future__ import annotations

import pytest
from simple_hand import OPEN_M, SimpleHand, begin

from autoglm_embodied.policy.goal import Outcome
from autoglm_embodied.types import Intent


@pytest.mark.parametrize("feels", [True, False])
def test_a_release_opens_without_moving_the_arm_felt_or_not(feels: bool) -> None:
    hand = SimpleHand(feels=feels)
    assert hand.run(begin(Intent.RELEASE)).outcome is Outcome.RELEASED
    assert hand.width_m > OPEN_M - 0.001 and not hand.moved()


def test_fingers_that_begin_late_are_waited_for() -> None:
    hand = SimpleHand(late_ticks=15)
    assert hand.run(begin(Intent.RELEASE)).outcome is Outcome.RELEASED and hand.width_m > OPEN_M - 0.001


def test_the_gripper_closes_and_opens_as_told() -> None:
    hand = SimpleHand(width_m=OPEN_M, held_m=0.0)
    episode = hand.run(begin(Intent.CLOSE))
    assert (episode.outcome, hand.width_m) == (Outcome.DONE, 0.0)
    assert hand.run(begin(Intent.OPEN)).outcome is Outcome.DONE and hand.width_m > OPEN_M - 0.001


@pytest.mark.parametrize(
    ("intent", "amount", "before_m", "after_m"),
    [
        (Intent.OPEN, "little", 0.02, 0.03),
        (Intent.OPEN, "little", 0.075, OPEN_M),
        (Intent.OPEN, "half", 0.0, OPEN_M / 2),
        (Intent.CLOSE, "little", 0.05, 0.04),
        (Intent.CLOSE, "little", 0.004, 0.0),
        (Intent.CLOSE, "half", OPEN_M, OPEN_M / 2),
    ],
)
def test_the_gripper_opens_and_closes_as_far_as_told(
    intent: Intent, amount: str, before_m: float, after_m: float
) -> None:
    hand = SimpleHand(width_m=before_m, held_m=0.0)
    episode = hand.run(begin(intent, {"amount": amount}))
    assert episode.outcome is Outcome.DONE and f"to {after_m * 1000:.0f} mm" in episode.message
    assert hand.width_m == pytest.approx(after_m, abs=0.001) and not hand.moved()


@pytest.mark.parametrize(
    ("intent", "amount", "width_m"),
    [
        (Intent.OPEN, "half", 0.06),
        (Intent.OPEN, "little", OPEN_M),
        (Intent.CLOSE, "half", 0.02),  # it would drop what it holds
        (Intent.CLOSE, "little", 0.0),
        (Intent.OPEN, "0.05", 0.02),
        (Intent.CLOSE, "", 0.02),
    ],
)
def test_a_hand_that_is_told_to_open_never_closes_nor_the_other_way(
    intent: Intent, amount: str, width_m: float
) -> None:
    hand = SimpleHand(width_m=width_m, held_m=min(width_m, 0.02))
    episode = hand.run(begin(intent, {"amount": amount}))
    assert episode.outcome is Outcome.NOT_POSSIBLE and "a little, halfway or a width" in episode.message
    assert hand.width_m == width_m and hand.grip_m is None


@pytest.mark.parametrize(
    ("intent", "slots", "before_m", "after_m"),
    [
        (Intent.OPEN, {"width_m": "0.04"}, 0.01, 0.04),
        (Intent.OPEN, {"distance_m": "0.04"}, 0.01, 0.05),
        (Intent.OPEN, {"width_m": str(OPEN_M)}, 0.01, OPEN_M),
        (Intent.CLOSE, {"width_m": "0.03"}, 0.05, 0.03),
        (Intent.CLOSE, {"distance_m": "0.03"}, 0.05, 0.02),
    ],
)
def test_the_gripper_goes_to_a_width_or_by_a_distance(
    intent: Intent, slots: dict[str, str], before_m: float, after_m: float
) -> None:
    hand = SimpleHand(width_m=before_m, held_m=0.0)
    assert hand.run(begin(intent, slots)).outcome is Outcome.DONE
    assert hand.width_m == pytest.approx(after_m, abs=0.001) and not hand.moved()


@pytest.mark.parametrize(
    ("intent", "slots"),
    [
        *((Intent.OPEN, {"width_m": said}) for said in ("0.01", "0.2", "-0.01", "nan", "inf", "wide", "")),
        *((Intent.OPEN, {"distance_m": said}) for said in ("0.07", "-0.01", "nan")),
        *((Intent.CLOSE, {"width_m": said}) for said in ("0.05", "-0.01", "nan")),
        *((Intent.CLOSE, {"distance_m": said}) for said in ("0.03", "-0.01")),
        (Intent.OPEN, {"width_m": "0.04", "distance_m": "0.01"}),
    ],
)
def test_a_width_that_is_out_of_reach_or_the_other_way_moves_no_finger(intent: Intent, slots: dict[str, str]) -> None:
    hand = SimpleHand(width_m=0.02, held_m=0.02)
    assert hand.run(begin(intent, slots)).outcome is Outcome.NOT_POSSIBLE
    assert (hand.width_m, hand.grip_m) == (0.02, None)


def test_a_hand_that_does_not_open_as_far_as_told_says_so() -> None:
    hand = SimpleHand(width_m=0.02, late_ticks=10_000)
    assert hand.run(begin(Intent.OPEN, {"amount": "half"})).outcome is Outcome.NOT_RELEASED
