"""Sensors are read from YAML; what cannot be is refused by its name."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from autoglm_embodied_sim.sensors.sensor_specs import PANDA, Sensors

from autoglm_embodied.config import read_yaml, shipped
from autoglm_embodied.errors import ConfigError


def written(folder: Path, text: str) -> Path:
    path = folder / "mine.yaml"
    path.write_text(text)
    return path


def test_the_shipped_file_leaves_nothing_to_defaults() -> None:
    values = read_yaml(shipped("sensors.yaml"))
    sensors = Sensors.from_file()
    for name, spec in vars(sensors).items():
        assert set(values[name]) == set(vars(spec))
        for key, part in vars(spec).items():
            if isinstance(values[name][key], dict):
                assert set(values[name][key]) == set(vars(part))


def test_a_file_changes_what_it_names_and_nothing_else(tmp_path: Path) -> None:
    own = Sensors.from_file(written(tmp_path, "wrench: {force_n: {sigma: [0.1, 0.2, 0.3]}}\ndepth: {hole_fraction: 0}"))
    usual = Sensors.from_file()
    np.testing.assert_array_equal(own.wrench.channels.sigma, [0.1, 0.2, 0.3, 0.002, 0.002, 0.002])
    assert own.depth.hole_fraction == 0
    assert own.depth.depth_m == usual.depth.depth_m
    assert (own.wrench.timing, own.joints, own.colour) == (usual.wrench.timing, usual.joints, usual.colour)


def test_joint_errors_lie_in_the_order_of_positions_then_velocities(tmp_path: Path) -> None:
    text = (
        "joints: {position_rad: {bias: .1}, finger_m: {bias: .02}, velocity_rad_s: {bias: .3}, finger_m_s: {bias: .04}}"
    )
    bias = Sensors.from_file(written(tmp_path, text)).joints.channels_of(PANDA).bias
    np.testing.assert_array_equal(bias, [0.1] * 7 + [0.02] * 2 + [0.3] * 7 + [0.04] * 2)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("wrench: {timing: {rate_hz: -5}}", "wrench: timing: rate_hz must be above 0 and at most 1000, got -5"),
        ("wrench: {timing: {rate_hz: 2000}}", "rate_hz must be above 0 and at most 1000, got 2000"),
        ("wrench: {timing: {rate_hz: fast}}", "rate_hz must be a finite number, got 'fast'"),
        ("depth: {timing: {latency_ns: 0.5}}", "depth: timing: latency_ns must be a whole number, got 0.5"),
        ("depth: {timing: {jitter_ns: -1}}", "jitter_ns must be in nanoseconds, got -1"),
        ("colour: {timing: {dropout: 1.5}}", "colour: timing: dropout must be a fraction from 0 to 1, got 1.5"),
        ("depth: {hole_fraction: -0.1}", "depth: hole_fraction must be a fraction from 0 to 1, got -0.1"),
        ("joints: {position_rad: {sigma: -1}}", "joints: position_rad: sigma must be 0 or more, got -1"),
        ("joints: {finger_m: {quantum: .nan}}", "joints: finger_m: quantum must be a finite number, got .nan"),
        ("depth: {timing: {jitter_ns: -1000}}", "jitter_ns must be 0 or more, got -1000"),
        (
            "depth: {depth_m: {sigma: 1.5}}",
            "depth_m.sigma must be at most 0.5 in the unit of depth_m, got 1.5",
        ),
        ("wrench: {force_n: {bias: [1, 2]}}", "wrench: force_n.bias must be one number or 3, got 2"),
        ("wrench: {force_n: {noise: 1}}", "wrench: force_n: unknown setting 'noise'; known are bias, drift_per_s"),
        ("sonar: {}", "mine.yaml: unknown setting 'sonar'; known are colour, depth, joints, wrench"),
        ("wrench: 5", "wrench must hold a mapping of settings, got 5"),
        ("wrench: {force_n: 0.1}", "wrench: force_n must hold a mapping of settings, got 0.1"),
    ],
)
def test_a_bad_file_is_refused_by_the_name_of_the_setting(tmp_path: Path, text: str, said: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(ConfigError) as refused:
        Sensors.from_file(path)
    assert said in str(refused.value)
    assert str(refused.value).startswith(str(path))
    assert str(refused.value).count(str(path)) == 1
