"""Values that cross rooms are whole: shapes are checked, NaN is refused, absence is None."""

from __future__ import annotations

import numpy as np
import pytest

from autoglm_embodied.errors import SensorError
from autoglm_embodied.types import (
    MODALITIES,
    ActionChunk,
    ArmState,
    Camera,
    ForceFeatures,
    Frame,
    Observation,
    Phase,
    Referent,
    Sense,
    require_finite,
)

CAMERA = Camera(width=6, height=4, K=np.eye(3), T_base_camera=np.eye(4))


@pytest.mark.parametrize(
    ("value", "shape", "match"),
    [
        (np.zeros(3), (4,), r"wrench must have shape \(4,\), got \(3,\)"),
        (np.zeros((3, 1)), (3,), "shape"),
        (np.array([0.0, np.nan]), (None,), "finite"),
        (np.array([0.0, -np.inf]), (2,), "finite"),
    ],
)
def test_a_wrong_shape_or_a_nan_is_named(value: np.ndarray, shape: tuple[int | None, ...], match: str) -> None:
    with pytest.raises(SensorError, match=match):
        require_finite("wrench", value, shape)


def test_a_frame_is_colour_and_depth_of_its_cameras_size() -> None:
    rgb, depth = np.zeros((4, 6, 3), np.uint8), np.full((4, 6), np.nan)  # depth may be unknown
    Frame(0, rgb, depth, CAMERA)
    with pytest.raises(SensorError, match="rgb must be"):
        Frame(0, rgb.astype(np.float64), depth, CAMERA)  # type: ignore[arg-type]
    with pytest.raises(SensorError, match="aligned"):
        Frame(0, rgb, depth[:2], CAMERA)


def test_values_that_cross_rooms_refuse_nan() -> None:
    nan = np.full(7, np.nan)
    with pytest.raises(SensorError, match="position_rad"):
        ArmState(nan, np.zeros(7), np.eye(4), 0.08, 0.0)
    with pytest.raises(SensorError, match="ForceFeatures.raw"):
        ForceFeatures(np.full((64, 6), np.nan), np.zeros((4, 5, 6)), 64)
    with pytest.raises(SensorError, match="ActionChunk.twist"):
        ActionChunk(
            0, 1, np.full((8, 6), np.inf), np.zeros(8), Phase.IDLE, Referent.NONE, np.zeros(3), np.zeros(4), nan
        )


def test_an_absent_sense_is_none_and_never_zeros() -> None:
    observation = Observation(0, Sense(None), Sense(None), Sense(None), Sense("pick up the ball"))
    assert [sense.present for sense in observation.senses()] == [False, False, False, True]
    assert len(observation.senses()) == len(MODALITIES)
