"""A ring keeps the newest samples in order, whatever order they come in."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from autoglm_embodied.align.stream import Placement, Ring


def push_all(ring: Ring, stamps: list[int]) -> list[Placement]:
    return [ring.push(stamp, np.array([float(stamp)])) for stamp in stamps]


def test_out_of_order_stamps_are_reinserted() -> None:
    ring = Ring(8, (1,))
    assert push_all(ring, [10, 30, 20])[-1] is Placement.LATE
    assert ring.stamps_ns.tolist() == [10, 20, 30]
    assert ring.values[:, 0].tolist() == [10.0, 20.0, 30.0]


def test_a_stamp_seen_before_is_dropped() -> None:
    ring = Ring(8, (1,))
    assert push_all(ring, [10, 20, 10, 20])[2:] == [Placement.DUPLICATE] * 2
    assert len(ring) == 2


def test_a_full_ring_refuses_what_is_older_than_all_it_keeps() -> None:
    ring = Ring(3, (1,))
    assert push_all(ring, [10, 20, 30, 5])[-1] is Placement.TOO_OLD
    assert ring.stamps_ns.tolist() == [10, 20, 30]


@given(st.integers(1, 9), st.lists(st.integers(0, 60), max_size=80))
def test_any_order_of_pushes_keeps_the_newest_sorted_and_unique(capacity: int, stamps: list[int]) -> None:
    ring, kept = Ring(capacity, (1,)), list[int]()
    for stamp in stamps:
        ring.push(stamp, np.array([float(stamp)]))
        kept = sorted({*kept, stamp})[-capacity:]
    assert ring.stamps_ns.tolist() == kept
    assert ring.values[:, 0].tolist() == kept


def test_memory_does_not_grow() -> None:
    ring = Ring(100, (6,))
    memory = ring.values.base
    for stamp in range(10_000):
        ring.push(stamp, np.full(6, stamp))
    assert ring.values.base is memory and len(ring) == 100
