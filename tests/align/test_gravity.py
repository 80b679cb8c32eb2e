"""The tool's weight is taken off however the arm turns."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from autoglm_embodied.align.wrench import GRAVITY_BASE_M_S2, GravityCompensation
from autoglm_embodied.types import FloatArray

MS = 1_000_000
MASS_KG, CENTRE_M = 0.73, (0.01, -0.005, 0.06)
SENSOR = Rotation.from_euler("xyz", [0.3, -0.2, 1.0])
EPOCH = 1_700_000_000_000 * MS


def tool(angle_rad: float) -> FloatArray:
    pose = np.eye(4)
    pose[:3, :3] = Rotation.from_rotvec(angle_rad * np.array([0.6, 0.8, 0.0])).as_matrix()
    return pose


def felt(angle_rad: float) -> FloatArray:
    """(6,) what an ideal sensor reads of the tool's weight."""
    force = (Rotation.from_matrix(tool(angle_rad)[:3, :3]) * SENSOR).inv().apply(MASS_KG * GRAVITY_BASE_M_S2)
    return np.concatenate([force, np.cross(CENTRE_M, force)])


def gravity(mass_kg: float = MASS_KG) -> GravityCompensation:
    return GravityCompensation(mass_kg, CENTRE_M, tuple(SENSOR.as_quat()))


def test_a_turning_tool_weighs_nothing_at_every_sample_between_two_ticks() -> None:
    weight, speed_rad_s = gravity(), 1.5
    for tick_ms in range(0, 331, 33):
        weight.add_pose(EPOCH + tick_ms * MS, tool(speed_rad_s * tick_ms / 1000))
    stamps = EPOCH + np.arange(331) * MS
    read = np.array([felt(speed_rad_s * ms / 1000) for ms in range(331)])
    contact = np.array([0.5, 0, -2.0, 0, 0.1, 0])
    np.testing.assert_allclose(weight.compensate(stamps, read + contact), np.tile(contact, (331, 1)), atol=1e-9)


def test_outside_what_was_noted_the_nearest_orientation_counts() -> None:
    weight = gravity()
    weight.add_pose(EPOCH, tool(0.4))
    stamps = EPOCH + np.array([-10, 0, 10]) * MS
    np.testing.assert_allclose(weight.compensate(stamps, np.tile(felt(0.4), (3, 1))), 0.0, atol=1e-12)


def test_without_a_mass_nothing_changes_and_nothing_need_be_known() -> None:
    weight = gravity(mass_kg=0.0)
    read = np.ones((2, 6))
    assert weight.ready and weight.compensate(np.array([0, 1]), read) is read
    assert not gravity().ready


@pytest.mark.parametrize("again_ns", [EPOCH, EPOCH - MS])
def test_an_orientation_of_the_past_is_not_noted(again_ns: int) -> None:
    weight = gravity()
    weight.add_pose(EPOCH, tool(0.4))
    weight.add_pose(again_ns, tool(1.0))
    np.testing.assert_allclose(weight.compensate(np.array([EPOCH]), felt(0.4)[None]), 0.0, atol=1e-12)
