"""Which images are paired, which pairs are doubted, and which cameras cannot be used."""

from __future__ import annotations

import pytest
from rclpy.serialization import serialize_message
from sensor_msgs.msg import CameraInfo, Image

from autoglm_embodied.errors import SensorError
from autoglm_embodied.ingest.calibration import Calibration
from autoglm_embodied.ingest.rgbd_frames import ImagePairer
from autoglm_embodied.ros.conversions import to_stamp

MS = 1_000_000
T_NS = 1_700_000_000_000 * MS
TYPE = "sensor_msgs/msg/Image"


def image(stamp_ns: int) -> bytes:
    message = Image(height=1, width=1, encoding="mono8", step=1, data=[7])
    message.header.stamp = to_stamp(stamp_ns)
    return bytes(serialize_message(message))


@pytest.mark.parametrize(
    ("stamps_ns", "receipts_ns", "doubted"),
    [(3 * MS, 67 * MS, True), (-3 * MS, 67 * MS, True), (0, 67 * MS, False), (3 * MS, 15 * MS, False)],
)
def test_a_pair_whose_stamps_differ_and_that_came_apart_is_doubted(
    stamps_ns: int, receipts_ns: int, doubted: bool
) -> None:
    """As where the stamps of colour are wrong by about a frame; depth alone may take its time to be computed."""
    pairer = ImagePairer(30.0)
    for _ in range(2):
        for k in range(4):
            t_ns = T_NS + 133 * k * MS
            pairer.take("rgb", image(t_ns), t_ns, TYPE)
            assert pairer.take("depth", image(t_ns + stamps_ns), t_ns + receipts_ns, TYPE) is not None
        said = pairer.problem_since_last()
        assert ("come up to 67 ms apart" in said and "synchronise" in said) if doubted else not said
    assert ("8 of 8 frames came apart, by 67 ms" in pairer.delay()) == (receipts_ns > 20 * MS)


def test_an_uncalibrated_camera_is_refused() -> None:
    with pytest.raises(SensorError, match="focal lengths"):
        Calibration.read(bytes(serialize_message(CameraInfo())))
    with pytest.raises(SensorError, match="focal lengths"):
        Calibration.read(bytes(serialize_message(CameraInfo(k=[float("nan"), *[1.0] * 8]))))
