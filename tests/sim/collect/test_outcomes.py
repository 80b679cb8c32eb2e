"""Outcomes of grasps: complete, absent where it did not come to that, and the same for the same number."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from autoglm_embodied_sim.collect.outcomes import OutcomeSettings, scene_outcomes

from autoglm_embodied.data.schemas import OUTCOMES
from autoglm_embodied.data.shards import Shard
from autoglm_embodied.errors import CheckpointError, ConfigError
from autoglm_embodied.model.checkpoint import SHIPPED, SHIPPED_SCORER

SETTINGS = OutcomeSettings("separated", "validate", per_scene=16)


@pytest.fixture(scope="module")
def tried() -> Shard:
    return scene_outcomes(SETTINGS, 3)


def test_every_field_has_a_row_for_each_grasp(tried: Shard) -> None:
    assert set(tried.arrays) == set(OUTCOMES.fields)
    assert {len(values) for values in tried.arrays.values()} == {16}


def test_what_was_not_felt_is_absent_and_never_zero(tried: Shard) -> None:
    rows = tried.arrays
    collided, closed = rows["collided"], np.isfinite(rows["width_m"])
    assert 0 < collided.sum() < 16
    np.testing.assert_array_equal(closed, ~collided)
    assert np.isfinite(rows["contact_n"][collided]).all() and (rows["contact_n"][collided] > 4).all()
    assert np.isnan(rows["weight_n"][collided]).all() and np.isnan(rows["wrench"][collided][:, 2]).all()
    assert np.isfinite(rows["wrench"][:, 0]).all()


def test_what_is_held_weighs_what_it_weighs(tried: Shard) -> None:
    rows = tried.arrays
    held = rows["held_target"]
    assert held.sum() >= 3 and (held <= rows["held_any"]).all() and not (held & rows["collided"]).any()
    assert np.median(np.abs(rows["weight_n"] - 9.81 * rows["mass_kg"])[held]) < 0.2


def test_crops_show_the_object_between_the_fingers_that_held_it(tried: Shard) -> None:
    rows = tried.arrays
    middle = rows["target"][rows["held_target"]][:, 16:32, 16:32]
    assert (middle.mean(axis=(1, 2)) > 0.05).all()
    assert rows["seen"].mean() > 0.5 and (rows["hand_eye_m"] != 0).all()


def test_outcomes_follow_from_the_number() -> None:
    few = replace(SETTINGS, per_scene=3)
    once, again = (scene_outcomes(few, 3).arrays for _ in range(2))
    for name, values in once.items():
        np.testing.assert_array_equal(values, again[name])


def test_no_trial_at_all_is_refused() -> None:
    with pytest.raises(ConfigError, match="1 time or more"):
        OutcomeSettings("pile", per_scene=0)


def test_a_scorer_chooses_what_is_tried_and_its_weights_are_part_of_what_was_collected() -> None:
    drawn, chosen = SETTINGS, replace(SETTINGS, scorer=SHIPPED_SCORER, per_scene=10)
    known = chosen.all(OUTCOMES)
    assert "scorer" not in drawn.all(OUTCOMES) and len(known["scorer"]) == 64
    tried = scene_outcomes(chosen, 3).arrays
    assert len(tried["seed"]) == 10 and tried["collided"].mean() < 0.5  # at random about two thirds collide
    for obj in np.unique(tried["object"]):
        mine = tried["grasp"][tried["object"] == obj]
        apart = np.abs(mine[:, None, :3] - mine[None, :, :3]).max(axis=-1) + np.eye(len(mine))
        assert apart.min() > 1e-3


def test_a_folder_without_a_scorer_is_refused() -> None:
    with pytest.raises(CheckpointError, match="its model_type is autoglm_grasp, not autoglm_grasp_scorer"):
        replace(SETTINGS, scorer=SHIPPED)
