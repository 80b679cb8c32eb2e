"""What was said holds from its instant until something else takes its place."""

from __future__ import annotations

from itertools import permutations

from autoglm_embodied.align.aligner import MAX_INSTRUCTIONS, InstructionBuffer

S = 1_000_000_000


def test_the_latest_instruction_that_is_not_in_the_future_holds_whatever_order_they_come_in() -> None:
    said = [(1 * S, "red"), (3 * S, "green"), (5 * S, "blue")]
    for order in permutations(said):
        buffer = InstructionBuffer(60 * S)
        for stamp_ns, text in order:
            buffer.push(stamp_ns, text)
        held = [buffer.at(t * S).value for t in range(7)]
        assert held == [None, "red", "red", "green", "green", "blue", "blue"]


def test_an_instruction_has_its_age_and_ends_with_its_validity() -> None:
    buffer = InstructionBuffer(10 * S)
    buffer.push(2 * S, "red")
    assert (buffer.at(12 * S).value, buffer.at(12 * S).age_ns) == ("red", 10 * S)
    assert buffer.at(12 * S + 1).value is None and buffer.at(12 * S + 1).age_ns == 10 * S + 1


def test_what_was_cancelled_is_gone_at_once_even_if_it_was_still_to_begin() -> None:
    buffer = InstructionBuffer(60 * S)
    buffer.push(1 * S, "red")
    buffer.push(9 * S, "green")
    buffer.cancel()
    assert buffer.at(2 * S).value is None and buffer.at(10 * S).value is None
    buffer.push(11 * S, "blue")
    assert buffer.at(11 * S).value == "blue"


def test_an_instruction_said_again_at_the_same_instant_takes_the_place_of_the_first() -> None:
    buffer = InstructionBuffer(60 * S)
    buffer.push(1 * S, "red")
    buffer.push(1 * S, "green")
    assert buffer.at(1 * S).value == "green"


def test_memory_does_not_grow_with_what_is_said() -> None:
    buffer = InstructionBuffer(60 * S)
    for k in range(10 * MAX_INSTRUCTIONS):
        buffer.push(k * S, str(k))
    assert buffer.at(10 * MAX_INSTRUCTIONS * S).value == str(10 * MAX_INSTRUCTIONS - 1)
    assert buffer.at((9 * MAX_INSTRUCTIONS - 1) * S).value is None
