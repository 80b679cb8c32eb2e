"""One masked observation per tick: what is silent is absent, what is there tells its age and time error."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

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
        tremble = 1e-9 * (ms % 3)  # no live sensor says the same twice
        aligner.push_wrench(stamp, receive, WEIGHT + [push + tremble, 0, 0, 0, 0, 0])
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
    np.testing.assert_allclose(aligner.tare(EPOCH + 599 * MS, 599 * MS), WEIGHT, atol=1e-8)
    feed(aligner, 600, 610, push=3.0)
    force = aligner.observe(EPOCH + 610 * MS, 610 * MS).force
    assert force.value is not None and force.value.samples_used == 512
    assert force.value.raw.shape == (64, 6) and force.value.pyramid.shape == (4, 5, 6)
    np.testing.assert_allclose(force.value.raw[-11:], [[3.0, 0, 0, 0, 0, 0]] * 11, atol=1e-8)
    np.testing.assert_allclose(force.value.raw[:-11], 0.0, atol=1e-8)


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


def push_frames(aligner: Aligner) -> None:
    for k in range(3):
        aligner.push_tokens(EPOCH + 33 * k * MS, 40 * MS + 33 * k * MS, np.full((4, 2), k, np.float32))


def test_latents_are_interpolated_between_frames_and_held_behind_the_newest(aligner: Aligner) -> None:
    push_frames(aligner)
    between = aligner.observe(EPOCH + 44 * MS, 110 * MS).vision
    assert between.value is not None and between.time_error_ns == 0
    np.testing.assert_allclose(between.value, 4 / 3, rtol=1e-6)
    after = aligner.observe(EPOCH + 76 * MS, 116 * MS).vision
    assert after.value is not None and (after.value == 2).all()
    assert after.age_ns == after.time_error_ns == 10 * MS
    assert not aligner.observe(EPOCH + 300 * MS, 307 * MS).vision.present


def test_latents_are_drawn_on_by_at_most_a_frame_and_marked_if_that_is_wished() -> None:
    aligner = Aligner(AlignSettings(vision_extrapolation_ns=100 * MS), pose)
    push_frames(aligner)
    for late_ms, value, drawn_ms in ((11, 2 + 1 / 3, 11), (33, 3.0, 33), (60, 3.0, 33)):
        vision = aligner.observe(EPOCH + (66 + late_ms) * MS, 150 * MS).vision
        assert vision.value is not None
        np.testing.assert_allclose(vision.value, value, rtol=1e-6)
        assert (vision.extrapolated_ns, vision.time_error_ns) == (drawn_ms * MS, (late_ms - drawn_ms) * MS)


def test_a_sensor_that_repeats_itself_to_the_last_bit_is_stuck_and_masked(aligner: Aligner) -> None:
    for ms in range(600, 1112):
        aligner.push_wrench(EPOCH + ms * MS, ms * MS, WEIGHT)
        aligner.push_joints(EPOCH + ms * MS, ms * MS, np.full(9, 0.04), np.zeros(9))
        force = aligner.observe(EPOCH + ms * MS, ms * MS).force
        assert force.present == (ms < 1111)
    assert aligner.wrench_fault().startswith("stuck")
    aligner.push_wrench(EPOCH + 1112 * MS, 1112 * MS, WEIGHT + 1e-6)
    assert aligner.observe(EPOCH + 1112 * MS, 1112 * MS).force.present and not aligner.wrench_fault()


def test_a_wrench_at_the_end_of_the_sensors_range_is_masked_until_it_leaves_it() -> None:
    aligner = Aligner(AlignSettings(force_range_n=50.0, torque_range_n_m=5.0), pose)
    feed(aligner, 0, 599)
    aligner.tare(EPOCH + 599 * MS, 599 * MS)
    for ms, wrench, present in ((600, [-50.0, 0, 0, 0, 0, 0], False), (601, [49.0, 0, 0, 0, 0, 5.0], False)):
        aligner.push_wrench(EPOCH + ms * MS, ms * MS, np.array(wrench))
        assert aligner.observe(EPOCH + ms * MS, ms * MS).force.present is present
    assert "saturated" in aligner.wrench_fault()
    feed(aligner, 602, 609)
    assert aligner.observe(EPOCH + 609 * MS, 609 * MS).force.present


def test_gravity_is_taken_off_as_the_arm_turns_and_force_is_absent_where_its_pose_is_not_known() -> None:
    settings = AlignSettings(tool_mass_kg=1.0, tool_centre_m=(0.0, 0.0, 0.1))

    def turned(position_rad: FloatArray) -> FloatArray:
        transform = np.eye(4)
        transform[:3, :3] = Rotation.from_euler("x", position_rad[0]).as_matrix()
        return transform

    aligner = Aligner(settings, turned)
    aligner.push_wrench(EPOCH, 0, np.zeros(6))
    assert not aligner.observe(EPOCH, 0).force.present
    offset = np.array([1.0, -2.0, 3.0, 0.1, 0.0, 0.0])
    for ms in range(1, 2_001):
        angle = max(0.0, ms - 1_000) / 1_000  # at rest for a second, then 1 rad/s
        position, velocity = np.full(9, 0.04), np.zeros(9)
        position[0], velocity[0] = angle, float(ms > 1_000)
        force = Rotation.from_euler("x", angle).inv().apply([0, 0, -9.80665])
        wrench = offset + np.concatenate([force, np.cross([0, 0, 0.1], force)]) + 1e-9 * (ms % 3)
        aligner.push_wrench(EPOCH + ms * MS, ms * MS, wrench)
        aligner.push_joints(EPOCH + ms * MS, ms * MS, position, velocity)
        if ms == 1_000:
            np.testing.assert_allclose(aligner.tare(EPOCH + ms * MS, ms * MS), offset, atol=1e-6)
        if ms % 33 == 0:
            features = aligner.observe(EPOCH + ms * MS, ms * MS).force.value
    assert features is not None
    np.testing.assert_allclose(features.raw, 0.0, atol=1e-6)
    np.testing.assert_allclose(features.pyramid[:, :4], 0.0, atol=1e-5)


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
    assert (counts["force"].received, counts["force"].rejected, counts["joints"].rejected) == (601, 1, 1)
    assert aligner.observe(EPOCH + 600 * MS, 600 * MS).force.present


def test_live_and_recorded_samples_give_the_same_observation_to_the_bit(aligner: Aligner) -> None:
    replayed = Aligner(AlignSettings(), pose)
    feed(replayed, 0, 599)
    replayed.tare(EPOCH + 599 * MS)
    live, replay = (a.observe(EPOCH + 599 * MS, now).force.value for a, now in ((aligner, 599 * MS), (replayed, None)))
    assert live is not None and replay is not None
    np.testing.assert_array_equal(live.pyramid, replay.pyramid)
    np.testing.assert_array_equal(live.raw, replay.raw)


@pytest.mark.parametrize(
    "values",
    [
        {"raw_samples": 0},
        {"pyramid_windows_ns": (32, 8)},
        {"pyramid_windows_ns": ()},
        {"rest_velocity": np.nan},
        {"raw_samples": 5_000},
        {"tool_mass_kg": -1.0},
        {"tool_centre_m": (0.0, 0.1)},
        {"tool_quaternion_sensor": (0.0, 0.0, 0.0, 0.0)},
        {"force_range_n": -5.0},
    ],
)
def test_impossible_settings_are_refused(values: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        AlignSettings(**values)
