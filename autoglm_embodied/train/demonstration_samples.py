"""Demonstrations to training samples, through the aligner that a robot uses: what it would have sensed, and the answer.

An episode's force and hand are pushed step by step, the wrist is tared when the hand sets out, and at every fourth
frame's delivery the aligner is asked; the label is what the hand was commanded to do from then on.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autoglm_embodied.align.aligner import Aligner
from autoglm_embodied.align.settings import AlignSettings
from autoglm_embodied.data.schemas import DEMONSTRATIONS
from autoglm_embodied.data.shards import Arrays, Shard, joined
from autoglm_embodied.errors import SensorError
from autoglm_embodied.model.build import grasp_config
from autoglm_embodied.model.inputs import arm_features, gripper_features
from autoglm_embodied.types import ArmState, FloatArray, ForceFeatures, Observation, Phase

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
        "pyramid": force.pyramid.astype(np.float32),
        "raw": force.raw.astype(np.float32),
        "arm": arm_features(arm),
        "gripper": gripper_features(arm),
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
