"""Whatever is done to a recording, its replay is right, or says what is not; mutated_recordings.py tries more."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from mutated_recordings import LEAST_PRESENT, Replayed, check, faults, unchanged

from autoglm_embodied.types import Sense

RECORDINGS, PARTS = 100, 4


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Replayed:
    return unchanged(tmp_path_factory.mktemp("whole"))


def test_the_unchanged_recording_is_observed_as_it_was_measured(whole: Replayed) -> None:
    assert not whole.error and faults(whole, whole) == []
    for modality in ("vision", "joints", "language"):
        assert whole.present(modality) > LEAST_PRESENT * len(whole.observed)
    assert whole.present("force") > 0.5 * len(whole.observed)


@pytest.mark.parametrize("modality", ["vision", "force", "joints"])
def test_what_is_of_another_time_or_absent_is_a_fault_unless_it_is_said(modality: str, whole: Replayed) -> None:
    ends = zip(whole.observed, whole.observed[::-1], strict=True)
    exchanged = [replace(tick, **{modality: getattr(other, modality)}) for tick, other in ends]
    absent = [replace(tick, **{modality: Sense(None)}) for tick in whole.observed]
    for observed in (exchanged, absent):
        (fault,) = faults(replace(whole, observed=observed), whole)
        assert fault.startswith(f"{modality} is")
        assert not faults(replace(whole, observed=observed, said=[f"{modality} is bad"]), whole)


@pytest.mark.parametrize("part", range(PARTS))
def test_a_changed_recording_is_observed_rightly_or_said_to_be_otherwise(
    part: int, whole: Replayed, tmp_path: Path
) -> None:
    each = RECORDINGS // PARTS
    found = [fault for seed in range(part * each, (part + 1) * each) for fault in check(seed, tmp_path, whole)]
    assert not found, "\n".join(found)
