"""Volume, centre and inertia of what is made of convex pieces."""

from __future__ import annotations

import numpy as np
import pytest
from autoglm_embodied_sim.objects.random_urdfs import read_shapes
from autoglm_embodied_sim.objects.shape import ShapeError, ball, box, cylinder, shape_of

CORNERS = np.array([[x, y, z] for x in (0, 1) for y in (0, 1) for z in (0, 1)], dtype=float)


def test_a_box_weighs_and_turns_as_in_the_book() -> None:
    made = box(0.02, 0.04, 0.06)
    assert made.volume_m3 == pytest.approx(0.02 * 0.04 * 0.06)
    moments = 0.3 / 12 * np.diag([0.04**2 + 0.06**2, 0.02**2 + 0.06**2, 0.02**2 + 0.04**2])
    np.testing.assert_allclose(made.inertia(0.3), moments, atol=1e-12)
    np.testing.assert_allclose(made.extent_m, [0.06, 0.04, 0.02])


def test_round_ones_come_close_to_the_book() -> None:
    assert ball(0.04).volume_m3 == pytest.approx(np.pi / 6 * 0.04**3, rel=0.03)
    assert cylinder(0.04, 0.05).volume_m3 == pytest.approx(np.pi / 4 * 0.04**2 * 0.05, rel=0.02)
    assert np.diag(ball(0.04).inertia(1.0)) == pytest.approx(0.1 * 0.04**2, rel=0.03)


def test_two_halves_are_as_the_whole_wherever_they_lie() -> None:
    halves = shape_of("halves", [CORNERS * [1, 1, 0.5] + 5, CORNERS * [1, 1, 0.5] + [5, 5, 5.5]])
    whole = shape_of("whole", [CORNERS])
    assert halves.volume_m3 == pytest.approx(whole.volume_m3)
    np.testing.assert_allclose(halves.inertia(2.0), whole.inertia(2.0), atol=1e-9)
    np.testing.assert_allclose(np.concatenate(halves.pieces).mean(axis=0), 0, atol=1e-9)


def test_scaling_a_shape_scales_what_follows_from_it() -> None:
    twice = box(0.01, 0.02, 0.03).scaled(2)
    np.testing.assert_allclose(twice.inertia(0.5), box(0.02, 0.04, 0.06).inertia(0.5), atol=1e-15)
    assert twice.volume_m3 == pytest.approx(box(0.02, 0.04, 0.06).volume_m3)


def test_the_broken_object_of_the_wheel_is_refused() -> None:
    with pytest.raises(ShapeError, match="random_urdfs/168: a corner is no number"):
        read_shapes([168])


def test_a_flat_mesh_is_refused() -> None:
    with pytest.raises(ShapeError, match="flat: its volume is zero"):
        shape_of("flat", [CORNERS * [1, 1, 0]])
