"""Named objects out of two wheels: they fit the gripper, and a missing wheel is named."""

from __future__ import annotations

import pytest
from autoglm_embodied_sim.objects.groceries import LONGEST_M, NAMES, WIDEST_M, grocery

from autoglm_embodied.errors import SetupError


@pytest.mark.parametrize("name", NAMES)
def test_every_grocery_fits_the_gripper(name: str) -> None:
    shape = grocery(name)
    length, _, width = shape.extent_m
    assert shape.name == f"groceries/{name}"
    assert length <= LONGEST_M + 1e-9 and width <= WIDEST_M + 1e-9
    assert length > LONGEST_M - 1e-9 or width > WIDEST_M - 1e-9
    assert shape.volume_m3 > 5e-5 and len(shape.pieces) <= 15


def test_a_missing_wheel_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("autoglm_embodied_sim.objects.mesh_file.find_spec", lambda package: None)
    with pytest.raises(SetupError, match="make prepare.* robosuite==0.3.0"):
        grocery.__wrapped__("milk")
