"""Failed episodes are run once more for their images, and must go as they went."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from autoglm_embodied_sim.eval.measure import Measurement, failures_to_replay, measure, replay_failures

from autoglm_embodied.tools.cli import main

WANTED = Measurement(("large",), ("pca",), episodes=2, split="validate")

pytestmark = pytest.mark.slow


def nothing() -> None:
    """No progress is shown."""


def test_images_are_the_same_for_any_number_of_workers_and_capped() -> None:
    results = measure(WANTED)
    failed = [result for result in results if not result.held]
    assert len(failed) > 1 and failures_to_replay(results, 1) == failed[:1] and failures_to_replay(results, 0) == []
    one, two = (replay_failures(WANTED, failed, workers, nothing) for workers in (1, 2))
    assert one == two and list(one) == [result.key for result in failed]
    assert all(list(jpegs) == ["before", "contact", "after"] for jpegs in one.values())


def test_an_episode_that_goes_otherwise_than_measured_is_a_bug() -> None:
    (measured,) = measure(replace(WANTED, suites=("weak_grip",), episodes=1))
    with pytest.raises(RuntimeError, match="did not repeat"):
        replay_failures(WANTED, [replace(measured, approaches=7)], 1, nothing)


def test_a_run_that_goes_on_writes_the_same_report(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["evaluate", "--suite", "large", "--policy", "pca", "--split", "validate"]
    command += ["--log", str(tmp_path / "log"), "--thumbnails", "1"]
    images = []
    for episodes in ("1", "2", "2"):
        folder = tmp_path / f"report{len(images)}"
        assert main([*command, "--episodes", episodes, "--report", str(folder)]) == 0
        assert f"Report: {folder / 'index.html'}" in capsys.readouterr().out.replace("\n", "")
        images.append({path.name: path.read_bytes() for path in (folder / "images").iterdir()})
    assert images[1] == images[2] and len(images[1]) == 3
