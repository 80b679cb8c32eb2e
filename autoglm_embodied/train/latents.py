"""Statistics of a trained model's images and latents on what it learned from, for the guard that knows it at work."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch

from autoglm_embodied.data.shards import Arrays, Indices, Read, take
from autoglm_embodied.model.grasp_model import GraspModel
from autoglm_embodied.model.inputs import FORCE, ModelInput
from autoglm_embodied.model.latent_statistics import LatentStatistics, Spread, pooled
from autoglm_embodied.train.batches import everything, images, target_words
from autoglm_embodied.types import FloatArray

CHUNK = 256  # samples at once
READ = ("pyramid", "raw", "arm", "gripper", "ages_s")
Split = Callable[[Arrays, int], tuple[Indices, Indices]]
"""Rows of a shard, given its number, that are learned from, and rows kept aside."""


def latent_statistics(
    model: GraspModel, readers: Sequence[Read], split: Split, drop_force: float, seed: int
) -> LatentStatistics:
    """Of all demonstrated samples.

    Args:
        model: in inference mode.
        readers: of shards of samples.
        split: as in the imitation stage.
        drop_force: how often force is absent, as it is before it is zeroed.
        seed: draws sentences and where force is absent.
    """
    rng, number = np.random.default_rng([seed, 2]), 0
    learned: list[tuple[FloatArray, FloatArray]] = []
    aside: list[tuple[FloatArray, FloatArray]] = []
    for read in readers:
        arrays = read()
        rows = np.flatnonzero(arrays["target"] >= 0)
        if len(rows):
            shown = take(arrays, rows)
            parts = np.array_split(np.arange(len(rows)), -(-len(rows) // CHUNK))
            made = [_made(model, take(shown, part), drop_force, rng) for part in parts]
            image, latent = (np.concatenate(each) for each in zip(*made, strict=True))
            for kept, chosen in zip((learned, aside), split(shown, number), strict=True):
                kept.append((image[chosen], latent[chosen]))
            number += 1
    gathered = [[np.concatenate(each) for each in zip(*kept, strict=True)] for kept in (learned, aside)]
    return LatentStatistics(*(Spread.fit(of, others) for of, others in zip(*gathered, strict=True)))


@torch.inference_mode()
def _made(
    model: GraspModel, rows: Arrays, drop_force: float, rng: np.random.Generator
) -> tuple[FloatArray, FloatArray]:
    """Means of the visual tokens, and shared latents, (n, D) each."""
    count, device = len(rows["phase"]), model.device
    present = everything(count, device)
    present[:, FORCE] = torch.from_numpy(rng.random(count) >= drop_force).to(device)
    visual, words = model.encode(images(rows).to(device)), target_words(rows, model.config, rng)
    read = {name: torch.from_numpy(rows[name]) for name in READ}
    output = model(ModelInput(visual=visual, words=words, present=present, **read).to(device))
    return pooled(visual.cpu().numpy()), output.latent.cpu().numpy()
