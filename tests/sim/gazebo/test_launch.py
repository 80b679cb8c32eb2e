"""The launch file and the bridge beside the world that they serve: without ros_gz, what can be known without it."""

from __future__ import annotations

import ast
import importlib
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import yaml
from autoglm_embodied_sim.gazebo.element import Dialect
from autoglm_embodied_sim.gazebo.systems import COMMAND_TOPIC
from autoglm_embodied_sim.gazebo.world import Setting, write_world
from autoglm_embodied_sim.scenes.scene import sample_grasp_scene
from autoglm_embodied_sim.scenes.suite import suite_named

from autoglm_embodied.config import shipped

ROOT = Path(__file__).resolve().parents[3]
LAUNCH = ROOT / "launch" / "gazebo.launch.py"
TYPES = {  # of the table of conversions in the documentation of ros_gz_bridge
    "sensor_msgs/msg/Image": "gz.msgs.Image",
    "sensor_msgs/msg/CameraInfo": "gz.msgs.CameraInfo",
    "sensor_msgs/msg/JointState": "gz.msgs.Model",
    "geometry_msgs/msg/WrenchStamped": "gz.msgs.Wrench",
    "rosgraph_msgs/msg/Clock": "gz.msgs.Clock",
    "trajectory_msgs/msg/JointTrajectory": "gz.msgs.JointTrajectory",
}
KEYS = {"ros_topic_name", "gz_topic_name", "ros_type_name", "gz_type_name", "direction"}
QUEUES = {"subscriber_queue", "publisher_queue"}
OF_EVERY_WORLD = {"/clock"}
OF_RGBD_CAMERA = ("image", "depth_image", "camera_info")  # below the sensor's topic


@pytest.fixture(scope="module")
def bridged() -> list[dict[str, Any]]:
    loaded: list[dict[str, Any]] = yaml.safe_load(shipped("gazebo_bridge.yaml").read_text())
    return loaded


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> ElementTree.Element:
    folder = tmp_path_factory.mktemp("world")
    scene = sample_grasp_scene(suite_named("primitives"), (), 0)
    return ElementTree.parse(write_world(scene, Setting.shipped(), Dialect.named("gz"), folder)).getroot()


def test_every_bridged_topic_is_one_of_the_world(bridged: list[dict[str, Any]], world: ElementTree.Element) -> None:
    topics = set(OF_EVERY_WORLD)
    for sensor in world.iter("sensor"):
        topic = f"/{sensor.findtext('topic')}"
        camera = sensor.attrib["type"] == "rgbd_camera"
        topics |= {f"{topic}/{part}" for part in OF_RGBD_CAMERA} if camera else {topic}
    topics |= {f"/{plugin.findtext('topic')}" for plugin in world.iter("plugin") if plugin.find("topic") is not None}
    assert {entry["gz_topic_name"] for entry in bridged} == topics


def test_types_and_directions_are_those_of_the_bridge(bridged: list[dict[str, Any]]) -> None:
    for entry in bridged:
        assert KEYS <= set(entry) <= KEYS | QUEUES
        assert entry["gz_type_name"] == TYPES[entry["ros_type_name"]]
        package, _, name = entry["ros_type_name"].split("/")
        assert hasattr(importlib.import_module(f"{package}.msg"), name)
        to_gazebo = entry["ros_topic_name"] == COMMAND_TOPIC
        assert entry["direction"] == ("ROS_TO_GZ" if to_gazebo else "GZ_TO_ROS")


def test_the_nodes_hear_on_the_bridged_topics(bridged: list[dict[str, Any]]) -> None:
    told = yaml.safe_load(shipped("fusion.yaml").read_text())["/**/fusion_node"]["ros__parameters"]["topics"]
    names = {entry["ros_topic_name"] for entry in bridged}
    assert {told[stream] for stream in ("rgb", "depth", "camera_info", "wrench", "joints")} <= names


def test_messages_come_in_the_frames_that_the_nodes_expect(world: ElementTree.Element) -> None:
    setting = Setting.shipped()
    frames = {sensor.attrib["type"]: sensor.findtext("gz_frame_id") for sensor in world.iter("sensor")}
    assert frames == {"rgbd_camera": setting.camera.frame_id, "force_torque": setting.robot.wrench_frame}


def test_the_launch_file_names_what_there_is() -> None:
    text = LAUNCH.read_text()
    assert len(text.splitlines()) <= 80
    words = {node.value for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Constant)}
    commands = (ROOT / "sim" / "setup.py").read_text()
    assert {"servo_node", "gazebo_world"} <= words and all(f'"{name} = ' in commands for name in words & COMMANDS)
    assert all((ROOT / "config" / name).is_file() for name in words if isinstance(name, str) and name.endswith(".yaml"))
    assert (ROOT / "launch" / "robot.launch.py").is_file() and "robot.launch.py" in words


COMMANDS = {"servo_node", "gazebo_world", "sim_node"}
