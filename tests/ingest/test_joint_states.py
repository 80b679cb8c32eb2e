"""Joints that come in several messages, orders and rates, with or without velocities, make states of one moment."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rclpy.serialization import serialize_message
from sensor_msgs.msg import JointState

from autoglm_embodied.errors import SensorError
from autoglm_embodied.ingest.joint_states import NamedJointReader
from autoglm_embodied.ros.conversions import to_stamp
from autoglm_embodied.types import FloatArray

MS = 1_000_000
T0_NS = 1_700_000_000_000 * MS
NAMES = ("a", "b", "c", "f", "g")
PHASES = dict(zip((*NAMES, "head"), range(6), strict=True))


def truth(name: str, t_ns: int) -> tuple[float, float]:
    """Position and velocity of a joint that swings at 0.5 Hz."""
    angle = np.pi * (t_ns - T0_NS) / 1e9 + PHASES[name]
    return 0.3 * np.sin(angle), 0.3 * np.pi * np.cos(angle)


def message(t_ns: int, names: tuple[str, ...], velocity: str = "told") -> bytes:
    positions, velocities = zip(*(truth(name, t_ns) for name in names), strict=True)
    made = JointState(name=names, position=positions)
    made.header.stamp = to_stamp(t_ns)
    if velocity != "absent":
        made.velocity = velocities if velocity == "told" else [float("nan")] * len(names)
    return bytes(serialize_message(made))


@dataclass(frozen=True)
class Publisher:
    """A driver of some joints."""

    names: tuple[str, ...]
    period_ns: int
    phase_ns: int
    velocity: str

    def messages(self, until_ns: int) -> Iterator[tuple[int, bytes]]:
        for t_ns in range(T0_NS + self.phase_ns, T0_NS + until_ns, self.period_ns):
            yield t_ns, message(t_ns, self.names, self.velocity)


@st.composite
def publishers(draw: st.DrawFn) -> list[Publisher]:
    """Every joint in one publisher, with others in between; never all as a state that needs no merging."""
    groups: dict[int, list[str]] = {}
    for name in draw(st.permutations([*NAMES, "head"])):
        groups.setdefault(draw(st.integers(0, 2)), []).append(name)
    kinds = st.sampled_from(["told", "absent", "nan"])
    timings = st.tuples(st.sampled_from([2, 10, 20, 33, 45]), st.integers(0, 20))
    made = []
    for names in groups.values():
        period_ms, phase_ms = draw(timings)
        made.append(Publisher(tuple(names), period_ms * MS, phase_ms * MS + 1, draw(kinds)))
    return made


@settings(max_examples=25, deadline=None)
@given(drivers=publishers())
def test_joints_in_any_messages_make_states_that_are_true_at_their_stamps(drivers: list[Publisher]) -> None:
    reader, until_ns = NamedJointReader(NAMES), 400 * MS
    states = [reader.read(data) for _, data in sorted(each for driver in drivers for each in driver.messages(until_ns))]
    found = [state for state in states if state is not None]
    [leader] = [driver for driver in drivers if "a" in driver.names]
    assert len(found) >= (until_ns - 150 * MS) // leader.period_ns
    for stamp_ns, position, velocity in found:
        assert (stamp_ns - T0_NS - leader.phase_ns) % leader.period_ns == 0  # each is a message of the first joint
        true = np.array([truth(name, stamp_ns) for name in NAMES])
        np.testing.assert_allclose(position, true[:, 0], atol=0.012)
        np.testing.assert_allclose(velocity, true[:, 1], atol=0.25)


@pytest.mark.parametrize("velocity", ["told", "absent", "nan"])
def test_what_a_message_tells_is_taken_to_the_bit(velocity: str) -> None:
    reader = NamedJointReader(NAMES)
    for k in range(3):
        reader.read(message(T0_NS + k * 25 * MS, ("f", "g"), velocity))
        state = reader.read(message(T0_NS + k * 25 * MS + 1, ("c", "b", "a", "head"), velocity))
    assert state is not None and state[1][:3].tolist() == [truth(name, state[0])[0] for name in NAMES[:3]]
    if velocity == "told":
        assert state[2].tolist() == [truth(name, state[0] - (name in "fg"))[1] for name in NAMES]


def test_a_velocity_is_taken_over_20_ms_so_that_encoder_noise_does_not_look_like_motion() -> None:
    reader, random = NamedJointReader(("a",)), np.random.default_rng(0)
    speeds: list[FloatArray] = []
    for k in range(100):
        made = JointState(name=["a"], position=random.uniform(-1e-4, 1e-4, 1))
        made.header.stamp = to_stamp(T0_NS + k * MS)
        state = reader.read(bytes(serialize_message(made)))
        speeds += [] if state is None else [state[2]]
    assert len(speeds) == 80 and np.abs(speeds).max() < 0.011


@pytest.mark.parametrize("velocity", [1e300, float("inf")])
def test_a_velocity_that_nobody_measured_is_passed_on_whole_and_is_none_of_merged_joints(velocity: float) -> None:
    """Numbers so large overflow where they are squared; who takes the state refuses them."""
    reader = NamedJointReader(("a", "b"))
    whole = JointState(name=["a", "b"], position=[1.0, 2.0], velocity=[velocity, -velocity])
    state = reader.read(bytes(serialize_message(whole)))
    assert state is not None and state[2].tolist() == [velocity, -velocity]
    merging, states = NamedJointReader(("a", "b")), []
    for k in range(10):
        for name in "ab":
            part = JointState(name=[name], position=[1.0], velocity=[float("inf")])
            part.header.stamp = to_stamp(T0_NS + 10 * k * MS)
            states.append(merging.read(bytes(serialize_message(part))))
    assert {tuple(state[2]) for state in states if state} == {(0.0, 0.0)}


def refused(reader: NamedJointReader, *names: tuple[str, ...], period_ms: int = 20, messages: int = 20) -> set[str]:
    said = set()
    for k in range(messages):
        try:
            reader.read(message(T0_NS + k * period_ms * MS, names[k % len(names)]))
        except SensorError as error:
            said.add(str(error))
    return said


def test_a_joint_that_never_comes_is_named_with_all_that_do() -> None:
    [said] = refused(NamedJointReader(NAMES), ("a", "b", "c"), ("f", "head"))
    assert said.startswith("joint_states never bring 'g', only a, b, c, f, head; let its driver publish it there, or")
    [said] = refused(NamedJointReader(NAMES), ("head",))
    assert said.startswith("joint_states never bring 'a', only head;")


def test_joints_are_waited_for_and_those_of_others_are_passed_over() -> None:
    assert not refused(NamedJointReader(NAMES), ("a", "b", "c"), ("f", "head"), messages=12)  # 0.22 s
    assert not refused(NamedJointReader(NAMES), NAMES, ("head",))
    assert not refused(NamedJointReader(NAMES), NAMES, ("f", "g"), ("a", "b", "c"))


@pytest.mark.parametrize(("first", "last"), [(("a", "b", "c"), ("f", "g")), (("f", "g"), ("a", "b", "c"))])
def test_a_joint_that_no_longer_comes_makes_no_state_and_is_named(
    first: tuple[str, ...], last: tuple[str, ...]
) -> None:
    reader = NamedJointReader(NAMES)
    for k in range(60):
        t_ns = T0_NS + k * 20 * MS
        if k < 20:
            reader.read(message(t_ns, first))
        try:
            state = reader.read(message(t_ns + 1, last))
        except SensorError as error:
            said = str(error)
        else:
            assert k <= 45 and (state is None) == (k > 31 or last[0] == "f")
    assert f"bring {first[0]!r} stamped 0.8 s before {last[0]!r}, at most 0.25 s are allowed" in said


def test_joints_of_two_clocks_are_not_merged() -> None:
    reader = NamedJointReader(NAMES)
    with pytest.raises(SensorError, match="bring 'f' stamped 1.7e[+]09 s before 'a', at most 0.25 s"):
        for k in range(40):
            reader.read(message(k * 20 * MS, ("f", "g")))
            assert reader.read(message(T0_NS + k * 20 * MS, ("a", "b", "c"))) is None


@pytest.mark.parametrize("back_ns", [60_000 * MS, 10**18])
def test_a_restart_is_taken_up_again(back_ns: int) -> None:
    reader = NamedJointReader(NAMES)
    for begin_ns in (T0_NS, T0_NS - back_ns):
        for k in range(10):
            reader.read(message(begin_ns + k * 20 * MS, ("f", "g"), "absent"))
            state = reader.read(message(begin_ns + k * 20 * MS + 1, ("a", "b", "c")))
            assert (state is None) == (k == 0)  # the first position alone has no velocity
            true = [truth(name, begin_ns + k * 20 * MS)[1] for name in NAMES]
            np.testing.assert_allclose(true if state is None else state[2], true, atol=0.1)


@pytest.mark.parametrize(
    ("names", "positions", "match"),
    [
        (["a", "b"], [float("nan"), 1.0], "position of 'a' in joint_states must be finite"),
        (["a", "head"], [1.0, float("inf")], ""),
        (["a", "a"], [1.0, 2.0], "must hold 'a' once, got it twice"),
        (["a", "head", "head"], [1.0, 2.0, 3.0], ""),
    ],
)
def test_a_position_that_is_none_is_refused_where_the_joint_is_the_arms(
    names: list[str], positions: list[float], match: str
) -> None:
    data = bytes(serialize_message(JointState(name=names, position=positions)))
    if match:
        with pytest.raises(SensorError, match=match):
            NamedJointReader(NAMES).read(data)
    else:
        assert NamedJointReader(NAMES).read(data) is None
