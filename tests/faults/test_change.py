"""What each change makes of the messages of a stream."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from autoglm_embodied.errors import SensorError
from autoglm_embodied.faults import change
from autoglm_embodied.faults.change import Change
from autoglm_embodied.faults.fault import BESIDE, FAULTS, Fault, Policy
from autoglm_embodied.ingest.cdr import RawImage, WrenchWriter, read_image, read_stamp_ns, read_wrench
from autoglm_embodied.ingest.image_encodings import depth_array_m
from autoglm_embodied.ingest.joint_states import JointStateWriter, NamedJointReader
from autoglm_embodied.types import FloatArray

MS = 1_000_000
NAMES = ["a", "b", "c"]
WRITER = WrenchWriter("wrist")


def message(number: int) -> bytes:
    """A wrench that says which it is, one a millisecond."""
    return WRITER.write(10**9 + number * MS, np.arange(6.0) + number)


def stamps_ms(changed: Change, count: int = 4) -> list[float]:
    sent = [data for number in range(count) for _, data in changed(message(number), number * MS)]
    return [(read_stamp_ns(data) - 10**9) / MS for data in sent]


def test_a_frozen_stream_repeats_its_first_reading_with_moving_stamps() -> None:
    frozen = change.frozen()
    sent = [frozen(message(number), number)[0][1] for number in (3, 4, 5)]
    assert [read_stamp_ns(data) for data in sent] == [read_stamp_ns(message(number)) for number in (3, 4, 5)]
    assert all((read_wrench(data)[2] == read_wrench(message(3))[2]).all() for data in sent)


@pytest.mark.parametrize(
    ("changed", "expected_ms"),
    [
        (change.silent, []),
        (change.shifted(3 * MS), [3, 4, 5, 6]),
        (change.backwards(0), [0, 0, 0, 0]),
        (change.backwards(1), [0, -1, -2, -3]),
    ],
)
def test_stamps_are_what_a_clock_that_is_wrong_gives(changed: Change, expected_ms: list[float]) -> None:
    assert stamps_ms(changed) == expected_ms


def test_a_stamp_cannot_lie_before_the_epoch() -> None:
    assert read_stamp_ns(change.shifted(-(10**12))(message(0), 0)[0][1]) == 0


def test_what_is_late_is_due_later_and_a_burst_only_when_the_fault_clears() -> None:
    assert change.late(50 * MS)(message(0), 7)[0][0] == 50 * MS + 7
    assert change.burst(message(0), 7)[0][0] > 10**17


def test_a_share_is_lost_and_the_same_in_every_trial() -> None:
    kept = stamps_ms(change.lossy(0.1), 2000)
    assert 0.87 < len(kept) / 2000 < 0.93
    assert kept == stamps_ms(change.lossy(0.1), 2000)


@pytest.mark.parametrize("make", [lambda: change.cut(0.5), change.noise])
def test_malformed_messages_are_no_wrenches(make: Callable[[], Change]) -> None:
    _, data = make()(message(0), 0)[0]
    try:
        _, frame, wrench = read_wrench(data)
    except SensorError:
        return
    assert (frame, wrench.tolist()) != ("wrist", np.arange(6.0).tolist())


def test_joints_in_another_order_are_the_same_joints() -> None:
    data = JointStateWriter("base", NAMES).write(MS, np.array([1.0, 2, 3]), np.array([4.0, 5, 6]))
    _, reordered = change.joints(np.copy, order=-1)(data, 0)[0]
    assert reordered[20:] != data[20:]
    state = NamedJointReader(NAMES).read(reordered)
    assert state is not None and state[1].tolist() == [1, 2, 3] and state[2].tolist() == [4, 5, 6]


def depth_image() -> bytes:
    """Of 2 rows and 3 columns, in whole millimetres."""
    raw = RawImage(MS, "camera", 2, 3, "", 0, 0, memoryview(b""))
    return change.written(raw, "16UC1", np.full((2, 3), 700, np.uint16))


def test_depth_without_numbers_is_a_readable_image_of_nothing() -> None:
    _, data = change.image(change.depth_nan)(depth_image(), 0)[0]
    assert np.isnan(depth_array_m(read_image(data))).all()


@pytest.mark.parametrize("edit", [change.half, change.unknown_encoding])
def test_half_an_image_and_an_unknown_encoding_are_refused(edit: Callable[..., tuple[str, FloatArray]]) -> None:
    whole = depth_image()
    assert depth_array_m(read_image(whole)).shape == (2, 3)
    with pytest.raises(SensorError):
        depth_array_m(read_image(change.image(edit)(whole, 0)[0][1]))


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_every_fault_says_what_it_does_and_begins_anew(fault: Fault) -> None:
    assert [each.name for each in FAULTS].count(fault.name) == 1
    stops_besides = fault.process in BESIDE and fault.policy is Policy.STOPPED_BY_SERVICE
    assert sum((bool(fault.streams), bool(fault.process), fault.policy is not None)) == 1 + stops_besides
    assert not fault.tells("governor: "), "what is told while all is well is not of the fault"
    for make in fault.streams.values():
        assert make() is not make() or make() in (change.silent, change.burst)


def test_an_image_with_noise_differs_from_the_next_by_one_bit() -> None:
    data = bytes(range(40))
    one, other, third = (change.noisy(data, number) for number in (1, 2, 3))
    assert one == third != other == data and one[:-1] == data[:-1] and one[-1] ^ data[-1] == 1
