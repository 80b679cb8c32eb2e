"""Surroundings differ from scene to scene, follow from the seed, and are what the camera sees."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from autoglm_embodied_sim.objects.shape import box
from autoglm_embodied_sim.robots.gantry import Gantry
from autoglm_embodied_sim.scenes.scene_object import SceneObject
from autoglm_embodied_sim.scenes.surroundings import PLAIN, Surroundings, sample_room, sample_surroundings

from autoglm_embodied.grasping.hand import View

CUBE = SceneObject(box(0.04, 0.04, 0.04), "red", (0.8, 0.1, 0.1), mass_kg=0.2, friction=0.5)


def seen(surroundings: Surroundings) -> View:
    rig = Gantry([CUBE], np.zeros(3), 20.0, seed=0, surroundings=surroundings)
    rig.truth.place(rig.data, 0, np.array([0.05, -0.03, 0.02]), np.array([1.0, 0, 0, 0]))
    rig.wait(0.05)
    view = rig.look()
    rig.close()
    return view


def test_surroundings_follow_from_the_seed() -> None:
    room = sample_room(np.random.default_rng(0))
    one, again, other = (sample_surroundings(np.random.default_rng(seed), room) for seed in (1, 1, 2))
    assert one == again and one != other and one.wall_rgb == room.wall_rgb


def test_light_and_texture_change_what_is_seen() -> None:
    plain = seen(PLAIN).frame.rgb.astype(int)
    assert plain.reshape(-1, 3).std(axis=0).max() < 60
    assert seen(replace(PLAIN, light=0.5)).frame.rgb.mean() < 0.9 * plain.mean()
    table = seen(PLAIN).owner < 0
    assert seen(replace(PLAIN, grain=(9, 30), contrast=0.3)).frame.rgb[table].std() > plain[table].std() + 2


def test_a_camera_that_stands_elsewhere_knows_where() -> None:
    moved = replace(PLAIN, camera_offset_m=(0.02, -0.01, 0.01), camera_tilt_rad=(0.03, -0.02, 0.05))
    for surroundings in (PLAIN, moved):
        view = seen(surroundings)
        top = view.points_m()[view.owner == 0]
        np.testing.assert_allclose(np.nanmedian(top, axis=0), [0.05, -0.03, 0.04], atol=0.0015)
    assert (seen(PLAIN).owner != seen(moved).owner).mean() > 0.002  # it is another image
