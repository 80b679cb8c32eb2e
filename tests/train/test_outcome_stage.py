"""The scorer learns what comes of grasps, goes on where it was stopped, and sees crops where things really are."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from autoglm_embodied.data.schemas import OUTCOMES, SAMPLES
from autoglm_embodied.data.shards import Arrays, Shard, write_shard
from autoglm_embodied.errors import ConfigError
from autoglm_embodied.model.checkpoint import load_scorer
from autoglm_embodied.tools.cli import main
from autoglm_embodied.train.loop import TrainSettings, train_scorer
from autoglm_embodied.train.outcome_stage import (
    area_under_curve,
    calibration_error,
    grasp_view,
    outcome_of,
)
from autoglm_embodied.train.shard_stage import shard_readers
from autoglm_embodied.types import TryOutcome

PER_SCENE, SCENES = 10, 12
SETTINGS = TrainSettings(outcome_epochs=3, batch=16, device="cpu", outcome_rate=3e-3)


class Stopped(Exception):
    """A training that was killed."""


def tried(seed: int) -> Arrays:
    """Outcomes of blocks that are held if they lie in the middle of where things really are."""
    rng, n = np.random.default_rng(seed), PER_SCENE * SCENES
    yaw, hand_eye_m = rng.uniform(-1.5, 1.5, n), 0.008 * rng.standard_normal((n, 3))
    held = rng.random(n) < 0.5
    there = np.where(held[:, None], 0.0, np.where(rng.random((n, 1)) < 0.5, 0.03, -0.03)) * [1.0, 0.0]  # grasp's frame
    cos, sin = np.cos(yaw), np.sin(yaw)
    seen = there + np.stack([cos * hand_eye_m[:, 0] + sin * hand_eye_m[:, 1],
                             cos * hand_eye_m[:, 1] - sin * hand_eye_m[:, 0]], axis=1)  # fmt: skip
    axis = (np.arange(48) - 23.5) * 0.00275
    block = (np.abs(axis - seen[:, :1])[:, None] < 0.01) & (np.abs(axis - seen[:, 1:])[:, :, None] < 0.01)
    collided = ~held & (rng.random(n) < 0.5)
    nowhere = np.full(n, np.nan, np.float32)
    return {
        "seed": np.repeat(np.arange(SCENES) + 100 * seed, PER_SCENE),
        "object": np.zeros(n, np.int64),
        "height_m": np.where(block, 0.02, -0.02).astype(np.float16),
        "target": block,
        "seen": np.ones_like(block),
        "grasp": np.column_stack([np.zeros((n, 2)), np.full(n, 0.02), yaw, np.full(n, 0.08)]),
        "collided": collided,
        "contact_tip_m": np.where(collided, 0.03, nowhere).astype(np.float32),
        "contact_n": nowhere,
        "width_m": np.where(collided, nowhere, 0.02).astype(np.float32),
        "weight_n": nowhere,
        "wrench": np.full((n, 3, 2, 6), np.nan, np.float32),
        "held_target": held,
        "held_any": held,
        "grip_force_n": np.full(n, 20, np.float32),
        "hand_eye_m": hand_eye_m.astype(np.float32),
        "table_m": np.zeros(n, np.float32),
        "mass_kg": rng.uniform(0.1, 0.6, n).astype(np.float32),
        "friction": rng.uniform(0.25, 0.6, n).astype(np.float32),
    }


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("outcomes")
    for number in range(2):
        write_shard(folder / f"outcomes-pile-{number:05d}.safetensors", OUTCOMES, Shard(tried(number)))
    return folder


def test_the_scorer_learns_and_what_was_stopped_ends_with_the_same_bits(data: Path, tmp_path: Path) -> None:
    figures: list[dict[str, float]] = []
    whole = train_scorer(SETTINGS, [data], tmp_path / "whole", lambda *report: figures.append(report[3]))
    assert figures[-1]["loss"] < 0.7 * figures[0]["loss"] and figures[-1]["auc"] > 0.9

    def stop(stage: str, epoch: int, epochs: int, figures: dict[str, float]) -> None:
        if epoch == 1:
            raise Stopped

    with pytest.raises(Stopped):
        train_scorer(SETTINGS, [data], tmp_path / "stopped", stop)
    train_scorer(SETTINGS, [data], tmp_path / "stopped")
    resumed = load_scorer(tmp_path / "stopped", "cpu").state_dict()
    assert all(value.equal(resumed[name]) for name, value in whole.state_dict().items())


def test_outcomes_alone_train_the_scorer_from_the_command_line(data: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert main(["train", "--data", str(data), "--out", str(out), "--outcome-epochs", "1", "--device", "cpu"]) == 0
    assert load_scorer(out, "cpu").config.pixels == 48


def test_outcomes_beside_anything_else_are_refused(data: Path, tmp_path: Path) -> None:
    write_shard(tmp_path / "images-00000.safetensors", SAMPLES, Shard(dict.fromkeys(SAMPLES.fields, np.zeros(1))))
    with pytest.raises(ConfigError, match="holds samples beside outcomes; train on each apart"):
        shard_readers([data, tmp_path], OUTCOMES)


def test_crops_are_moved_to_where_things_are() -> None:
    rows = tried(5)
    middle = grasp_view(rows, rows["hand_eye_m"][:, :2]).target[torch.from_numpy(rows["held_target"])]
    assert (middle[:, 22:26, 22:26] == 1).all()
    unmoved = grasp_view(rows, np.zeros((len(rows["seed"]), 2)))
    assert np.array_equal(unmoved.target.numpy(), rows["target"])


def test_an_outcome_is_what_happened_first() -> None:
    rows = {
        "collided": np.array([True, False, False, False]),
        "held_any": np.array([False, False, True, True]),
        "held_target": np.array([False, False, False, True]),
    }
    assert [TryOutcome(value) for value in outcome_of(rows)] == list(TryOutcome)


@settings(max_examples=30)
@given(st.lists(st.tuples(st.integers(0, 4), st.booleans()), min_size=2, max_size=20))
def test_the_area_under_the_curve_counts_pairs(drawn: list[tuple[int, bool]]) -> None:
    score, truth = np.array([s for s, _ in drawn], float), np.array([t for _, t in drawn])
    pairs = [(s > o) + 0.5 * (s == o) for s in score[truth] for o in score[~truth]]
    np.testing.assert_allclose(area_under_curve(score, truth), np.mean(pairs) if pairs else np.nan)


def test_calibration_is_the_gap_between_what_was_said_and_what_came() -> None:
    assert calibration_error(np.full(10, 0.5), np.arange(10) < 5) == 0
    assert calibration_error(np.full(10, 0.9), np.zeros(10, bool)) == pytest.approx(0.9)
