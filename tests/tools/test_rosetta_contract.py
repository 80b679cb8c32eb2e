"""A contract of rosetta names the topics of the streams, in either of its forms; one that is written is read alike."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from bag_cases import write_ros2_mcap
from timed_recording import TIMED

from autoglm_embodied.tools.cli import main

LISTED = """
robot_type: ur5e
rate_hz: 15.0
observations:
  - {key: observation.images.wrist, topic: /wrist/image_raw/compressed, type: sensor_msgs/msg/CompressedImage, hue: 1}
  - {key: observation.depth, topic: /wrist/aligned, type: sensor_msgs/msg/Image, align: {strategy: hold, stamp: header}}
  - {key: observation.state, topic: joint_states, type: sensor_msgs/msg/JointState, selector: {names: [position.a]}}
actions:
  - {key: action, publish: {topic: /go, type: geometry_msgs/msg/Twist}}
"""
BY_KEY = """
robot_type: ur5e
fps: 15
robot_colour: red
x-qos: {camera: &camera {depth: 10}}
observations:
  observation.images.wrist:
    channel: {topic: /wrist/image_raw/compressed, type: sensor_msgs/msg/CompressedImage, qos: *camera}
    align: {strategy: hold, timeline: header}
  observation.images.top:
    channel: {topic: /top/image_raw, type: sensor_msgs/msg/Image}
    align: {strategy: hold, timeline: header}
  observation.state:
    - {channel: {topic: joint_states, type: sensor_msgs/msg/JointState}, align: {strategy: hold}, selekt: []}
    - {channel: {topic: /odom, type: nav_msgs/msg/Odometry}, align: {strategy: hold}}
adjunct:
  - channel: {topic: /wrist/aligned_depth, type: sensor_msgs/msg/Image}
  - {topic: /wrist/camera_info, type: sensor_msgs/msg/CameraInfo}
"""


def written(folder: Path) -> dict[str, Any]:
    text = yaml.safe_load((folder / "fusion.yaml").read_text())
    return dict(text["/**/fusion_node"]["ros__parameters"])


@pytest.mark.parametrize(
    ("text", "topics", "said"),
    [
        (
            LISTED,
            {"rgb": "/wrist/image_raw/compressed", "depth": "/wrist/aligned", "joints": "joint_states"},
            ["has no wrench", "has no camera_info", "not used of the contract: actions", "observations.0.hue"],
        ),
        (
            BY_KEY,
            {"rgb": "/wrist/image_raw/compressed", "depth": "/wrist/aligned_depth", "joints": "joint_states"}
            | {"camera_info": "/wrist/camera_info"},
            ["/top/image_raw is not read: rgb is /wrist", "/odom is not read: nav_msgs/msg/Odometry is no sensor's"]
            + ["robot_colour, observations.observation.state.0.selekt"],
        ),
    ],
    ids=["listed", "by key"],
)
def test_the_topics_of_a_contract_are_those_of_the_streams_and_all_else_is_named(
    text: str, topics: dict[str, str], said: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "contract.yaml").write_text(text)
    options = ["--contract", str(tmp_path / "contract.yaml"), "--write", str(tmp_path / "node")]
    assert main(["doctor", *options]) == 0
    assert written(tmp_path / "node") == {"tick_hz": 15.0, "command_limit_ns": 133333333, "topics": topics}
    output = capsys.readouterr().out
    assert [sentence for sentence in said if sentence not in output] == []


def test_a_contract_that_is_written_names_the_same_topics(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bag, folder = write_ros2_mcap(tmp_path / "bag.mcap", TIMED), tmp_path / "robot"
    assert main(["doctor", str(bag), "--write", str(folder)]) == 0
    contract = folder / "contract.yaml"
    assert main(["doctor", "--contract", str(contract), "--write", str(tmp_path / "again")]) == 0
    assert written(tmp_path / "again") == {
        "tick_hz": 15.0,
        "command_limit_ns": 133333333,
        "topics": written(folder)["topics"],
    }
    assert "unknown keys" not in (output := capsys.readouterr().out) and "the contract has no" not in output
    state = yaml.safe_load(contract.read_text())["observations"]["observation.state"]
    assert state["select"][0] == "position.panda_joint1" and state["align"] == {
        "strategy": "hold",
        "timeline": "header",
    }
    assert main(["doctor", str(bag), "--contract", str(contract)]) == 0


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("fps: fast", "fps must be above 0 and at most 1000, got 'fast'"),
        ("fps: -1", "fps must be above 0"),
        ("observations: 7", "observations must be a mapping or a list"),
        ("observations: {a: 3}", "observations.a must be a mapping with topic and type, got 3"),
        ("observations: [{key: a, type: sensor_msgs/msg/Image}]", "observations.0 must name its topic, got None"),
        ("observations: {a: {channel: {topic: /a, type: 5}}}", "observations.a must name its type, got 5"),
        ("observations: {a: {channel: []}}", "observations.a must be a mapping with topic and type, got []"),
        ("- a", "must hold a mapping of settings"),
    ],
)
def test_a_contract_that_is_none_is_refused_in_one_sentence(
    text: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "contract.yaml").write_text(text)
    assert main(["doctor", "--contract", str(tmp_path / "contract.yaml")]) == 2
    error = capsys.readouterr().err.strip()
    assert said in error and len(error.splitlines()) == 1
