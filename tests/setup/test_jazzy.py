"""The environment of ROS 2 Jazzy: of `.venv` it has all but ROS, in the versions that its lock was made for."""

from __future__ import annotations

import re
from pathlib import Path

import environment
import jazzy
import pytest

ROOT = Path(__file__).resolve().parents[2]


def test_all_but_ros_and_what_is_built_on_it_is_linked(tmp_path: Path) -> None:
    site, folder = tmp_path / "site", tmp_path / "shared"
    for name in ("ros_rclpy-9.1.2.dist-info", "rclpy", "torch", "torch-2.dist-info", "autoglm_embodied_interfaces"):
        (site / name).mkdir(parents=True)
    for name in ("six.py", "distutils-precedence.pth"):
        (site / name).touch()
    record = "rclpy/node.py,sha256=x,1\n../../../share/rclpy/x,,\nros_rclpy-9.1.2.dist-info/RECORD,,\n"
    (site / "ros_rclpy-9.1.2.dist-info" / "RECORD").write_text(record)
    jazzy.link_all_but_ros(site, folder)
    assert sorted(link.name for link in folder.iterdir()) == ["six.py", "torch", "torch-2.dist-info"]
    assert all(link.resolve().parent == site.resolve() for link in folder.iterdir())


def test_what_the_lock_has_besides_ros_has_the_versions_of_the_environment_that_it_is_taken_from() -> None:
    ours, of_venv = (
        set(re.findall(r"^(?!ros-)[a-z0-9][^\\\n]+", (ROOT / "requirements" / name).read_text(), re.MULTILINE))
        for name in ("jazzy.lock", "pypi.lock")
    )
    assert {pin.split("=")[0] for pin in ours} > {"numpy", "empy"} and ours <= of_venv


def test_beside_ros_of_the_distribution_it_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment, "VENV", tmp_path)
    (tmp_path / "pyvenv.cfg").write_text("home = /usr/bin\ninclude-system-site-packages = true\n")
    with pytest.raises(environment.SetUpError, match="uses ROS 2 of the distribution"):
        jazzy.main()
