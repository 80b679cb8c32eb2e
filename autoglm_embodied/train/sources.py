"""Every collection that the policy can learn from, as training samples."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from autoglm_embodied.data.schemas import DEMONSTRATIONS, LABELLED_IMAGES, OUTCOMES, SAMPLES
from autoglm_embodied.data.shards import Arrays, Read, kind_of, read_shard, shard_paths
from autoglm_embodied.errors import ConfigError
from autoglm_embodied.model.build import grasp_config
from autoglm_embodied.model.config import TOOL_FEATURES
from autoglm_embodied.model.encoders import TOKEN_STRIDE
from autoglm_embodied.train.demonstration_samples import MOST_OBJECTS, demonstration_samples
from autoglm_embodied.types import FloatArray

SPEED_STEP_M_S = 0.05  # to which the largest speed of the data is rounded up


@dataclass(frozen=True)
class Survey:
    """What all samples of a collection have in common, and how the wrench spreads."""

    joints: int
    image_height: int
    image_width: int
    max_speed_m_s: float  # of the tool, in any direction of the base frame
    demonstrated: int  # samples that show what the expert did
    pyramid_std: FloatArray  # (5, 6) over those
    raw_std: FloatArray  # (6,)


def kinds_of_data(directories: Sequence[Path]) -> set[str]:
    """The kinds of shards that folders hold; ConfigError if there is none."""
    return {kind_of(path) for path in shard_paths(directories)}


def sample_readers(directories: Sequence[Path]) -> list[Read]:
    """How to read each shard that holds samples or demonstrations; ConfigError if there is none."""
    kinds = {path: kind_of(path) for path in shard_paths(directories)}
    learned = [path for path, kind in kinds.items() if kind not in (OUTCOMES.kind, LABELLED_IMAGES.kind)]
    if not learned:
        where = ", ".join(map(str, directories))
        found = " and ".join(sorted(set(kinds.values())))
        raise ConfigError(f"{where} holds {found} alone, which train the scorer or the segmenter, not the policy")
    return [partial(read_samples, path) for path in learned]


def read_samples(path: Path) -> Arrays:
    """The samples of one shard, each field a row a sample, with its `instruction` (empty: none was given)."""
    if kind_of(path) == DEMONSTRATIONS.kind:
        shard = demonstration_samples(read_shard(path, DEMONSTRATIONS))
    else:
        shard = read_shard(path, SAMPLES)
    said = np.array([note["instruction"] or "" for note in shard.notes], object)
    arrays = {name: values for name, values in shard.arrays.items() if name != "samples"}
    missing = MOST_OBJECTS - arrays["objects"].shape[1]
    arrays["objects"] = np.pad(arrays["objects"], ((0, 0), (0, missing), (0, 0)), constant_values=-1)
    return arrays | {"instruction": np.repeat(said, shard.arrays["samples"])}


def survey(readers: Sequence[Read]) -> Survey:
    """One pass over all samples; ConfigError if they are of several robots, or of images the encoder cannot read."""
    sizes: Counter[tuple[int, int, int]] = Counter()
    fastest, demonstrated, pyramid, raw = 0.0, 0, _Spread((5, 6)), _Spread((6,))
    for read in readers:
        arrays = read()
        shown = arrays["target"] >= 0
        height, width = arrays["rgb"].shape[1:3]
        sizes[((arrays["arm"].shape[1] - TOOL_FEATURES) // 2, height, width)] += len(shown)
        demonstrated += int(shown.sum())
        fastest = max(fastest, float(np.abs(arrays["twist"][..., :3]).max(initial=0)))
        pyramid.add(arrays["pyramid"][shown].reshape(-1, 5, 6))
        raw.add(arrays["raw"][shown].reshape(-1, 6))
    if len(sizes) > 1:
        found = ", ".join(f"{joints} joints with {width}x{height} px" for joints, height, width in sorted(sizes))
        raise ConfigError(f"the samples must be of one robot and camera, got {found}; name folders that go together")
    ((joints, height, width),) = sizes
    if height % TOKEN_STRIDE or width % TOKEN_STRIDE:
        raise ConfigError(f"images must be multiples of {TOKEN_STRIDE} px, got {width}x{height}; collect others")
    usual, steps = grasp_config().max_speed_m_s, math.ceil(fastest / SPEED_STEP_M_S - 1e-3)
    speed = max(usual, round(steps * SPEED_STEP_M_S, 3))
    return Survey(joints, height, width, speed, demonstrated, pyramid.std, raw.std)


class _Spread:
    """Standard deviation of rows that come in portions."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        self.count = 0
        self._sum, self._squares = np.zeros(shape), np.zeros(shape)

    def add(self, rows: FloatArray) -> None:
        """Rows (n, ...) of the shape."""
        self.count += len(rows)
        self._sum += rows.sum(axis=0, dtype=np.float64)
        self._squares += np.square(rows, dtype=np.float64).sum(axis=0)

    @property
    def std(self) -> FloatArray:
        """Over all rows so far; 0 of none."""
        mean = self._sum / max(self.count, 1)
        return np.asarray(np.sqrt(np.maximum(self._squares / max(self.count, 1) - mean**2, 0)))
