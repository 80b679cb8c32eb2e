"""The ROS packages are described as ament and colcon expect, and agree with each other."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from catkin_pkg.package import Package, parse_package
from sources import CORE, ROOT, SIM, imports

from autoglm_embodied import __version__

FOLDERS = {CORE: ROOT, SIM: ROOT / "sim", f"{CORE}_interfaces": ROOT / "ros2_ws" / "src" / f"{CORE}_interfaces"}
BUILD_TYPES = {CORE: "ament_python", SIM: "ament_python", f"{CORE}_interfaces": "ament_cmake"}


def described(name: str) -> Package:
    """The description of a package, complaints being errors."""
    warnings: list[str] = []
    package = parse_package(str(FOLDERS[name]), warnings=warnings)
    assert warnings == []
    return package


@pytest.mark.parametrize("name", FOLDERS)
def test_package_xml_is_valid_and_complete(name: str) -> None:
    package = described(name)
    package.validate()
    assert (package.name, package.package_format, package.version) == (name, 3, __version__)
    assert package.licenses == ["Apache-2.0"]
    assert package.get_build_type() == BUILD_TYPES[name]


@pytest.mark.parametrize("name", [CORE, SIM])
def test_every_ros_package_that_is_imported_is_declared(name: str) -> None:
    declared = {dependency.name for dependency in described(name).exec_depends}
    ros = {found.package for found in imports(name) if found.package.endswith(("_msgs", "_srvs", "_interfaces"))}
    assert ros | {"rclpy"} <= declared


@pytest.mark.parametrize("name", [CORE, SIM])
def test_setup_py_says_the_same_as_package_xml(name: str) -> None:
    command = [sys.executable, "setup.py", "--quiet", "--name", "--version", "--license"]
    environment = os.environ | {"PYTHONWARNINGS": "ignore"}
    said = subprocess.check_output(command, cwd=FOLDERS[name], text=True, env=environment, stderr=subprocess.DEVNULL)
    assert said.split() == [name, __version__, "Apache-2.0"]


@pytest.mark.parametrize("name", [CORE, SIM])
def test_the_workspace_reaches_each_package_by_a_relative_link(name: str) -> None:
    link = ROOT / "ros2_ws" / "src" / name
    assert not os.path.isabs(os.readlink(link))
    assert link.resolve() == FOLDERS[name]


@pytest.mark.parametrize("name", [CORE, SIM])
def test_a_built_package_tells_type_checkers_that_it_is_typed(name: str, tmp_path: Path) -> None:
    command = [sys.executable, "setup.py", "--quiet", "build_py", "--build-lib", str(tmp_path)]
    subprocess.run(command, cwd=FOLDERS[name], check=True, env=os.environ | {"PYTHONWARNINGS": "ignore"})
    assert (tmp_path / name / "py.typed").is_file()


def test_every_node_has_a_command() -> None:
    commands = (ROOT / "setup.py").read_text() + (ROOT / "sim" / "setup.py").read_text()
    nodes: list[Path] = []
    for folder in (ROOT / CORE / "nodes", ROOT / "sim" / SIM / "nodes"):
        nodes += [path for path in folder.glob("*_node.py") if "def main(" in path.read_text()]
    assert [path.stem for path in nodes if f'"{path.stem} = ' not in commands] == []
