"""Every collection that the policy can learn from, as training samples.

Of a demonstration they are what a robot's aligner would have sensed, and the answer: force and hand are pushed step by
step, the wrist is tared when the hand sets out, and at every fourth frame's delivery the aligner is asked; the label is
what the hand was commanded to do from then on.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autoglm_embodied.align.aligner import Aligner
from autoglm_embodied.align.settings import AlignSettings
from autoglm_embodied.data.schemas import DEMONSTRATIONS, LABELLED_IMAGES, OUTCOMES, SAMPLES
from autoglm_embodied.data.shards import Arrays, Read, Shard, joined, kind_of, read_shard, shard_paths
from autoglm_embodied.errors import ConfigError, SensorError
from autoglm_embodied.model.build import grasp_config
from autoglm_embodied.model.config import TOOL_FEATURES
from autoglm_embodied.model.encoders import TOKEN_STRIDE
from autoglm_embodied.model.inputs import felt_features
from autoglm_embodied.types import ArmState, FloatArray, ForceFeatures, Observation, Phase

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


AXES = 4  # x, y, z and yaw of the hand, which stand for joints
SAMPLE_EVERY = 4  # periods of an action chunk
MOST_OBJECTS = 16  # of a scene

ALIGN = AlignSettings(arm_joints=AXES, finger_joints=1)
ROWS = {"I": "objects", "A": "approaches", "F": "frames", "S": "steps"}
"""Letter of a field's shape to the field that counts its rows in each episode."""


def demonstration_samples(shard: Shard) -> Shard:
    """The samples of all episodes of a shard of DEMONSTRATIONS, as a shard of SAMPLES."""
    parts = [_episode_samples(_episode(shard.arrays, number), note) for number, note in enumerate(shard.notes)]
    return Shard(joined(parts), shard.notes)


def hand_transform(position: FloatArray) -> FloatArray:
    """T_base_tool (4, 4) of a hand that points down, from x, y, z [m] and yaw [rad]; it closes along the tool's y."""
    x, y, z, yaw = position.tolist()
    cos, sin = np.cos(yaw), np.sin(yaw)
    return np.array([[cos, sin, 0, x], [sin, -cos, 0, y], [0, 0, -1, z], [0, 0, 0, 1.0]])


def _episode(arrays: Arrays, number: int) -> Arrays:
    """The rows of one episode of every field."""
    rows: dict[str, Any] = {"E": number}
    for letter, count in ROWS.items():
        end = int(arrays[count][: number + 1].sum())
        rows[letter] = slice(end - int(arrays[count][number]), end)
    return {name: arrays[name][rows[meaning[1]]] for name, meaning in DEMONSTRATIONS.fields.items()}


def _episode_samples(episode: Arrays, note: dict[str, Any]) -> Arrays:
    config = grasp_config()
    period_ns = SAMPLE_EVERY * config.dt_ns
    frame_ns, last_ns = episode["frame_ns"], int(episode["step_ns"][-1])
    kept, next_ns = [], 0
    for frame, stamp_ns in enumerate(frame_ns.tolist()):
        if stamp_ns >= next_ns and stamp_ns + config.dt_ns <= last_ns:
            kept.append(frame)
            next_ns = stamp_ns + period_ns - config.dt_ns // 2
    ticks_ns = [int(frame_ns[frame]) + config.dt_ns for frame in kept]  # a frame is delivered a period late
    sensed = _observations(episode, ticks_ns)
    rows = [
        _sample(episode, frame, seen, force, arm, bool(note["held"]))
        for frame, seen in zip(kept, sensed, strict=True)
        if (force := seen.force.value) is not None and (arm := seen.joints.value) is not None
    ]
    if not rows:
        raise SensorError(f"the demonstration of seed {note['seed']} never tared its wrist; collect it again")
    samples = {name: np.stack([row[name] for row in rows]) for name in rows[0]}
    return samples | {"samples": np.array([len(rows)])}


