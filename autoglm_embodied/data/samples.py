"""The samples of the primitives' collection, and how all of them are read at once."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from autoglm_embodied.data.shards import Arrays, Schema, read_shard, shard_paths

FIELDS = {
    "rgb": "(n, h, w, 3) uint8",
    "depth_mm": "(n, h, w) uint16, 0 unknown",
    "pyramid": "(n, S, 5, 6) float32 [N, N·m]",
    "raw": "(n, R, 6) float32",
    "arm": "(n, 23) float32, see model.inputs.arm_features",
    "gripper": "(n, 2) float32 width [m] and its rate",
    "ages_s": "(n, 4) float32, in the order of MODALITIES",
    "things": "(n, T, 6) float32: colour and shape index (-1: none), centre x y z [m], size [m]",
    "target": "(n,) int64 index of the named thing, -1 in an image without a demonstration",
    "twist": "(n, H, 6) float32 the expert's, base frame [m/s, rad/s]",
    "opened": "(n, H) float32 1 where the expert opens the gripper",
    "phase": "(n,) int64",
    "camera": "(n, 6) float64 fx, fy, cx, cy [px], width, height",
    "T_base_camera": "(n, 4, 4) float64 of the optical frame",
}
"""What every shard holds; n samples."""
SAMPLES = Schema("samples", 2, FIELDS)


def read_samples(directories: list[Path]) -> Arrays:
    """All samples of all directories, concatenated.

    Raises:
        ConfigError: there is no shard, or one is damaged.
    """
    paths = shard_paths(directories)
    counts = [len(read_shard(path, SAMPLES).arrays["phase"]) for path in paths]
    arrays: Arrays = {}
    for path, start in zip(paths, np.cumsum([0, *counts]), strict=False):
        for name, part in read_shard(path, SAMPLES).arrays.items():
            if name not in arrays:  # memory for all shards at once: they may fill most of it
                arrays[name] = np.empty((sum(counts), *part.shape[1:]), part.dtype)
            arrays[name][start : start + len(part)] = part
    return arrays
