from __future__ import annotations

import numpy as np
import pytest
from autoglm_embodied_sim.scenes.primitive_scene import SEPARATION_M, Thing, sample_scene

from autoglm_embodied.errors import ConfigError


def test_things_lie_apart_within_the_workspace() -> None:
    for seed in range(100):
        things = sample_scene(np.random.default_rng(seed)).things
        places = np.array([thing.position_m for thing in things])
        gaps = np.linalg.norm(places[:, None] - places, axis=-1) + np.eye(len(things))
        assert gaps.min() >= SEPARATION_M * 0.99  # heights differ a little
        assert (np.abs(places[:, :2] - [0.5, 0]) <= [0.12, 0.22]).all()


def test_unique_scenes_repeat_neither_colour_nor_shape() -> None:
    for seed in range(50):
        things = sample_scene(np.random.default_rng(seed)).things
        assert len({thing.colour for thing in things}) == len({thing.shape for thing in things}) == 3


def test_other_scenes_may_hold_the_same_thing_twice() -> None:
    names = [
        [thing.name for thing in sample_scene(np.random.default_rng(seed), unique=False).things] for seed in range(100)
    ]
    assert any(len(set(row)) < len(row) for row in names)


def test_the_same_seed_gives_the_same_scene() -> None:
    assert sample_scene(np.random.default_rng(7)) == sample_scene(np.random.default_rng(7))


def test_more_things_than_fit_are_refused() -> None:
    with pytest.raises(ConfigError, match="do not fit"):
        sample_scene(np.random.default_rng(0), count=30, unique=False)


def test_a_shape_nobody_can_build_is_refused() -> None:
    with pytest.raises(ConfigError, match="cube, cylinder, ball"):
        Thing("elephant", "purple", 0.04, (0.5, 0, 0.02), 0.0, 0.2, 0.7, (0.5, 0, 0.5))
