"""From an empty folder to a checkpoint: what was stopped goes on, and what is damaged is named."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from autoglm_embodied_sim.collect.primitive_samples import IMAGES, CollectSettings, collect
from safetensors.numpy import load_file

from autoglm_embodied.data.samples import FIELDS, read_samples
from autoglm_embodied.data.shards import shard_path
from autoglm_embodied.errors import ConfigError
from autoglm_embodied.model.checkpoint import load
from autoglm_embodied.train.loop import TrainSettings, train

SETTINGS = CollectSettings(episodes=1, images=8, episodes_per_shard=1, images_per_shard=4, seed=3)

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shards")
    collect(SETTINGS, folder)
    return folder


def test_every_field_is_there_and_finite(data: Path) -> None:
    arrays = read_samples([data])
    assert set(arrays) == set(FIELDS)
    assert len({len(values) for values in arrays.values()}) == 1
    assert all(np.isfinite(values).all() for values in arrays.values())
    assert (arrays["target"] < 0).sum() == SETTINGS.images


def test_a_lost_shard_is_collected_again_to_the_bit_and_the_others_are_kept(data: Path) -> None:
    path = shard_path(data, IMAGES, 1)
    before = load_file(path)
    path.unlink()
    again = collect(SETTINGS, data)
    assert (again.shards_written, again.shards_skipped) == (1, 2)
    after = load_file(path)
    assert all(np.array_equal(before[name], after[name]) for name in FIELDS)


def test_training_goes_on_after_its_last_epoch(data: Path, tmp_path: Path) -> None:
    told: list[tuple[str, int]] = []

    def report(stage: str, epoch: int, epochs: int, figures: dict[str, float]) -> None:
        assert all(np.isfinite(value) for value in figures.values())
        told.append((stage, epoch))

    for epochs in (1, 2):
        train(TrainSettings(grounding_epochs=epochs, imitation_epochs=epochs, batch=4), [data], tmp_path, report)
    assert told == [("finding", 1), ("acting", 1), ("finding", 2), ("acting", 2)]
    assert load(tmp_path, "cpu").force.raw_scale.max() > 0.01  # measured, and kept in the checkpoint


def test_a_damaged_shard_is_named(data: Path, tmp_path: Path) -> None:
    broken = shard_path(tmp_path, IMAGES, 0)
    broken.write_bytes(shard_path(data, IMAGES, 0).read_bytes()[:5000])
    with pytest.raises(ConfigError, match=broken.name):
        read_samples([tmp_path])


def test_an_empty_folder_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="autoglm collect"):
        read_samples([tmp_path])
