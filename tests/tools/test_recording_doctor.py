"""The doctor of a recording finds its streams, says what is wrong, and writes files that it can be replayed with."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import yaml
from bag_cases import write_ros2_mcap
from replay_cases import STREAM_OF
from timed_recording import TIMED

from autoglm_embodied.bag.message import BagMessage
from autoglm_embodied.config import shipped
from autoglm_embodied.ingest.calibration import camera_pose
from autoglm_embodied.ingest.cdr import WrenchWriter, read_stamp_ns, read_wrench
from autoglm_embodied.ingest.joint_states import JointStateReader, JointStateWriter
from autoglm_embodied.kinematics import Robot
from autoglm_embodied.safety.limits import Limits
from autoglm_embodied.tools.cli import main

UR5E = ["elbow_joint", "shoulder_lift_joint", "wrist_1_joint", "wrist_2_joint", "wrist_3_joint", "finger_joint"]


def of_another_robot(message: BagMessage) -> BagMessage:
    """Another arm, wrist sensor and namespace."""
    stream, t_ns = STREAM_OF[message.topic], read_stamp_ns(message.data)
    if stream == "wrench":
        message = replace(message, data=WrenchWriter("ft300").write(t_ns, read_wrench(message.data)[2]))
    if stream == "joints":
        _, position, velocity = JointStateReader().read(message.data)
        data = JointStateWriter("", UR5E).write(t_ns, position[:6], velocity[:6])
        message = replace(message, data=data)
    return replace(message, topic=f"/cell{message.topic}")


def examined(messages: list[BagMessage], folder: Path, *options: str) -> tuple[int, dict[str, float], Path]:
    """Exit status, how often each sense was present, and the recording."""
    path, figures = write_ros2_mcap(folder / "bag.mcap", messages), folder / "doctor.json"
    status = main(["doctor", str(path), "--json", str(figures), *options])
    rows = json.loads(figures.read_text())["rows"]
    return status, {row["case"]: row["value"] for row in rows if row["figure"] == "replay.present"}, path


def test_a_recording_of_this_robot_is_described_and_used(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, present, path = examined(TIMED, tmp_path)
    said = " ".join(capsys.readouterr().out.split())
    assert status == 0 and min(present[name] for name in ("vision", "force", "joints")) > 0.5
    assert "used as" in said and f"to replay it: autoglm replay {path}" in said
    topics = json.loads((tmp_path / "doctor.json").read_text())["topics"]
    assert {topic["topic"] for topic in topics} == {message.topic for message in TIMED}


@pytest.mark.parametrize("change", [lambda message: message, of_another_robot], ids=["this robot", "another"])
def test_the_files_it_writes_replay_the_recording(
    change: Callable[[BagMessage], BagMessage], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "my_robot"
    status, present, _ = examined([change(message) for message in TIMED], tmp_path, "--write", str(folder))
    assert status == 0 and min(present[name] for name in ("vision", "force", "joints")) > 0.5
    assert Robot.from_file(folder / "robot.yaml").wrench_frame in ("panda_ft", "ft300")
    assert np.isfinite(camera_pose(folder / "camera.yaml")).all()
    command = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("to replay it: "))
    assert main(shlex.split(command.partition(": ")[2])[1:]) == 0


def test_the_files_hold_what_the_recording_told(tmp_path: Path) -> None:
    folder = tmp_path / "my_robot"
    examined([of_another_robot(message) for message in TIMED], tmp_path, "--write", str(folder))
    robot, camera = Robot.from_file(folder / "robot.yaml"), yaml.safe_load((folder / "camera.yaml").read_text())
    assert (robot.joint_names, robot.finger_joint_names) == (tuple(UR5E[:5]), tuple(UR5E[5:]))
    assert (camera["width"], camera["height"], camera["fovy_deg"]) == (32, 24, 43.6)
    node = yaml.safe_load((folder / "fusion.yaml").read_text())["/**/fusion_node"]["ros__parameters"]
    known = yaml.safe_load(shipped("fusion.yaml").read_text())["/**/fusion_node"]["ros__parameters"]
    assert set(node) <= set(known) and set(node["topics"]) <= set(known["topics"])
    assert (node["wrench_hz"], node["topics"]["wrench"]) == (250.0, "/cell/force_torque_sensor_broadcaster/wrench")
    assert "complete" in (folder / "robot.yaml").read_text().lower()


def test_the_governor_is_told_the_robots_topics_and_begins_with_a_tenth_of_the_speed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "my_robot"
    examined([of_another_robot(message) for message in TIMED], tmp_path, "--write", str(folder))
    values = yaml.safe_load((folder / "governor.yaml").read_text())["/**/governor_node"]["ros__parameters"]
    topics = {"wrench": "/cell/force_torque_sensor_broadcaster/wrench", "joints": "/cell/joint_states"}
    assert values["topics"] == topics and Limits(**values["limits"]).speed_share == 0.1 and values["wrench_hz"] == 250.0
    command = next(line for line in capsys.readouterr().out.splitlines() if "ros2 launch" in line)
    files = dict(word.split(":=") for word in command.split() if ":=" in word)
    assert set(files) == {"robot_file", "camera_file", "fusion_file", "governor_file"}
    assert all(Path(file).is_file() for file in files.values()) and files["robot_file"] == values["robot_file"]


def test_a_sense_that_would_be_absent_is_said_with_the_reason(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = [of_another_robot(m) if STREAM_OF[m.topic] == "wrench" else m for m in TIMED]
    status, present, _ = examined(other, tmp_path)
    said = " ".join(capsys.readouterr().out.split())
    assert status == 1 and present["force"] == 0 and "a wrench must be in frame 'panda_ft', got 'ft300'" in said
    assert "300 refused" in said


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--write", "{folder}"], "are about a recording; name its FILE"),
        (["{file}", "--topic", "wrench=/nowhere"], "has no topic /nowhere, but /camera/color/camera_info"),
        (["{file}", "--write", "{written}"], "is there already; name another folder"),
        (["{folder}/absent.mcap"], "there is no recording"),
    ],
)
def test_bad_input_is_refused_in_one_sentence(
    options: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    written = tmp_path / "written"
    written.mkdir()
    (written / "robot.yaml").touch()
    names = {"folder": tmp_path, "file": write_ros2_mcap(tmp_path / "bag.mcap", TIMED[:50]), "written": written}
    assert main(["doctor", *(option.format(**names) for option in options)]) == 2
    error = capsys.readouterr().err.strip()
    assert error.startswith("autoglm doctor: ") and said in error and len(error.splitlines()) == 1
