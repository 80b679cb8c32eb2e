"""What holds of force features, words and the whole observation whatever comes, and in whatever order.

Nine properties of 300 cases each; `--hypothesis-profile anew` makes other cases in every run.
"""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from autoglm_embodied.align.aligner import Aligner, InstructionBuffer
from autoglm_embodied.align.pyramid import ForcePyramid
from autoglm_embodied.align.settings import AlignSettings
from autoglm_embodied.align.stream import Ring
from autoglm_embodied.align.wrench import GRAVITY_BASE_M_S2, GravityCompensation, tare_bias
from autoglm_embodied.errors import SensorError
from autoglm_embodied.types import FloatArray, Observation

MS = 1_000_000
HOUR_MS = 3_600_000
EPOCH = 1_700_000_000_000 * MS
SMALL = AlignSettings(
    arm_joints=2, finger_joints=1, raw_samples=4, pyramid_windows_ns=(4 * MS, 16 * MS), force_capacity=48,
    joints_capacity=32, vision_capacity=4, tare_window_ns=6 * MS, tare_samples=3,
)  # fmt: skip

cases = settings(max_examples=300)
number = st.floats(-1e4, 1e4)
odd_number = st.sampled_from([np.nan, np.inf, -np.inf, 1e300, -1e300, 1e5 + 1])


def in_order(least: int, most: int = 12) -> st.SearchStrategy[list[int]]:
    """Stamps [ms] that grow."""
    return st.lists(st.integers(0, 400), min_size=least, max_size=most, unique=True).map(sorted)


def at(milliseconds: list[int]) -> NDArray[np.int64]:
    return EPOCH + np.array(milliseconds, np.int64) * MS


@cases
@given(st.lists(st.lists(st.tuples(st.integers(0, 70), st.integers(-50, 50)), max_size=8), min_size=1, max_size=8))
def test_every_window_of_the_pyramid_says_what_numpy_says_of_its_samples_whenever_it_is_asked(
    bursts: list[list[tuple[int, int]]],
) -> None:
    windows = (5 * MS, 20 * MS, 60 * MS)
    ring = Ring(24, (1,))
    pyramid = ForcePyramid(ring, windows, lambda stamps_ns, values: values)
    for burst in bursts:
        for stamp, value in burst:
            ring.push(EPOCH + stamp * MS, np.array([float(value)]))
        if not len(ring):
            continue
        pyramid.update()
        starts, scales = pyramid.statistics(ring.end)
        for window_ns, start, (mean, deviation, smallest, largest, slope) in zip(windows, starts, scales, strict=True):
            inside = ring.stamps_ns > ring.newest_ns - window_ns
            values, seconds = ring.values[inside], (ring.stamps_ns[inside] - ring.newest_ns) / 1e9
            assert ring.end - start == inside.sum()
            seconds = seconds - seconds.mean()
            fitted = seconds @ values / (seconds @ seconds) if len(seconds) > 1 else [0.0]
            np.testing.assert_allclose([mean, deviation], [values.mean(0), values.std(0)], atol=1e-5)
            np.testing.assert_array_equal([smallest, largest], [values.min(0), values.max(0)])
            np.testing.assert_allclose(slope, fitted, rtol=1e-6, atol=1e-3)


@cases
@given(
    st.floats(0.1, 20),
    st.lists(st.floats(-1, 1), min_size=8, max_size=8),
    st.tuples(*[st.floats(-0.2, 0.2)] * 3),
)
def test_a_tool_that_touches_nothing_weighs_nothing_however_it_is_turned(
    mass_kg: float, numbers: list[float], centre_m: tuple[float, ...]
) -> None:
    first, second = np.array(numbers[:4]), np.array(numbers[4:])
    assume(min(np.linalg.norm(first), np.linalg.norm(second)) > 0.1)
    turned, sensor = Rotation.from_quat(first), Rotation.from_quat(second)
    gravity = GravityCompensation(mass_kg, centre_m, tuple(second))
    pose = np.eye(4)
    pose[:3, :3] = turned.as_matrix()
    gravity.add_pose(EPOCH, pose)
    force_n = (turned * sensor).inv().apply(mass_kg * GRAVITY_BASE_M_S2)
    felt = np.concatenate([force_n, np.cross(centre_m, force_n)])
    np.testing.assert_allclose(gravity.compensate(np.array([EPOCH]), felt[None]), 0.0, atol=1e-9)


