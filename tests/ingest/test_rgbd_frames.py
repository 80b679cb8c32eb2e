"""Images become arrays without a copy, and what cannot be used is named."""

from __future__ import annotations

import pytest
from rclpy.serialization import serialize_message
from sensor_msgs.msg import CameraInfo

from autoglm_embodied.errors import SensorError
from autoglm_embodied.ingest.calibration import Calibration


def test_an_uncalibrated_camera_is_refused() -> None:
    with pytest.raises(SensorError, match="focal lengths"):
        Calibration.read(bytes(serialize_message(CameraInfo())))
    with pytest.raises(SensorError, match="focal lengths"):
        Calibration.read(bytes(serialize_message(CameraInfo(k=[float("nan"), *[1.0] * 8]))))
