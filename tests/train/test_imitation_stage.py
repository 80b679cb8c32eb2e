"""Imitation: modalities are dropped from the samples that the model is given, and words leave no trace then."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from autoglm_embodied.data.shards import Arrays
from autoglm_embodied.model.build import build_model, grasp_config
from autoglm_embodied.model.grasp_model import GraspModel, GraspOutput
from autoglm_embodied.model.grounding import Grounded
from autoglm_embodied.model.inputs import ModelInput
from autoglm_embodied.train.imitation_stage import ImitationStage, grounded_of
from autoglm_embodied.train.sources import Survey
from autoglm_embodied.types import MODALITIES

SAMPLES = 400
SURVEY = Survey(7, 48, 96, 0.25, SAMPLES, np.ones((5, 6)), np.ones(6))


@pytest.fixture(scope="module")
def model() -> GraspModel:
    torch.manual_seed(0)
    return build_model(grasp_config(width=16, layers=1, queries=2, image_height=48, image_width=96, stem=(4, 4, 8)))


def rows(model: GraspModel, rng: np.random.Generator) -> Arrays:
    config = model.config

    def drawn(*shape: int) -> np.ndarray:
        return rng.random((SAMPLES, *shape), np.float32)

    return {
        "pyramid": drawn(config.force_scales, 5, 6),
        "raw": drawn(config.raw_samples, 6),
        "arm": drawn(config.arm_features),
        "gripper": drawn(2),
        "ages_s": drawn(len(MODALITIES)),
        "twist": drawn(config.chunk, 6),
        "opened": drawn(config.chunk),
        "phase": rng.integers(6, size=SAMPLES),
        "latents": drawn(config.queries, config.width),
        "latents_unnamed": drawn(config.queries, config.width),
        "target_m": drawn(3),
        "spread_m": drawn(),
        "language": drawn(config.width),
    }


@pytest.mark.parametrize("modality", MODALITIES)
def test_the_stage_drops_each_modality_from_the_samples_it_learns_from(
    model: GraspModel, modality: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[Tensor] = []
    act = model.act

    def watched(batch: ModelInput, grounded: Grounded, language: Tensor) -> GraspOutput:
        given.append(batch.present)
        return act(batch, grounded, language)

    monkeypatch.setattr(model, "act", watched)
    rates = [0.3 if name == modality else 0.0 for name in MODALITIES]
    stage = ImitationStage(model, [], tmp_path, SURVEY, rates)
    rng = np.random.default_rng(0)
    losses = stage.losses(rows(model, rng), rng)
    assert given[0].float().mean(0).tolist() == pytest.approx([1 - rate for rate in rates], abs=0.08)
    assert all(loss.isfinite() for loss in losses.values())


def test_where_words_are_dropped_the_image_was_read_without_them(model: GraspModel) -> None:
    some, present = rows(model, np.random.default_rng(0)), torch.ones(SAMPLES, len(MODALITIES), dtype=torch.bool)
    present[0, MODALITIES.index("language")] = False
    latents = grounded_of(some, present)[0].latents.numpy()
    assert np.array_equal(latents[0], some["latents_unnamed"][0])
    assert np.array_equal(latents[1:], some["latents"][1:])
