"""What fails again and again is tried ever later, up to a limit, until it has worked for as long."""

from __future__ import annotations

from autoglm_embodied.growing_wait import GrowingWait

S = 1_000_000_000


def waited_s(wait: GrowingWait, now_ns: int) -> float:
    """How long it is to be waited after a failure at a time."""
    wait.failed(now_ns)
    return next(s / 2 for s in range(200) if wait.over(now_ns + s * S // 2))


def test_the_wait_doubles_up_to_its_limit() -> None:
    wait = GrowingWait(1.0, 30.0)
    assert wait.over(0)
    assert [waited_s(wait, now * 100 * S) for now in range(7)] == [1, 2, 4, 8, 16, 30, 30]


def test_what_worked_for_the_longest_wait_begins_anew_and_less_does_not() -> None:
    wait = GrowingWait(1.0, 30.0)
    assert [waited_s(wait, 0), waited_s(wait, 0)] == [1, 2]
    wait.works(0, 30 * S)
    assert waited_s(wait, 30 * S) == 4
    wait.works(100 * S, 131 * S)
    assert waited_s(wait, 131 * S) == 1


def test_a_reset_ends_the_wait_and_forgets_the_failures() -> None:
    wait = GrowingWait(1.0, 30.0)
    wait.failed(0)
    wait.failed(0)
    wait.reset()
    assert wait.over(0) and waited_s(wait, 0) == 1
