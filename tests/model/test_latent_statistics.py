"""Distances from training: usual, far and no number; and the file is of one checkpoint alone."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from autoglm_embodied.errors import CheckpointError
from autoglm_embodied.model.latent_statistics import FILE, WEIGHTS_FILE, LatentStatistics, Spread, load_statistics
from autoglm_embodied.types import FloatArray

WIDTH = 8


@pytest.fixture(scope="module")
def drawn() -> FloatArray:
    """Correlated vectors."""
    rng = np.random.default_rng(0)
    axes = np.linalg.qr(rng.normal(size=(WIDTH, WIDTH)))[0]
    drawn: FloatArray = rng.normal(size=(4000, WIDTH)) * np.linspace(0.3, 2.0, WIDTH) @ axes + 3.0
    return drawn


@pytest.fixture
def statistics(drawn: FloatArray) -> LatentStatistics:
    spread = Spread.fit(drawn[:2000], drawn[2000:])
    return LatentStatistics(spread, spread)


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    (tmp_path / WEIGHTS_FILE).write_bytes(b"weights")
    return tmp_path


def test_what_was_kept_aside_is_usual_and_what_is_off_is_far(drawn: FloatArray) -> None:
    spread = Spread.fit(drawn[:2000], drawn[2000:])
    found = np.array([spread.distance(vector) for vector in drawn[2000:]])
    assert (found > 1.0).mean() == pytest.approx(0.001, abs=0.001)
    scales, axes = np.linalg.eigh(np.cov(drawn.T))
    off = drawn.mean(axis=0) + 10 * math.sqrt(scales[0]) * axes[:, 0]  # where training varied least
    assert spread.distance(off) > 1.5
    assert spread.distance(drawn.mean(axis=0) + 10 * math.sqrt(scales[0]) * axes[:, -1]) < 1.0


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_what_is_no_number_has_no_distance(statistics: LatentStatistics, bad: float) -> None:
    tokens, latent = np.zeros((4, WIDTH + 4)), np.zeros(WIDTH)
    latent[3] = bad
    found = statistics.distances(tokens, latent)
    assert math.isfinite(found["image"]) and not math.isfinite(found["latent"])
    tokens[1, 2] = bad
    assert not math.isfinite(statistics.distances(tokens, latent)["image"])


def test_few_samples_do_not_make_the_covariance_singular(drawn: FloatArray) -> None:
    spread = Spread.fit(drawn[: WIDTH // 2], drawn[2000:2100])
    assert np.linalg.matrix_rank(spread.precision) == WIDTH
    with pytest.raises(CheckpointError, match="collect more demonstrations"):
        Spread.fit(drawn[:1], drawn)


def test_they_are_read_as_they_were_written(statistics: LatentStatistics, checkpoint: Path, drawn: FloatArray) -> None:
    statistics.save(checkpoint)
    tokens, latent = np.zeros((4, WIDTH + 4)), drawn[0]
    assert load_statistics(checkpoint).distances(tokens, latent) == statistics.distances(tokens, latent)


def test_those_of_another_checkpoint_are_refused_in_one_sentence(
    statistics: LatentStatistics, checkpoint: Path
) -> None:
    statistics.save(checkpoint)
    (checkpoint / WEIGHTS_FILE).write_bytes(b"trained further")
    with pytest.raises(CheckpointError) as refused:
        load_statistics(checkpoint)
    assert "is of another checkpoint" in str(refused.value) and "--statistics-only --start" in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_file_that_is_missing_or_damaged_says_what_to_do(checkpoint: Path) -> None:
    with pytest.raises(CheckpointError, match="has no statistics of its latents.*--statistics-only --start"):
        load_statistics(checkpoint)
    (checkpoint / FILE).write_bytes(b"nothing")
    with pytest.raises(CheckpointError, match=r"cannot read .*latents\.safetensors.*--statistics-only --start"):
        load_statistics(checkpoint)
