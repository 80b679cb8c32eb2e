"""Nodes of their own, one after another: the shared memory of two with cameras does not fit a container's 64 MB."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from autoglm_embodied_sim.nodes.stepper import TOO_LATE_NS
from sim_listener import MODULE, RATES_HZ, served

from autoglm_embodied.graph.domain import environment, private_domain

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore:module 'sre_.*' is deprecated")]  # rclpy's parser


def test_its_sensors_are_those_of_its_sensors_file(tmp_path: Path) -> None:
    path = tmp_path / "sensors.yaml"
    path.write_text(
        "wrench: {timing: {rate_hz: 200, dropout: 0.1}}\n"
        "colour: {timing: {rate_hz: 10}}\ndepth: {timing: {rate_hz: 20, latency_ns: 100000000}}"
    )
    with served("-p", f"sensors_file:={path}") as (listener, _):
        while len(listener.last) < len(RATES_HZ):
            listener.spin(0.2)
        begun = {name: len(stamps) for name, stamps in listener.stamps.items()}
        listener.simulate(4.0)
        for name, gap_ms in {"wrench": 5.0, "joints": 1.0, "rgb": 100.0, "depth": 50.0, "info": 100.0}.items():
            gaps_ms = np.diff(listener.stamps[name][begun[name] :]) / 1e6
            assert np.median(gaps_ms) == gap_ms, name
        gaps_ns = np.diff(listener.stamps["wrench"][begun["wrench"] :])
        gaps = np.rint(gaps_ns[gaps_ns < TOO_LATE_NS] / 5e6)
        assert 0.03 < 1 - len(gaps) / gaps.sum() < 0.2


def test_an_impossible_sensors_file_ends_it_with_one_sentence(refusal: Callable[..., str], tmp_path: Path) -> None:
    from autoglm_embodied_sim.nodes import sim_node

    path = tmp_path / "sensors.yaml"
    path.write_text("wrench: {timing: {rate_hz: -1}}")
    said = refusal(sim_node.main, f"sensors_file:={path}")
    assert f"{path}: wrench: timing: rate_hz must be above 0" in said and "Traceback" not in said


def test_without_egl_it_says_what_to_install() -> None:
    with private_domain() as (domain, _):
        blind = environment(domain, os.environ) | {"__EGL_VENDOR_LIBRARY_DIRS": "/nowhere"}
        ended = subprocess.run([sys.executable, "-m", MODULE], env=blind, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 2
    assert "libegl1" in ended.stderr
    assert "Traceback" not in ended.stderr
