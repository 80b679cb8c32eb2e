"""The model: shapes, sizes, what the shipped weights give, and checkpoints that come back to the bit."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from autoglm_embodied.errors import CheckpointError, ConfigError
from autoglm_embodied.model.build import SIZES, build_encoders, build_model, grasp_config
from autoglm_embodied.model.checkpoint import load, torch_device
from autoglm_embodied.model.grasp_model import GraspModel
from autoglm_embodied.model.inputs import ModelInput
from autoglm_embodied.types import MODALITIES

BATCH = 3
LATENT = [-0.270466, 0.657397, 0.167283, 0.943128]
GATE = [0.527413, 0.111886, 0.356158, 0.004543]
TWIST = [0.003096, 0.020132, 0.550459, -0.008987, -0.001277, 0.020807]


@pytest.fixture(scope="module")
def model() -> GraspModel:
    torch.manual_seed(0)
    small = grasp_config(width=32, layers=2, queries=4, image_height=48, image_width=96, stem=(8, 8, 16))
    return build_model(small).eval()


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


@torch.inference_mode()
def test_the_shipped_weights_give_what_they_gave() -> None:
    model, generator = load(device="cpu"), torch.Generator().manual_seed(7)
    image = torch.rand(1, 7, 216, 288, generator=generator)
    output = model(
        ModelInput(
            visual=model.encode(image),
            pyramid=torch.randn(1, 4, 5, 6, generator=generator),
            raw=torch.randn(1, 64, 6, generator=generator),
            arm=torch.randn(1, 23, generator=generator),
            gripper=torch.rand(1, 2, generator=generator) * 0.08,
            words=torch.tensor([[2, 8, 0, 0, 0, 0, 0, 0]]),
            ages_s=torch.rand(1, 4, generator=generator) * 0.1,
            present=torch.ones(1, 4, dtype=torch.bool),
        )
    )
    assert output.latent[0, :4].tolist() == pytest.approx(LATENT, abs=1e-4)
    assert output.gate[0].tolist() == pytest.approx(GATE, abs=1e-5)
    assert output.action.twist[0, 0].tolist() == pytest.approx(TWIST, abs=1e-4)


@pytest.mark.parametrize("size", SIZES)
def test_every_named_size_can_be_built_with_the_encoders_it_is_given(size: str) -> None:
    config = grasp_config(size, joints=6, image_height=96, image_width=96)
    encoders = build_encoders(config)
    model = GraspModel(config, encoders)
    assert model.frames is encoders.frames and model.words is encoders.words
    assert model.force is encoders.force and model.arm is encoders.arm


def test_sizes_and_devices_that_are_not_there_are_named() -> None:
    with pytest.raises(ConfigError, match="no model of size 'huge'; choose from nano, base"):
        grasp_config("huge")
    with pytest.raises(ConfigError, match="must be auto, cpu or cuda, got 'abacus'"):
        torch_device("abacus")
