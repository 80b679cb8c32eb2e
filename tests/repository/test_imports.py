"""Arrows between rooms run one way, and only nodes know ROS."""

from __future__ import annotations

import os
import subprocess
import sys

from sources import CORE, SIM, imports, modules, room

LAYERS = (
    {"__version__", "errors", "realtime", "vocabulary"},
    {"types", "config", "figures"},
    {"kinematics", "observed"},
    {"align", "bag", "safety", "voice", "sim"},
    {"model"},
    {"policy"},
    {"pipeline"},
    {"conductor"},
    {"nodes"},
    {"sim.nodes"},
    {"learn", "report", "demo", "doctor", "bench", "cli"},
)
"""From the bottom up: a room imports itself and rooms below it, the uppermost ones also each other."""

REST_ON_VALUES_ALONE = {"safety", "voice"}
VALUES = {"__version__", "errors", "vocabulary", "types", "config", "kinematics"}
MAY_KNOW_THE_SIMULATOR = {"sim", "sim.nodes", "learn"}
ROS = {
    *("rclpy", "launch", "launch_ros", "rosidl_runtime_py", "builtin_interfaces", "action_msgs", "lifecycle_msgs"),
    *("std_msgs", "std_srvs", "sensor_msgs", "geometry_msgs", "diagnostic_msgs", "trajectory_msgs"),
    *("rcl_interfaces", f"{CORE}_interfaces"),
}
BLOCKED = """
import importlib, sys
class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {blocked!r}:
            raise ImportError(name + " is blocked")
sys.meta_path.insert(0, Blocked())
for module in {modules!r}:
    importlib.import_module(module)
"""


def test_arrows_between_rooms_run_one_way() -> None:
    height = {name: level for level, names in enumerate(LAYERS) for name in names}
    top = len(LAYERS) - 1
    wrong = [
        f"{found.module} imports {found.name}"
        for package in (CORE, SIM)
        for found in imports(package)
        if found.package in (CORE, SIM)
        and room(found.module) != room(found.name)
        and not height[room(found.module)] > height[room(found.name)]
        and not height[room(found.module)] == height[room(found.name)] == top
    ]
    assert wrong == []


def test_safety_and_voice_rest_on_values_alone() -> None:
    for found in imports(CORE):
        if room(found.module) in REST_ON_VALUES_ALONE and found.package == CORE:
            assert room(found.name) in VALUES | {room(found.module)}, f"{found.module} imports {found.name}"


def test_a_robot_does_without_the_simulator() -> None:
    knowing = {room(found.module) for found in imports(CORE) if found.package == SIM}
    assert knowing <= MAY_KNOW_THE_SIMULATOR


def test_only_nodes_import_ros() -> None:
    importers = {room(found.module) for package in (CORE, SIM) for found in imports(package) if found.package in ROS}
    assert importers <= {"nodes", "sim.nodes"}


def test_the_core_imports_with_ros_blocked() -> None:
    names = [name for package in (CORE, SIM) for name in modules(package) if not name.endswith("__main__")]
    free = [name for name in names if room(name) not in ("nodes", "sim.nodes")]
    program = BLOCKED.format(blocked=ROS, modules=free)
    environment = os.environ | {"MUJOCO_GL": "egl", "OMP_NUM_THREADS": "1"}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
