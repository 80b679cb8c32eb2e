"""From an empty folder to a checkpoint: what is collected can be learned from, and what was stopped goes on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from autoglm_embodied_sim.collect.collection import Collection
from safetensors.numpy import load_file

from autoglm_embodied.data.schemas import SAMPLES
from autoglm_embodied.data.shards import read_shard
from autoglm_embodied.errors import ConfigError
from autoglm_embodied.model.checkpoint import load
from autoglm_embodied.model.latent_statistics import FILE, WEIGHTS_FILE, load_statistics
from autoglm_embodied.train.loop import TrainSettings, train, write_statistics
from autoglm_embodied.train.sources import read_samples, sample_readers, survey

pytestmark = pytest.mark.slow

SHORT = TrainSettings(grounding_epochs=1, imitation_epochs=1, batch=8, device="cpu")
IMAGES = "images-primitives-00000.safetensors"


class Stopped(Exception):
    """A training that was killed."""


def test_every_field_of_primitives_is_there_and_finite(primitives_data: Path) -> None:
    for path in primitives_data.glob("*.safetensors"):
        shard = read_shard(path, SAMPLES)
        assert set(shard.arrays) == set(SAMPLES.fields)
        assert all(np.isfinite(values).all() for values in shard.arrays.values())
        assert int(shard.arrays["samples"].sum()) == len(shard.arrays["phase"])
        assert (shard.arrays["target"] < 0).all() == (path.name == IMAGES)


def test_a_lost_shard_is_collected_again_to_the_bit(
    primitives_data: Path, collect: Callable[[Collection, Path], Path], tmp_path: Path
) -> None:
    again = collect(Collection(episodes=0, images=1, seed=3), tmp_path)
    before, after = load_file(primitives_data / IMAGES), load_file(again / IMAGES)
    assert all(np.array_equal(before[name], after[name]) for name in SAMPLES.fields)


@pytest.mark.parametrize(("data", "joints", "image"), [("suite_data", 4, (96, 96)), ("primitives_data", 7, (216, 288))])
def test_whatever_is_collected_can_be_learned_from(
    data: str, joints: int, image: tuple[int, int], request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    reported: list[str] = []

    def report(stage: str, epoch: int, epochs: int, figures: dict[str, float]) -> None:
        assert all(np.isfinite(value) for value in figures.values())
        reported.append(stage)

    train(SHORT, [request.getfixturevalue(data)], tmp_path, report)
    assert reported == ["grounding", "imitation"]
    config = load(tmp_path, "cpu").config
    assert (config.joints, config.image_height, config.image_width) == (joints, *image)
    assert load(tmp_path, "cpu").force.raw_scale.max() > 0.01  # measured, and kept in the checkpoint
    assert load_statistics(tmp_path).latent.usual > 0.0


def test_statistics_of_a_checkpoint_can_be_made_without_training_it(suite_data: Path, tmp_path: Path) -> None:
    train(SHORT, [suite_data], tmp_path)
    weights, made = (tmp_path / WEIGHTS_FILE).read_bytes(), load_statistics(tmp_path)
    (tmp_path / FILE).unlink()
    write_statistics(SHORT, [suite_data], tmp_path)
    again = load_statistics(tmp_path)
    assert (tmp_path / WEIGHTS_FILE).read_bytes() == weights
    assert again.latent.mean == pytest.approx(made.latent.mean, abs=1e-5)
    assert again.image.usual == pytest.approx(made.image.usual, rel=1e-3)


def test_a_training_that_was_stopped_ends_like_one_that_was_not(suite_data: Path, tmp_path: Path) -> None:
    settings = TrainSettings(grounding_epochs=2, imitation_epochs=2, batch=16, device="cpu")
    whole = train(settings, [suite_data], tmp_path / "whole").state_dict()
    for stage in ("grounding", "imitation"):

        def stop(now: str, epoch: int, epochs: int, figures: dict[str, float], stage: str = stage) -> None:
            if (now, epoch) == (stage, 1):
                raise Stopped

        with pytest.raises(Stopped):
            train(settings, [suite_data], tmp_path / "stopped", stop)
    resumed = train(settings, [suite_data], tmp_path / "stopped").state_dict()
    assert all(whole[name].equal(resumed[name]) for name in whole)


def test_two_robots_cannot_be_mixed(suite_data: Path, primitives_data: Path) -> None:
    with pytest.raises(ConfigError, match="one robot and camera, got 4 joints with 96x96 px, 7 joints with 288x216 px"):
        survey(sample_readers([suite_data, primitives_data]))


def test_a_damaged_shard_is_named(primitives_data: Path, tmp_path: Path) -> None:
    broken = tmp_path / IMAGES
    broken.write_bytes((primitives_data / IMAGES).read_bytes()[:5000])
    with pytest.raises(ConfigError, match=broken.name):
        read_samples(broken)


def test_an_empty_folder_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="autoglm collect"):
        sample_readers([tmp_path])
