"""What an absent modality held changes no bit of any output, for every modality and every output."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import pytest
import torch
from torch import Tensor

from autoglm_embodied.model.build import build_model, grasp_config
from autoglm_embodied.model.grasp_model import GraspModel, GraspOutput
from autoglm_embodied.model.inputs import ModelInput
from autoglm_embodied.types import MODALITIES, Referent

FIELDS = {"vision": ("visual",), "force": ("pyramid", "raw"), "joints": ("arm", "gripper"), "language": ("words",)}
PRESENCES = tuple(product((False, True), repeat=len(MODALITIES)))
CONTENTS = (float("nan"), float("inf"), -float("inf"), 1e30, -3.0)


@pytest.fixture(scope="module")
def model() -> GraspModel:
    torch.manual_seed(0)
    changes = {"width": 32, "layers": 2, "queries": 4, "image_height": 48, "image_width": 96, "stem": (8, 8, 16)}
    return build_model(grasp_config(**changes)).eval()


def batch(model: GraspModel, present: tuple[tuple[bool, ...], ...]) -> ModelInput:
    """Random content for every modality, one sample for each row of `present`."""
    generator, config, size = torch.Generator().manual_seed(1), model.config, len(present)

    def drawn(*shape: int) -> Tensor:
        return torch.rand(size, *shape, generator=generator)

    with torch.inference_mode():
        visual = model.encode(drawn(7, config.image_height, config.image_width))
    return ModelInput(
        visual=visual,
        pyramid=drawn(config.force_scales, 5, 6),
        raw=drawn(config.raw_samples, 6),
        arm=drawn(config.arm_features),
        gripper=drawn(2),
        words=torch.randint(1, len(config.words) + 2, (size, config.max_words), generator=generator),
        ages_s=drawn(len(MODALITIES)),
        present=torch.tensor(present),
    )


def changed(before: ModelInput, modality: str, content: float) -> ModelInput:
    """Other content, age included, of a modality wherever it is absent; words become any others."""
    index = MODALITIES.index(modality)
    absent = ~before.present[:, index]
    fields = {name: getattr(before, name).clone() for name in (*FIELDS[modality], "ages_s")}
    fields["ages_s"][absent, index] = content
    for name in FIELDS[modality]:
        value = fields[name]
        value[absent] = (value[absent] + 1) % 11 if name == "words" else content
    return replace(before, **fields)


def outputs(output: GraspOutput) -> dict[str, Tensor]:
    """Every output by name."""
    named = {**output.action._asdict(), **output.grounded._asdict()}
    return {**named, "gate": output.gate, "latent": output.latent}


def differing(before: GraspOutput, after: GraspOutput) -> list[str]:
    """Names of the outputs that are not the same to the bit."""
    pairs = zip(outputs(before).items(), outputs(after).values(), strict=True)
    return [name for (name, old), new in pairs if not torch.equal(old, new)]


@torch.inference_mode()
@pytest.mark.parametrize("content", CONTENTS, ids=str)
@pytest.mark.parametrize("modality", MODALITIES)
def test_content_of_an_absent_modality_changes_no_bit_of_any_output(
    model: GraspModel, modality: str, content: float
) -> None:
    before = batch(model, PRESENCES)  # each sample with a mask of its own
    assert differing(model(before), model(changed(before, modality, content))) == []
    alone = batch(model, (tuple(name != modality for name in MODALITIES),))
    assert differing(model(alone), model(changed(alone, modality, content))) == []


@torch.inference_mode()
def test_absent_modalities_weigh_nothing_and_every_output_is_finite(model: GraspModel) -> None:
    before = batch(model, PRESENCES)
    for modality in MODALITIES:
        before = changed(before, modality, float("nan"))
    output = model(before)
    assert all(value.isfinite().all() for value in outputs(output).values())
    assert (output.gate[~before.present] == 0).all() and (output.gate[before.present] > 0).all()
    assert torch.allclose(output.gate.sum(1), before.present.any(1).float())


@torch.inference_mode()
@pytest.mark.parametrize("modality", ["vision", "language"])
def test_without_image_or_words_nothing_is_named(model: GraspModel, modality: str) -> None:
    before = batch(model, ((True,) * len(MODALITIES),))
    before.present[:, MODALITIES.index(modality)] = False
    grounded = model(before).grounded
    assert Referent(int(grounded.referent_logits[0].argmax())) is Referent.NONE
    assert (grounded.match_logits.sigmoid() == 0).all() and (grounded.target_m == 0).all()


@torch.inference_mode()
@pytest.mark.parametrize("modality", ["vision", "joints", "language"])
def test_the_target_is_read_only_with_image_joints_and_words(model: GraspModel, modality: str) -> None:
    before = batch(model, ((True,) * len(MODALITIES),))
    grounded, language = model.ground(before.visual, before.words, before.present)
    elsewhere = grounded._replace(target_m=grounded.target_m + 1)
    assert not torch.equal(model.act(before, grounded, language).latent, model.act(before, elsewhere, language).latent)
    before.present[:, MODALITIES.index(modality)] = False
    assert torch.equal(model.act(before, grounded, language).latent, model.act(before, elsewhere, language).latent)
