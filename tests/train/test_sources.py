"""A demonstration as training samples: what an aligner says of it, and what the hand was commanded to do next."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from autoglm_embodied.data.schemas import DEMONSTRATIONS, SAMPLES
from autoglm_embodied.data.shards import Shard, read_shard
from autoglm_embodied.model.build import grasp_config
from autoglm_embodied.train.sources import AXES, demonstration_samples, hand_transform
from autoglm_embodied.types import Phase

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def shown(suite_data: Path) -> Shard:
    (path,) = suite_data.glob("*.safetensors")
    return read_shard(path, DEMONSTRATIONS)


@pytest.fixture(scope="module")
def samples(shown: Shard) -> Shard:
    return demonstration_samples(shown)


def test_every_field_of_the_schema_is_there_and_finite(samples: Shard) -> None:
    assert set(samples.arrays) == set(SAMPLES.fields)
    assert all(np.isfinite(values).all() for values in samples.arrays.values())
    assert samples.arrays["samples"].sum() == len(samples.arrays["phase"])


def test_labels_are_the_commanded_motion_from_the_tick_on(shown: Shard, samples: Shard) -> None:
    config, steps = grasp_config(), int(shown.arrays["steps"][0])
    stamps, commanded = shown.arrays["step_ns"][:steps], shown.arrays["commanded_pose"][:steps].astype(float)
    frames = shown.arrays["frame_ns"][: int(shown.arrays["frames"][0])]
    sample = int(samples.arrays["samples"][0]) // 3
    depth_mm = samples.arrays["depth_mm"][sample]  # its noise tells a frame from all others
    frame = next(i for i, seen in enumerate(shown.arrays["depth_mm"]) if np.array_equal(seen, depth_mm))
    t_ns = int(frames[frame]) + config.dt_ns
    ends = np.searchsorted(stamps, [t_ns, t_ns + config.chunk * config.dt_ns], side="right") - 1
    moved = samples.arrays["twist"][sample].sum(axis=0) * config.dt_ns / 1e9
    assert moved[[0, 1, 2, 5]] == pytest.approx(np.diff(commanded[ends], axis=0)[0], abs=1e-5)
    assert np.abs(moved).max() > 1e-3


def test_the_wrench_is_tared_and_shows_the_objects_weight_while_it_hangs(shown: Shard, samples: Shard) -> None:
    first = int(samples.arrays["samples"][0])
    pyramid, phase = samples.arrays["pyramid"][:first], samples.arrays["phase"][:first]
    target = int(shown.arrays["target"][0])
    weight_n = 9.81 * shown.arrays["object_mass_kg"][: int(shown.arrays["objects"][0])][target]
    before = np.abs(pyramid[: first // 4, -1, 0, 2]).max()
    assert before < 0.5 and phase[-1] == Phase.HOLD.value
    assert pyramid[-1, -1, 0, 2] == pytest.approx(weight_n, abs=0.3)


def test_only_what_was_held_is_imitated_and_objects_are_known_until_the_hand_closes(
    shown: Shard, samples: Shard
) -> None:
    failed = demonstration_samples(Shard(shown.arrays, tuple({**note, "held": False} for note in shown.notes)))
    assert (failed.arrays["target"] == -1).all() and (samples.arrays["target"] >= 0).any()
    closed = np.isin(samples.arrays["phase"], (Phase.LIFT.value, Phase.HOLD.value))
    assert not samples.arrays["placed"][closed].any() and samples.arrays["placed"].any()


def test_the_hand_stands_for_the_arm(samples: Shard) -> None:
    arm = samples.arrays["arm"]
    assert arm.shape[1] == grasp_config(joints=AXES).arm_features
    T_base_tool = hand_transform(arm[5, :AXES].astype(float))
    assert arm[5, -9:-6] == pytest.approx(T_base_tool[:3, 3], abs=1e-6)
    assert np.allclose(T_base_tool[:3, :3].T @ T_base_tool[:3, :3], np.eye(3))
    assert np.linalg.det(T_base_tool[:3, :3]) == pytest.approx(1)