@cases
@given(in_order(1, 40), in_order(1, 40), st.integers(0, 39), st.floats(0, 0.1))
def test_taring_is_refused_unless_the_whole_window_was_heard_and_at_rest(
    wrench_ms: list[int], joints_ms: list[int], moving: int, speed: float
) -> None:
    velocity = np.zeros((len(joints_ms), 3))
    velocity[min(moving, len(joints_ms) - 1), 1] = -speed
    begin = wrench_ms[-1] - max(6, min(wrench_ms[-1] - wrench_ms[-3:][0], 16))  # of a slow sensor so many samples
    window = [stamp for stamp in wrench_ms if stamp >= begin]
    fastest = [abs(row[1]) for stamp, row in zip(joints_ms, velocity, strict=True) if stamp >= begin]
    heard = wrench_ms[0] <= begin and joints_ms[0] <= begin and len(window) >= 3 and bool(fastest)
    fair = heard and max(fastest) <= SMALL.rest_velocity
    wrench = np.arange(6.0 * len(wrench_ms)).reshape(-1, 6)
    try:
        bias = tare_bias(at(wrench_ms), wrench, at(joints_ms), velocity, SMALL)
    except SensorError:
        assert not fair
    else:
        assert fair
        np.testing.assert_allclose(bias, wrench[-len(window) :].mean(axis=0))


# Words


@cases
@given(st.lists(st.tuples(st.integers(0, 400), st.sampled_from("abc")), max_size=12), st.integers(0, 600))
def test_of_what_was_said_the_latest_that_is_still_valid_holds_and_after_a_cancel_nothing(
    said: list[tuple[int, str]], tick: int
) -> None:
    buffer = InstructionBuffer(validity_ns=150 * MS)
    for stamp, text in said:
        buffer.push(EPOCH + stamp * MS, text)
    told = {stamp: text for stamp, text in said if stamp <= tick}
    sense = buffer.at(EPOCH + tick * MS)
    if told:
        assert sense.age_ns == (tick - max(told)) * MS
        assert sense.value == (told[max(told)] if tick - max(told) <= 150 else None)
    else:
        assert not sense.present
    buffer.cancel()
    assert not buffer.at(EPOCH + tick * MS).present


# The whole observation


def pose_of(position_rad: FloatArray) -> FloatArray:
    pose = np.eye(4)
    pose[:2, 3] = position_rad
    return pose


def tared() -> Aligner:
    """An aligner that has heard 20 ms of a hand at rest."""
    aligner = Aligner(SMALL, pose_of)
    for ms in range(20):
        aligner.push_wrench(EPOCH + ms * MS, ms * MS, np.full(6, 1e-3 * (ms % 3)))
        aligner.push_joints(EPOCH + ms * MS, ms * MS, np.full(3, 0.02), np.zeros(3))
    aligner.tare(EPOCH + 19 * MS, 19 * MS)
    return aligner


def same(first: Observation, second: Observation) -> bool:
    """Whether two observations are equal to the bit."""

    def bits(value: object) -> object:
        if isinstance(value, np.ndarray):
            return value.tobytes()
        if hasattr(value, "__dataclass_fields__"):
            return [bits(getattr(value, field.name)) for field in fields(value)]  # type: ignore[arg-type]
        return value

    return bits(first) == bits(second)


Message = tuple[str, int, float]
messages = st.lists(
    st.tuples(st.sampled_from(["wrench", "joints", "tokens", "words"]), st.integers(20, 60), number), max_size=30
)


def push(aligner: Aligner, message: Message, receive_ms: int, size_off: int = 0) -> None:
    sense, stamp, value = message
    stamp_ns, receive_ns = EPOCH + stamp * MS, receive_ms * MS
    if sense == "wrench":
        aligner.push_wrench(stamp_ns, receive_ns, np.full(6 + size_off, value))
    elif sense == "joints":
        aligner.push_joints(stamp_ns, receive_ns, np.full(3 + size_off, value), np.full(3, value / 2))
    elif sense == "tokens":
        with np.errstate(over="ignore"):  # what no float32 holds is infinite
            tokens = np.full((2, 3 + size_off), value).astype(np.float32)
        aligner.push_tokens(stamp_ns, receive_ns, tokens)
    else:
        aligner.push_instruction(stamp_ns, f"{value:.3f}")


@cases
@given(messages, st.randoms(use_true_random=False), st.integers(20, 80))
def test_the_order_in_which_messages_arrive_does_not_change_the_observation(
    sent: list[Message], chance: st.DataObject, tick: int
) -> None:
    sent = list({message[:2]: message for message in sent}.values())  # of two with one stamp the first would win
    assume(sum(message[0] == "tokens" for message in sent) <= SMALL.vision_capacity)
    shuffled = sent.copy()
    chance.shuffle(shuffled)  # type: ignore[attr-defined]
    observations = []
    for order in (sent, shuffled):
        aligner = tared()
        for message in order:
            push(aligner, message, receive_ms=60)
        observations.append(aligner.observe(EPOCH + tick * MS, tick * MS))
    assert same(*observations)


