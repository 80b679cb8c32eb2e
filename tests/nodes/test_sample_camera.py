"""What is measured is right: every kind of camera shows the same scene."""

from __future__ import annotations

import numpy as np
import pytest

from autoglm_embodied.config import shipped
from autoglm_embodied.errors import SensorError
from autoglm_embodied.ingest.cdr import read_image
from autoglm_embodied.ingest.image_encodings import depth_array_m, rgb_array
from autoglm_embodied.ingest.sensor_input import NominalRates, SensorInput
from autoglm_embodied.kinematics import Robot
from autoglm_embodied.nodes.probes.sample_camera import KINDS, serialised_messages
from autoglm_embodied.tools.bench.ingest import NoSink
from autoglm_embodied.tools.cli.bench import CAMERAS
from autoglm_embodied.types import Frame

IMAGES = ("rgb", "depth")


class LastFrame(NoSink):
    """A sink that keeps the frame."""

    def push_frame(self, frame: Frame, receive_ns: int) -> None:
        self.frame = frame


@pytest.mark.parametrize("kind", CAMERAS)
def test_every_kind_of_camera_shows_the_same_scene(kind: str) -> None:
    def refuse(stream: str, error: SensorError) -> None:
        raise error

    sink = LastFrame()
    sensors = SensorInput(sink, Robot.from_file(shipped("panda.yaml")), np.eye(4), NominalRates(), refuse)
    for stream, (source, data) in serialised_messages(KINDS[kind], np.random.default_rng(0)).items():
        if pair := sensors.take(stream, data, 0, source):
            sensors.push(pair)
    (_, colour), (_, depth) = (serialised_messages(KINDS["raw"], np.random.default_rng(0))[name] for name in IMAGES)
    rgb, depth_m = rgb_array(read_image(colour)), depth_array_m(read_image(depth))
    middle = np.s_[230:250, 310:330]  # where lenses hardly differ
    assert np.abs(sink.frame.rgb[middle].astype(int) - rgb[middle]).mean() < 8
    assert np.median(sink.frame.depth_m[middle]) == pytest.approx(np.median(depth_m[middle]), abs=0.03)


def test_the_command_names_every_kind_of_camera() -> None:
    assert tuple(KINDS) == CAMERAS
