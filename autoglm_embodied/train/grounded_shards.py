"""What the frozen grounding found in every demonstrated sample, on disk: the imitation stage reads it many times."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from autoglm_embodied.data.shards import Arrays, Schema, Shard, read_shard, shard_path, write_shard
from autoglm_embodied.data.stream import Read
from autoglm_embodied.model.grasp_model import GraspModel
from autoglm_embodied.model.grounding import Grounded
from autoglm_embodied.model.inputs import LANGUAGE
from autoglm_embodied.train.batches import everything, images, target_words

CHUNK = 256  # samples encoded at once
KEPT = ("pyramid", "raw", "arm", "gripper", "ages_s", "twist", "opened", "phase")
GROUNDED = Schema(
    "grounded",
    1,
    {
        **dict.fromkeys(KEPT, "as in samples"),
        "latents": "(n, Q, D) float32 read from the image with the words",
        "latents_unnamed": "(n, Q, D) float32 read from it without words",
        "target_m": "(n, 3) float32",
        "spread_m": "(n,) float32",
        "language": "(n, D) float32 summary of the words",
    },
)


class GroundedShards:
    """A folder that holds, for each shard of samples, what was grounded in its demonstrated rows."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def write(self, model: GraspModel, shards: Sequence[Read], seeds: tuple[int, ...]) -> list[Read]:
        """Ground all shards anew, and say how to read what was found.

        Args:
            model: whose encoders and grounding are used, in inference mode.
            shards: of samples.
            seeds: from which the sentences follow.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        written: list[Read] = []
        for number, read in enumerate(shards):
            arrays = read()
            rows = np.flatnonzero(arrays["target"] >= 0)
            if len(rows):
                path, rng = shard_path(self._folder, GROUNDED.kind, number), np.random.default_rng([*seeds, number])
                parts = [
                    _grounded(model, {name: values[some] for name, values in arrays.items()}, rng)
                    for some in np.array_split(rows, -(-len(rows) // CHUNK))
                ]
                fields = {name: np.concatenate([part[name] for part in parts]) for name in GROUNDED.fields}
                write_shard(path, GROUNDED, Shard(fields))
                written.append(partial(_read, path))
        return written

    def remove(self) -> None:
        """Nothing is left on disk."""
        shutil.rmtree(self._folder, ignore_errors=True)


def _read(path: Path) -> Arrays:
    return read_shard(path, GROUNDED).arrays


@torch.no_grad()
def _grounded(model: GraspModel, rows: Arrays, rng: np.random.Generator) -> Arrays:
    device = model.device
    visual = model.encode(images(rows).to(device))
    words, present = target_words(rows, model.config, rng).to(device), everything(len(visual), device)
    named, language = model.ground(visual, words, present)
    present[:, LANGUAGE] = False
    unnamed, _ = model.ground(visual, words, present)
    found = {"latents": named.latents, "latents_unnamed": unnamed.latents, "language": language}
    found |= {"target_m": named.target_m, "spread_m": named.spread_m}
    return {name: rows[name] for name in KEPT} | {name: value.cpu().numpy() for name, value in found.items()}


def grounded_of(rows: Arrays, present: Tensor) -> tuple[Grounded, Tensor]:
    """What `GraspModel.act` needs of the grounding, and the summary of the words (B, D).

    Args:
        rows: B samples of GROUNDED.
        present: (B, M) bool; without words, latents are those that were read without them.
    """
    device = present.device

    def tensor(name: str) -> Tensor:
        return torch.from_numpy(rows[name]).to(device)

    latents = torch.where(present[:, LANGUAGE, None, None], tensor("latents"), tensor("latents_unnamed"))
    nothing = torch.empty(len(present), 0, device=device)  # matches and votes of single tokens are not used to act
    return Grounded(latents, nothing, nothing, tensor("target_m"), tensor("spread_m"), nothing), tensor("language")
