"""Arrows between rooms run one way, and only the ROS adapters know ROS."""

from __future__ import annotations

import os
import subprocess
import sys
from graphlib import CycleError, TopologicalSorter

import pytest
from sources import CORE, SIM, imports, modules, room

LAYERS = (
    {"__version__", "root", "errors", "growing_wait", "vocabulary", "whole_file"},
    {"types", "config", "metrics", "setting"},
    {"kinematics", "graph_recording"},
    {"align", "bag", "data", "safety", "command_language"},
    {"model", "ingest", "voice"},
    {"policy", "train", "faults"},
    {"grasping"},
    {"ros", "replay"},
    {"nodes"},
    {"graph"},
    {"tools"},
    {"sim.objects"},
    {"sim.scenes"},
    {"sim.sensors", "sim.language"},
    {"sim.robots"},
    {"sim.judge"},
    {"sim.policies", "sim.gym", "sim.gazebo"},
    {"sim.root", "sim.eval"},
    {"sim.collect", "sim.report", "sim.bench", "sim.nodes"},
    {"sim.cli"},
)
"""From the bottom up: a room imports itself and rooms below it."""

REST_ON_VALUES_ALONE: dict[str, set[str]] = {"safety": set(), "command_language": set(), "voice": {"command_language"}}
"""And on these rooms."""
VALUES = {
    "command_language",
    "__version__",
    "errors",
    "growing_wait",
    "vocabulary",
    "whole_file",
    "types",
    "config",
    "setting",
    "kinematics",
}
MAY_IMPORT_TOOLS = {"tools", "sim.cli"}
KNOW_ROS = {"ros", "nodes", "sim.nodes"}
ROS = {
    *(
        "rclpy",
        "message_filters",
        "launch",
        "launch_ros",
        "rosidl_runtime_py",
        "builtin_interfaces",
        "action_msgs",
        "lifecycle_msgs",
    ),
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
    wrong = [
        f"{found.module} imports {found.name}"
        for package in (CORE, SIM)
        for found in imports(package)
        if found.package in (CORE, SIM)
        and room(found.module) != room(found.name)
        and not height[room(found.module)] > height[room(found.name)]
    ]
    assert not wrong, "\n".join(wrong)


def test_no_files_import_each_other_in_a_circle() -> None:
    files = set(modules(CORE)) | set(modules(SIM))
    arrows: dict[str, set[str]] = {name: set() for name in files}
    for package in (CORE, SIM):
        for found in imports(package):
            arrows[found.module] |= {name for name in (found.name, found.name.rpartition(".")[0]) if name in files}
    try:
        TopologicalSorter({name: reached - {name} for name, reached in arrows.items()}).prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))


def test_no_room_imports_the_tools() -> None:
    found = [found for package in (CORE, SIM) for found in imports(package) if room(found.name) == "tools"]
    assert {room(each.module) for each in found} <= MAY_IMPORT_TOOLS


def test_safety_and_voice_rest_on_values_alone() -> None:
    for found in imports(CORE):
        if room(found.module) in REST_ON_VALUES_ALONE and found.package == CORE:
            own = REST_ON_VALUES_ALONE[room(found.module)] | {room(found.module)}
            assert room(found.name) in VALUES | own, f"{found.module} imports {found.name}"


def test_the_core_does_without_the_simulator() -> None:
    assert [found.module for found in imports(CORE) if found.package == SIM] == []


def test_only_the_ros_adapters_import_ros() -> None:
    importers = {room(found.module) for package in (CORE, SIM) for found in imports(package) if found.package in ROS}
    assert importers == KNOW_ROS


def test_all_other_rooms_of_both_packages_import_with_ros_blocked() -> None:
    names = [name for package in (CORE, SIM) for name in modules(package) if not name.endswith("__main__")]
    free = [name for name in names if room(name) not in KNOW_ROS]
    program = BLOCKED.format(blocked=ROS, modules=free)
    environment = os.environ | {"MUJOCO_GL": "egl", "OMP_NUM_THREADS": "1"}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(("given", "threads"), [(None, "1"), ("3", "3")])
def test_a_node_takes_one_thread_for_its_matrices_unless_it_is_told_otherwise(given: str | None, threads: str) -> None:
    program = "import os, sys, autoglm_embodied.nodes; print(os.environ['OMP_NUM_THREADS'], 'numpy' in sys.modules)"
    environment = {name: value for name, value in os.environ.items() if name != "OMP_NUM_THREADS"}
    environment |= {} if given is None else {"OMP_NUM_THREADS": given}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=environment, check=True)
    assert done.stdout.split() == [threads, "False"]  # set after numpy came, it would change nothing
