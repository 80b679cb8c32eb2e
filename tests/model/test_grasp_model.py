"""The model: shapes, masks that reach the last layer, and checkpoints that come back to the bit."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from autoglm_embodied.errors import CheckpointError
from autoglm_embodied.model.checkpoint import load
from autoglm_embodied.model.config import GraspConfig
from autoglm_embodied.model.grasp_model import GraspModel
from autoglm_embodied.model.inputs import ModelInput
from autoglm_embodied.types import MODALITIES

BATCH = 3


@pytest.fixture(scope="module")
def model() -> GraspModel:
    torch.manual_seed(0)
    small = GraspConfig(width=32, layers=2, queries=4, image_height=48, image_width=96, stem=(8, 8, 16))
    return GraspModel(small).eval()


@pytest.fixture
def batch(model: GraspModel) -> ModelInput:
    generator = torch.Generator().manual_seed(1)
    config = model.config
    images = torch.rand(BATCH, 7, config.image_height, config.image_width, generator=generator)
    with torch.inference_mode():
        visual = model.encode(images)
    return ModelInput(
        visual=visual,
        pyramid=torch.randn(BATCH, 4, 5, 6, generator=generator),
        raw=torch.randn(BATCH, 64, 6, generator=generator),
        arm=torch.randn(BATCH, 23, generator=generator),
        gripper=torch.rand(BATCH, 2, generator=generator),
        words=torch.tensor([[2, 8, 0, 0, 0, 0, 0, 0]] * BATCH),
        ages_s=torch.zeros(BATCH, len(MODALITIES)),
        present=torch.ones(BATCH, len(MODALITIES), dtype=torch.bool),
    )


@torch.inference_mode()
def test_chunk_and_gate_have_their_shapes(model: GraspModel, batch: ModelInput) -> None:
    output = model(batch)
    assert output.action.twist.shape == (BATCH, model.config.chunk, 6)
    assert output.latent.shape == (BATCH, model.config.width)
    assert torch.allclose(output.gate.sum(1), torch.ones(BATCH))


@torch.inference_mode()
@pytest.mark.parametrize(
    ("absent", "fields"), [("vision", ["visual"]), ("force", ["pyramid", "raw"]), ("joints", ["arm", "gripper"])]
)
def test_values_of_an_absent_modality_change_nothing(
    model: GraspModel, batch: ModelInput, absent: str, fields: list[str]
) -> None:
    batch.present[:, MODALITIES.index(absent)] = False
    changed = replace(batch, **{name: getattr(batch, name) + 5.0 for name in fields})
    before, after = model(batch), model(changed)
    assert torch.equal(before.action.twist, after.action.twist)
    assert torch.equal(before.latent, after.latent)
    assert (before.gate[:, MODALITIES.index(absent)] == 0).all()


@torch.inference_mode()
@pytest.mark.parametrize("field", ["visual", "pyramid", "raw", "arm", "gripper", "words"])
def test_every_input_that_is_present_reaches_the_latent(model: GraspModel, batch: ModelInput, field: str) -> None:
    value = getattr(batch, field)
    changed = replace(batch, **{field: value + torch.ones_like(value)})
    assert not torch.allclose(model(batch).latent, model(changed).latent, atol=1e-6)


@torch.inference_mode()
def test_a_sample_does_not_depend_on_its_neighbours(model: GraspModel, batch: ModelInput) -> None:
    alone = ModelInput(**{name: value[:1] for name, value in vars(batch).items()})
    assert torch.allclose(model(batch).latent[0], model(alone).latent[0], atol=1e-5)


@torch.inference_mode()
def test_checkpoint_gives_back_the_same_model(model: GraspModel, batch: ModelInput, tmp_path: Path) -> None:
    model.save_pretrained(tmp_path)
    again = load(tmp_path, "cpu")
    assert torch.equal(model(batch).action.twist, again(batch).action.twist)
    assert again.config.words == model.config.words


def test_missing_checkpoint_is_named(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"config.json is missing"):
        load(tmp_path / "nothing")


def test_damaged_checkpoint_is_refused(model: GraspModel, tmp_path: Path) -> None:
    model.save_pretrained(tmp_path)
    weights = tmp_path / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(CheckpointError, match="cannot read the checkpoint"):
        load(tmp_path)


def test_a_checkpoint_of_another_model_is_refused_in_one_sentence(
    model: GraspModel, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    model.save_pretrained(tmp_path)
    config = tmp_path / "config.json"
    config.write_text(config.read_text().replace('"layers": 2', '"layers": 3'))
    with pytest.raises(CheckpointError, match="another version of the model"):
        load(tmp_path)
    config.write_text(config.read_text().replace('"width": 32', '"width": 64'))
    with pytest.raises(CheckpointError, match="another version of the model"):
        load(tmp_path)
    assert capfd.readouterr() == ("", "")