@cases
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["wrench", "joints", "tokens", "words"]),
            st.one_of(st.integers(0, 90), st.sampled_from([-HOUR_MS, HOUR_MS])),
            st.one_of(number, number, odd_number),
            st.sampled_from([0, 0, 0, -1, 1]),
        ),
        max_size=25,
    ),
    st.integers(15, 120),
)
def test_whatever_is_pushed_an_observation_is_finite_and_no_age_is_negative(
    sent: list[tuple[str, int, float, int]], tick: int
) -> None:
    aligner = tared()
    for k, (sense, stamp, value, size_off) in enumerate(sent):
        try:
            push(aligner, (sense, stamp, value), 20 + k, size_off)
        except SensorError as error:
            assert "must" in str(error)
        observation = aligner.observe(EPOCH + tick * MS, (20 + k) * MS)
        for each in observation.senses():
            assert each.age_ns >= each.time_error_ns >= 0 and each.extrapolated_ns >= 0
        force, joints, vision = observation.force.value, observation.joints.value, observation.vision.value
        arrays = [] if force is None else [force.raw, force.pyramid]
        arrays += [] if joints is None else [joints.position_rad, joints.velocity_rad_s, joints.T_base_tool]
        arrays += [] if vision is None else [vision]
        assert all(np.isfinite(array).all() for array in arrays)


@cases
@given(st.integers(0, 400), st.integers(0, 400))
def test_a_sense_is_there_exactly_as_long_as_it_was_heard_within_its_limit(silent_ms: int, clock_ahead_ms: int) -> None:
    assume(silent_ms - clock_ahead_ms <= SMALL.ahead_limit_ns / MS)  # else the stamps are of another clock
    aligner = tared()
    aligner.push_tokens(EPOCH + 19 * MS, 19 * MS, np.ones((2, 3), np.float32))
    # The sender's clock may be ahead or behind: silence is judged by when messages came.
    observation = aligner.observe(EPOCH + (19 + clock_ahead_ms) * MS, (19 + silent_ms) * MS)
    assert observation.force.present == (silent_ms <= 50)
    assert observation.joints.present == (silent_ms <= 100)
    assert observation.vision.present == (silent_ms <= 200)


@cases
@given(st.lists(st.integers(1, 4), min_size=5, max_size=60))
def test_every_wrench_of_the_longest_window_is_used_once_and_the_raw_window_is_the_newest(steps: list[int]) -> None:
    aligner = tared()
    stamps, values = list(range(20)), [1e-3 * (ms % 3) for ms in range(20)]
    for k, step in enumerate(steps):
        stamps.append(stamps[-1] + step)
        values.append(float(k))
        aligner.push_wrench(EPOCH + stamps[-1] * MS, stamps[-1] * MS, np.full(6, values[-1]))
    force = aligner.observe(EPOCH + stamps[-1] * MS, stamps[-1] * MS).force.value
    inside = sum(stamp > stamps[-1] - 16 for stamp in stamps)
    assert (force is None) == (inside < SMALL.raw_samples)
    if force is not None:
        assert force.samples_used == inside
        np.testing.assert_allclose(force.raw[:, 0], np.array(values[-4:]) - np.mean(values[13:20]), atol=1e-9)


@cases
@given(st.integers(-2, 3), st.sampled_from(["wrench", "joints", "tokens"]))
def test_a_wrong_size_is_refused_by_name_and_what_is_allowed(size_off: int, sense: str) -> None:
    assume(size_off)
    aligner = tared()
    aligner.push_tokens(EPOCH + 19 * MS, 19 * MS, np.ones((2, 3), np.float32))
    before = aligner.counts()
    names = {"wrench": ("force", r"wrench must have shape \(6,\)"), "joints": ("joints", r"joint .* shape \(6,\)")}
    stream, sentence = names.get(sense, ("vision", r"visual tokens must have shape \(2, 3\)"))
    with pytest.raises(SensorError, match=sentence):
        push(aligner, (sense, 20, 1.0), 20, size_off)
    assert aligner.counts()[stream].rejected == before[stream].rejected + 1
    push(aligner, (sense, 21, 1.0), 21)  # the stream goes on
    assert aligner.counts()[stream].rejected == before[stream].rejected + 1
