from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import mujoco
import numpy as np
import pytest
from autoglm_embodied_sim.robots.arm import Arm
from autoglm_embodied_sim.robots.arm_rig import ArmRig
from autoglm_embodied_sim.sensors.renderer import Backdrop
from autoglm_embodied_sim.sensors.sensor_specs import Errors, Sensors
from sim_cases import primitive

from autoglm_embodied.types import FloatArray, Frame

ASPECT = 4 / 3
ABOVE_M = np.array([0.45, 0.0, 1.0])


@pytest.fixture(scope="module")
def rig() -> Iterator[ArmRig]:
    usual = Sensors.from_file()
    exact = replace(usual, depth=replace(usual.depth, depth_m=Errors(), hole_fraction=0.0))
    arm = Arm((primitive("cube"), primitive("ball")), np.zeros(3), 20.0, seed=0, sensors=exact)
    arm.truth.place(arm.data, 0, np.array([0.0, 0.1, 0.02]), np.array([1.0, 0, 0, 0]))
    arm.truth.place(arm.data, 1, np.array([-0.05, -0.1, 0.02]), np.array([1.0, 0, 0, 0]))
    yield arm.rig
    arm.close()


def look(rig: ArmRig, eye_m: FloatArray, at_m: FloatArray, fovy_deg: float = 34.0) -> None:
    """Move the camera of the model to `eye_m` and turn it towards `at_m`."""
    back = (eye_m - at_m) / np.linalg.norm(eye_m - at_m)
    right = np.cross([0.0, 1.0, 0.1], back)
    right /= np.linalg.norm(right)
    quat = np.zeros(4)
    mujoco.mju_mat2Quat(quat, np.column_stack([right, np.cross(back, right), back]).ravel())
    camera = rig.model.camera("camera")
    camera.pos, camera.quat, camera.fovy = eye_m, quat, fovy_deg
    mujoco.mj_forward(rig.model, rig.data)


def draw_all(rig: ArmRig, monkeypatch: pytest.MonkeyPatch) -> Frame:
    with monkeypatch.context() as patch:
        patch.setattr(Backdrop, "seen", lambda *_: True)
        return rig.frame(160, 120)


def test_the_shipped_camera_sees_nothing_beyond_the_table() -> None:
    rig = ArmRig(seed=0)
    mujoco.mj_forward(rig.model, rig.data)
    assert not Backdrop(rig.model).seen(rig.data, ASPECT)


def test_what_is_left_out_would_not_have_been_seen(rig: ArmRig, monkeypatch: pytest.MonkeyPatch) -> None:
    backdrop, rng, left_out = Backdrop(rig.model), np.random.default_rng(0), 0
    for _ in range(60):
        eye_m = ABOVE_M + rng.normal(0, [0.3, 0.3, 0.3])
        look(rig, eye_m, np.array([*rng.normal([0.4, 0.0], 0.15), 0.0]))
        left_out += not backdrop.seen(rig.data, ASPECT)
        usual, all_of_it = rig.frame(160, 120), draw_all(rig, monkeypatch)
        np.testing.assert_array_equal(usual.rgb, all_of_it.rgb)
        np.testing.assert_array_equal(usual.depth_m, all_of_it.depth_m)
    assert 10 < left_out < 50


@pytest.mark.parametrize("at_m", [(-1.2, 0.0, 0.6), (0.35, 2.0, -0.7)])
def test_wall_and_floor_are_drawn_where_the_camera_looks_at_them(rig: ArmRig, at_m: tuple[float, ...]) -> None:
    eye_m = np.array([0.6, 0.2, 0.8])
    look(rig, eye_m, np.array(at_m))
    depth_m = rig.frame(160, 120).depth_m[60, 80]
    assert depth_m == pytest.approx(np.linalg.norm(eye_m - at_m), abs=0.06)


def test_a_wall_between_camera_and_table_is_drawn(rig: ArmRig) -> None:
    eye_m, at_m = np.array([-1.4, 0.0, 0.9]), np.array([0.2, 0.0, 0.0])
    look(rig, eye_m, at_m, fovy_deg=8.0)
    assert rig.frame(160, 120).depth_m[60, 80] < 0.3
