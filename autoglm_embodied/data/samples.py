"""The schema of training samples: what was sensed at an instant, what the expert did from then on, what lay there."""

from __future__ import annotations

from autoglm_embodied.data.shards import Schema

SAMPLES = Schema(
    "samples",
    3,
    {
        "rgb": "(n, h, w, 3) uint8",
        "depth_mm": "(n, h, w) uint16, 0 unknown",
        "pyramid": "(n, S, 5, 6) float32 [N, N·m]",
        "raw": "(n, R, 6) float32",
        "arm": "(n, 2 J + 9) float32, see model.inputs.arm_features",
        "gripper": "(n, 2) float32 width [m] and its rate",
        "ages_s": "(n, 4) float32, in the order of MODALITIES",
        "objects": "(n, T, 6) float32: index in COLOURS (-1: no object), in SHAPES (-1: another), centre [m], size [m]",
        "placed": "(n,) bool the objects are where the row says",
        "target": "(n,) int64 index of the named object, -1 where nothing is demonstrated",
        "twist": "(n, H, 6) float32 the expert's, base frame [m/s, rad/s]",
        "opened": "(n, H) float32 1 where the expert opens the gripper",
        "phase": "(n,) int64",
        "camera": "(n, 6) float64 fx, fy, cx, cy [px], width, height",
        "T_base_camera": "(n, 4, 4) float64 of the optical frame",
        "samples": "(E,) int64 samples of each episode, one after the other",
    },
)
"""n samples of E episodes; the note of each says its `instruction`, None where words are to be drawn."""
