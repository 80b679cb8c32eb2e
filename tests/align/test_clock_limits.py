"""A stream of another clock is masked with the reason, or mapped where the settings allow it; the others go on."""

from __future__ import annotations

from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autoglm_embodied.align.aligner import Aligner
from autoglm_embodied.align.settings import AlignSettings
from autoglm_embodied.errors import SensorError
from autoglm_embodied.types import Observation

MS = 1_000_000
S = 1_000 * MS
EPOCH = 1_700_000_000 * S
SENSES = ("vision", "force", "joints")
LATE_MS, AHEAD_MS = AlignSettings().late_limit_ns // MS, AlignSettings().ahead_limit_ns // MS


def observed(off_ns: dict[str, int], map_clocks: bool = False) -> tuple[Observation, dict[str, str]]:
    """The end of 0.9 s in which the stamps of some senses were off; wrench and joints at 200 Hz, frames at 25 Hz."""
    aligner = Aligner(AlignSettings(map_clocks=map_clocks), lambda _: np.eye(4))
    off = {name: off_ns.get(name, 0) for name in SENSES}
    for ms in range(0, 900, 5):
        now_ns, stamp_ns = ms * MS, EPOCH + ms * MS
        aligner.push_wrench(stamp_ns + off["force"], now_ns, np.array([0.0, 0, 1e-9 * (ms % 3), 0, 0, 0]))
        aligner.push_joints(stamp_ns + off["joints"], now_ns, np.full(9, ms / 1e3), np.zeros(9))
        if ms % 40 == 0:
            aligner.push_tokens(stamp_ns + off["vision"], now_ns, np.full((1, 2), ms, np.float32))
        if ms == 600:
            with suppress(SensorError):  # of another clock than the other one it needs
                aligner.tare(stamp_ns, now_ns)
    return aligner.observe(stamp_ns, now_ns), aligner.absences()


@pytest.mark.parametrize("sense", SENSES)
@pytest.mark.parametrize(("off_ms", "present"), [(-LATE_MS + 20, True), (-LATE_MS - 1, False), (AHEAD_MS, True)])
def test_a_time_error_is_told_up_to_the_limit_and_masked_beyond(sense: str, off_ms: int, present: bool) -> None:
    observation, absences = observed({sense: off_ms * MS})
    found = getattr(observation, sense)
    assert found.present == present and (sense in absences) != present
    if present and off_ms < 0:
        assert found.time_error_ns >= -off_ms * MS


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(SENSES), st.one_of(st.integers(-EPOCH, -S // 2), st.integers(S // 2, EPOCH)))
def test_another_clock_masks_its_own_stream_alone_and_is_named_with_the_setting(sense: str, off_ns: int) -> None:
    observation, absences = observed({sense: off_ns})
    needs = {sense, "force"} if sense == "joints" else {sense}  # which has not been tared without them
    assert {name for name in SENSES if not getattr(observation, name).present} == needs
    assert absences[sense].startswith("clock: ") and "align.map_clocks" in absences[sense]


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(SENSES), st.one_of(st.integers(-EPOCH, -S // 2), st.integers(S // 2, EPOCH)))
def test_mapped_by_receipt_a_stream_is_used_as_if_its_clock_were_right(sense: str, off_ns: int) -> None:
    right, (mapped, _) = observed({})[0], observed({sense: off_ns}, map_clocks=True)
    for name in SENSES:
        one, other = getattr(right, name), getattr(mapped, name)
        assert other.present and (other.age_ns, other.time_error_ns) == (one.age_ns, one.time_error_ns)
    assert mapped.vision.value is not None and right.vision.value is not None
    np.testing.assert_array_equal(mapped.vision.value, right.vision.value)


def test_a_driver_that_never_stamps_and_an_untared_wrist_are_told_apart() -> None:
    aligner = Aligner(AlignSettings(), lambda _: np.eye(4))
    for ms in range(0, 300, 5):
        aligner.push_wrench(EPOCH + ms * MS, ms * MS, np.array([0.0, 0, 1e-9 * (ms % 3), 0, 0, 0]))
        aligner.push_joints(0, ms * MS, np.full(9, 0.04), np.zeros(9))
    assert not any(sense.present for sense in aligner.observe(EPOCH + 295 * MS, 295 * MS).senses())
    absences = aligner.absences()
    assert absences["joints"].startswith("stamps: its stamps do not advance")
    assert absences["force"].startswith("untared: ") and absences["vision"] == "silent: no frame came"
