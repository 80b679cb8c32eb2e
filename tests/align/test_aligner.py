"""One masked observation per tick: what is silent is absent, what is there tells its age and time error."""

from __future__ import annotations

import numpy as np
import pytest

from autoglm_embodied.align.aligner import Aligner
from autoglm_embodied.align.settings import AlignSettings
from autoglm_embodied.errors import ConfigError, SensorError
from autoglm_embodied.types import FloatArray

MS = 1_000_000
EPOCH = 1_700_000_000_000 * MS
WEIGHT = np.array([0.0, 0.0, -7.2, 0.1, 0.0, 0.0])


def pose(position_rad: FloatArray) -> FloatArray:
    transform = np.eye(4)
    transform[:3, 3] = position_rad[:3]
    return transform


def feed(aligner: Aligner, first_ms: int, last_ms: int, speed: float = 0.0, push: float = 0.0) -> None:
    """Wrench and joints at 1 kHz; the first joint moves at `speed`, and `push` newtons press along x."""
    for ms in range(first_ms, last_ms + 1):
        stamp, receive = EPOCH + ms * MS, ms * MS
        position, velocity = np.full(9, 0.04), np.zeros(9)
        position[0], velocity[0] = speed * ms / 1000, speed
        aligner.push_wrench(stamp, receive, WEIGHT + [push, 0, 0, 0, 0, 0])
        aligner.push_joints(stamp, receive, position, velocity)


@pytest.fixture
def aligner() -> Aligner:
    """600 ms of a hand at rest, tared."""
    aligner = Aligner(AlignSettings(), pose)
    feed(aligner, 0, 599)
    aligner.tare(EPOCH + 599 * MS, 599 * MS)
    return aligner


def test_before_any_message_every_sense_is_absent() -> None:
    observation = Aligner(AlignSettings(), pose).observe(EPOCH, 0)
    assert [sense.present for sense in observation.senses()] == [False] * 4


def test_force_is_absent_until_tared_and_then_free_of_the_hands_weight() -> None:
    aligner = Aligner(AlignSettings(), pose)
    feed(aligner, 0, 599)
    assert not aligner.observe(EPOCH + 599 * MS, 599 * MS).force.present
    np.testing.assert_allclose(aligner.tare(EPOCH + 599 * MS, 599 * MS), WEIGHT)
    feed(aligner, 600, 610, push=3.0)
    force = aligner.observe(EPOCH + 610 * MS, 610 * MS).force
    assert force.value is not None and force.value.samples_used == 512
    assert force.value.raw.shape == (64, 6) and force.value.pyramid.shape == (4, 5, 6)
    np.testing.assert_allclose(force.value.raw[-11:], [[3.0, 0, 0, 0, 0, 0]] * 11, atol=1e-12)
    np.testing.assert_allclose(force.value.raw[:-11], 0.0, atol=1e-12)


@pytest.mark.parametrize(("silent_ms", "force", "joints"), [(50, True, True), (51, False, True), (101, False, False)])
def test_a_silent_stream_is_masked_after_its_limit(aligner: Aligner, silent_ms: int, force: bool, joints: bool) -> None:
    now_ms = 599 + silent_ms
    for receive_ns in (now_ms * MS, None):  # live, and a recorded bag without receive times
        observation = aligner.observe(EPOCH + now_ms * MS, receive_ns)
        assert (observation.force.present, observation.joints.present) == (force, joints)
        assert observation.joints.age_ns == silent_ms * MS


def test_a_sender_whose_clock_is_behind_is_old_but_not_silent(aligner: Aligner) -> None:
    force = aligner.observe(EPOCH + 899 * MS, 600 * MS).force
    assert force.present and force.age_ns == force.time_error_ns == 300 * MS