def _observations(episode: Arrays, ticks_ns: list[int]) -> list[Observation]:
    """What the aligner says at each tick of all that was pushed until then."""
    aligner = Aligner(ALIGN, hand_transform)
    stamps, wrench = episode["step_ns"].tolist(), episode["wrench"].astype(np.float64)
    position = np.column_stack([episode["pose"], episode["width_m"]]).astype(np.float64)  # (S, 5)
    velocity = np.diff(position, axis=0, prepend=position[:1]) / np.diff(episode["step_ns"], prepend=-1)[:, None] * 1e9
    tare_steps = set((np.searchsorted(episode["step_ns"], episode["approach_ns"], side="right") - 1).tolist())
    sensed, begun = [], 0
    for tick_ns, end in zip(
        ticks_ns, np.searchsorted(episode["step_ns"], ticks_ns, side="right").tolist(), strict=True
    ):
        for step in range(begun, end):
            aligner.push_wrench(stamps[step], stamps[step], wrench[step])
            aligner.push_joints(stamps[step], stamps[step], position[step], velocity[step])
            if step in tare_steps:
                with suppress(SensorError):  # the hand moves: the last tare stays, as on a robot
                    aligner.tare(stamps[step])
        begun = end
        sensed.append(aligner.observe(tick_ns))
    return sensed


def _sample(episode: Arrays, frame: int, seen: Observation, force: ForceFeatures, arm: ArmState, held: bool) -> Arrays:
    """One row of SAMPLES."""
    config = grasp_config()
    step = int(np.searchsorted(episode["step_ns"], seen.t_ns, side="right")) - 1
    ends_ns = seen.t_ns + config.dt_ns * np.arange(config.chunk + 1, dtype=np.int64)
    twist, opened = _commands(episode, ends_ns)
    vision_age_s = (seen.t_ns - int(episode["frame_ns"][frame])) / 1e9
    return {
        "rgb": episode["rgb"][frame],
        "depth_mm": episode["depth_mm"][frame],
        **felt_features(force, arm),
        "ages_s": np.array([vision_age_s, seen.force.age_ns / 1e9, seen.joints.age_ns / 1e9, 0], np.float32),
        "objects": _objects(episode),
        "placed": np.array(step <= _first_closing(episode)),
        "target": np.array(int(episode["target"]) if held and _is_demonstrated(episode, seen.t_ns) else -1),
        "twist": twist.astype(np.float32),
        "opened": opened.astype(np.float32),
        "phase": np.array(int(episode["phase"][step])),
        "camera": episode["camera"],
        "T_base_camera": episode["T_base_camera"],
    }


def _commands(episode: Arrays, ends_ns: NDArray[np.int64]) -> tuple[FloatArray, NDArray[np.bool_]]:
    """What was commanded between H + 1 instants: twists (H, 6) in the base frame [m/s, rad/s], and opened (H,)."""
    rows = np.clip(np.searchsorted(episode["step_ns"], ends_ns, side="right") - 1, 0, len(episode["step_ns"]) - 1)
    pose = episode["commanded_pose"][rows].astype(np.float64)  # (H + 1, 4)
    pose[:, 3] = np.unwrap(pose[:, 3])
    rate = np.diff(pose, axis=0) / (np.diff(ends_ns)[:, None] / 1e9)
    twist = np.zeros((len(rate), 6))
    twist[:, [0, 1, 2, 5]] = rate
    return twist, episode["commanded_width_m"][rows[:-1]] > 0


def _objects(episode: Arrays) -> FloatArray:
    """(MOST_OBJECTS, 6) rows of SAMPLES; the size is the mean over the principal axes."""
    rows = np.full((MOST_OBJECTS, 6), -1, np.float32)
    there = rows[: int(episode["objects"])]
    there[:, 0] = episode["object_colour"]  # their shape stays -1: no word says it
    there[:, 2:5], there[:, 5] = episode["object_pose"][:, :3], episode["object_extent_m"].mean(axis=1)
    return rows


def _first_closing(episode: Arrays) -> int:
    """The step before which nothing has been moved: the fingers have not closed yet."""
    closing = np.flatnonzero(episode["phase"] == Phase.CLOSE.value)
    return int(closing[0]) if len(closing) else len(episode["phase"])


def _is_demonstrated(episode: Arrays, t_ns: int) -> bool:
    """Whether the hand goes for the target then, and not for a neighbour that it takes aside."""
    latest = int(np.searchsorted(episode["approach_ns"], t_ns, side="right")) - 1
    return latest >= 0 and int(episode["approach_object"][latest]) == int(episode["target"])
