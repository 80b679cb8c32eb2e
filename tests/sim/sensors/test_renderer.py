from __future__ import annotations

import numpy as np
import pytest
from autoglm_embodied_sim.robots.arm_rig import ArmRig
from autoglm_embodied_sim.sensors.renderer import Renderer
from sim_cases import laid, primitive

from autoglm_embodied.errors import ConfigError
from autoglm_embodied.types import FloatArray, Frame

RADIUS_M = 0.02


def in_camera(frame: Frame, point_m: FloatArray) -> FloatArray:
    return np.asarray((np.linalg.inv(frame.camera.T_base_camera) @ [*point_m, 1])[:3])


@pytest.mark.parametrize("size", [(640, 480), (320, 240)])
@pytest.mark.parametrize("place", [(0.40, -0.2), (0.5, 0.0), (0.6, 0.18)])
def test_a_ball_is_seen_where_the_camera_model_says(place: tuple[float, float], size: tuple[int, int]) -> None:
    empty = laid((primitive("ball", 2 * RADIUS_M), 5.0, 0.0)).rig.frame(*size)
    arm = laid((primitive("ball", 2 * RADIUS_M), *place)).arm
    frame = arm.rig.frame(*size)
    centre_m = in_camera(frame, arm.truth.pose(arm.data)[0, :3])
    pixel = frame.camera.K @ centre_m / centre_m[2]
    mask = np.abs(frame.rgb.astype(int) - empty.rgb).sum(axis=-1) > 30
    rows, columns = np.nonzero(mask)
    assert np.hypot(columns.mean() - pixel[0], rows.mean() - pixel[1]) < 2 * size[0] / 640
    u, v = np.rint(pixel[:2]).astype(int)
    patch = frame.depth_m[v - 2 : v + 3, u - 2 : u + 3]
    nearest_m = centre_m[2] * (1 - RADIUS_M / np.linalg.norm(centre_m))
    assert np.median(patch) == pytest.approx(nearest_m, abs=0.002)


def test_depth_of_the_table_is_right_up_to_its_noise_and_dropouts(rig: ArmRig) -> None:
    rig.reset()
    frame = rig.frame()
    v, u = np.mgrid[200:400, 200:440]
    rays = np.stack([u, v, np.ones_like(u)], axis=-1) @ np.linalg.inv(frame.camera.K).T
    points_m = rays * frame.depth_m[200:400, 200:440, None]
    height_m = points_m @ frame.camera.T_base_camera[2, :3] + frame.camera.T_base_camera[2, 3]
    seen = frame.depth_m[200:400, 200:440] > 0
    assert 0.99 < seen.mean() < 1.0
    assert height_m[seen].mean() == pytest.approx(0.0, abs=0.001)
    assert height_m[seen].std() < 1.5 * rig.sensors.depth.depth_m.sigma


def test_a_frame_larger_than_the_buffer_is_refused(rig: ArmRig) -> None:
    rig.reset()
    with pytest.raises(ConfigError, match="640x480"):
        rig.frame(1920, 1080)


def test_a_mask_shows_the_objects_where_the_suites_camera_does_and_leaves_the_next_frame_alone() -> None:
    arm = laid((primitive("cube"), 0.45, 0.1), (primitive("ball"), 0.55, -0.1)).arm
    renderer = Renderer(arm.rig.model, arm.rig.camera, arm.rig.sensors, seed=0)
    before = renderer.frame(arm.data, 0, 640, 480)
    mask = renderer.mask((arm.truth.object_of_geom + 1).astype(np.uint8), 640, 480)
    owner = arm.eye().view(arm.data, 0, np.random.default_rng(0)).owner
    assert np.bincount(mask.ravel(), minlength=3)[1:].min() > 100
    assert (mask == owner + 1).mean() > 0.999
    after = renderer.frame(arm.data, 33_000_000, 640, 480)
    assert np.abs(after.rgb.astype(int) - before.rgb).mean() < 5
    renderer.close()
    arm.close()