def test_joints_are_interpolated_to_the_tick_and_never_extrapolated() -> None:
    aligner = Aligner(AlignSettings(), pose)
    feed(aligner, 0, 100, speed=1.0)
    between = aligner.observe(EPOCH + 50 * MS + MS // 4, 100 * MS).joints
    assert between.value is not None and between.time_error_ns == 0
    assert between.value.position_rad[0] == pytest.approx(0.05025)
    assert between.value.T_base_tool[0, 3] == pytest.approx(0.05025)
    assert between.value.gripper_width_m == pytest.approx(0.08)
    after = aligner.observe(EPOCH + 103 * MS, 103 * MS).joints
    assert after.value is not None and after.time_error_ns == 3 * MS
    assert after.value.position_rad[0] == pytest.approx(0.1)


def test_the_newest_frame_not_after_the_tick_is_held(aligner: Aligner) -> None:
    for k in range(3):
        aligner.push_tokens(EPOCH + 33 * k * MS, 40 * MS + 33 * k * MS, np.full((4, 2), k, np.float32))
    vision = aligner.observe(EPOCH + 60 * MS, 110 * MS).vision
    assert vision.value is not None and (vision.value == 1).all()
    assert vision.age_ns == vision.time_error_ns == 27 * MS
    assert not aligner.observe(EPOCH + 300 * MS, 307 * MS).vision.present


def test_an_instruction_holds_with_its_age_until_cleared(aligner: Aligner) -> None:
    aligner.push_instruction(EPOCH, "pick up the red cube")
    language = aligner.observe(EPOCH + 9_000 * MS, 9_000 * MS).language
    assert (language.value, language.age_ns) == ("pick up the red cube", 9_000 * MS)
    aligner.clear_instruction()
    assert not aligner.observe(EPOCH + 9_000 * MS, 9_000 * MS).language.present


def test_tare_refuses_while_the_arm_moves() -> None:
    aligner = Aligner(AlignSettings(), pose)
    feed(aligner, 0, 500, speed=0.1)
    feed(aligner, 501, 600)
    with pytest.raises(SensorError, match="at rest"):
        aligner.tare(EPOCH + 600 * MS, 600 * MS)
    feed(aligner, 601, 660)
    aligner.tare(EPOCH + 660 * MS, 660 * MS)


def test_tare_refuses_too_short_a_window_and_a_silent_sensor(aligner: Aligner) -> None:
    with pytest.raises(SensorError, match="fresh wrench"):
        aligner.tare(EPOCH + 700 * MS, 700 * MS)
    young = Aligner(AlignSettings(), pose)
    feed(young, 0, 149)
    with pytest.raises(SensorError, match="150 ms"):
        young.tare(EPOCH + 149 * MS, 149 * MS)


def test_a_bad_sample_is_refused_counted_and_leaves_no_trace(aligner: Aligner) -> None:
    with pytest.raises(SensorError, match="finite"):
        aligner.push_wrench(EPOCH + 600 * MS, 600 * MS, np.full(6, np.nan))
    with pytest.raises(SensorError, match="shape"):
        aligner.push_joints(EPOCH + 600 * MS, 600 * MS, np.zeros(7), np.zeros(7))
    counts = aligner.counts()
    assert (counts["force"].received, counts["force"].refused, counts["joints"].refused) == (601, 1, 1)
    assert aligner.observe(EPOCH + 600 * MS, 600 * MS).force.present


def test_live_and_recorded_samples_give_the_same_observation_to_the_bit(aligner: Aligner) -> None:
    replayed = Aligner(AlignSettings(), pose)
    feed(replayed, 0, 599)
    replayed.tare(EPOCH + 599 * MS)
    live, replay = (a.observe(EPOCH + 599 * MS, now).force.value for a, now in ((aligner, 599 * MS), (replayed, None)))
    assert live is not None and replay is not None
    np.testing.assert_array_equal(live.pyramid, replay.pyramid)
    np.testing.assert_array_equal(live.raw, replay.raw)


@pytest.mark.parametrize("values", [{"raw_samples": 0}, {"pyramid_windows_ns": (32, 8)}, {"raw_samples": 5_000}])
def test_impossible_settings_are_refused(values: dict[str, int]) -> None:
    with pytest.raises(ConfigError):
        AlignSettings(**values)
