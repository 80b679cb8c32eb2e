"""Samples on disk: safetensors files, each whole or absent, so that a killed collection goes on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import load_file, save_file

from autoglm_embodied.errors import ConfigError

Arrays = dict[str, NDArray[Any]]

FIELDS = {
    "rgb": "(n, h, w, 3) uint8",
    "depth_mm": "(n, h, w) uint16, 0 unknown",
    "pyramid": "(n, S, 5, 6) float32 [N, N·m]",
    "raw": "(n, R, 6) float32",
    "arm": "(n, 23) float32, see model.inputs.arm_features",
    "gripper": "(n, 2) float32 width [m] and its rate",
    "ages_s": "(n, 4) float32, in the order of MODALITIES",
    "things": "(n, T, 6) float32: colour and shape index (-1: none), centre x y z [m], size [m]",
    "target": "(n,) int64 index of the named thing, -1 in a picture without a demonstration",
    "twist": "(n, H, 6) float32 the expert's, base frame [m/s, rad/s]",
    "opened": "(n, H) float32 1 where the expert opens the gripper",
    "phase": "(n,) int64",
    "camera": "(n, 6) float64 fx, fy, cx, cy [px], width, height",
    "T_base_camera": "(n, 4, 4) float64 of the optical frame",
}
"""What every shard holds; n samples."""


def shard_path(directory: Path, kind: str, index: int) -> Path:
    """File of shard `index` of a kind."""
    return directory / f"{kind}-{index:05d}.safetensors"


def write_shard(path: Path, arrays: Arrays, metadata: dict[str, str]) -> None:
    """Write all fields at once: a reader sees a whole shard or none."""
    if set(arrays) != set(FIELDS):
        raise ConfigError(f"a shard must hold {sorted(FIELDS)}, got {sorted(arrays)}")
    partial = path.with_suffix(".partial")
    save_file({name: np.ascontiguousarray(array) for name, array in arrays.items()}, partial, metadata)
    partial.replace(path)


def read_shards(directories: list[Path]) -> Arrays:
    """All samples of all directories, concatenated.

    Raises:
        ConfigError: there is no shard, or one is damaged.
    """
    paths = [path for directory in directories for path in sorted(directory.glob("*-*.safetensors"))]
    if not paths:
        raise ConfigError(f"no shards in {', '.join(map(str, directories))}; run autoglm collect --out DIR first")
    counts = [_count(path) for path in paths]
    arrays: Arrays = {}
    for path, start in zip(paths, np.cumsum([0, *counts]), strict=False):
        for name, part in load_file(path).items():
            if name not in arrays:  # memory for all shards at once: they may fill most of it
                arrays[name] = np.empty((sum(counts), *part.shape[1:]), part.dtype)
            arrays[name][start : start + len(part)] = part
    return arrays


def _count(path: Path) -> int:
    """Samples in a shard; ConfigError if it is damaged or of another version."""
    try:
        with safe_open(path, "np") as shard:
            if set(shard.keys()) != set(FIELDS):
                raise ConfigError(f"{path} was written by another version; collect into a new folder")
            return int(shard.get_slice("phase").get_shape()[0])
    except (OSError, SafetensorError) as error:
        raise ConfigError(f"cannot read {path}: {error}; delete it and collect again") from error
