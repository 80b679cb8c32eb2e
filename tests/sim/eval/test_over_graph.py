"""The suites through the real nodes: a baseline is a policy of the fusion node, and the simulator judges."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from autoglm_embodied.tools.cli import main

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.filterwarnings("ignore:module 'sre_.*' is deprecated"),  # rclpy's parser
]


def test_a_script_holds_an_object_through_the_nodes(tmp_path: Path) -> None:
    figures = tmp_path / "figures.json"
    command = ["evaluate", "--ros", "--rig", "arm", "--suite", "primitives", "--policy", "antipodal_force"]
    assert main([*command, "--episodes", "1", "--log", str(tmp_path / "log"), "--json", str(figures)]) == 0
    (episode,) = json.loads(figures.read_text())["episodes"]
    assert episode["policy"] == "antipodal_force"
    assert episode["held"] and episode["confident"] and episode["tries"] >= 1
