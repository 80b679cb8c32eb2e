"""The command `gazebo_world`: writes a world for Gazebo and prints where it is."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from autoglm_embodied.config import shipped
from autoglm_embodied.errors import AutoGLMError, ConfigError
from autoglm_embodied.kinematics import Robot
from autoglm_embodied_sim.gazebo.element import DIALECTS, Dialect
from autoglm_embodied_sim.gazebo.world import Setting, write_world
from autoglm_embodied_sim.scenes.scene import sample_grasp_scene
from autoglm_embodied_sim.scenes.suite import suite_named
from autoglm_embodied_sim.sensors.camera import CameraSettings
from autoglm_embodied_sim.sensors.sensor_specs import Sensors

BAD_INPUT = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    options = _parser().parse_args(arguments)
    try:
        print(_write(options))
    except AutoGLMError as error:
        print(error, file=sys.stderr)
        return BAD_INPUT
    return 0


def _write(options: argparse.Namespace) -> Path:
    if options.seed < 0 or options.count < 1:
        raise ConfigError(f"--seed must be 0 or more and --count 1 or more, got {options.seed} and {options.count}")
    setting = Setting(
        Robot.from_file(options.robot_file or shipped("panda.yaml")),
        CameraSettings.from_file(options.camera_file),
        Sensors.from_file(options.sensors_file),
    )
    scene = sample_grasp_scene(replace(suite_named("primitives"), objects=options.count), (), options.seed)
    folder = options.folder or Path(tempfile.mkdtemp(prefix="autoglm-gazebo-"))
    return write_world(scene, setting, Dialect.named(options.gazebo), folder)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="gazebo_world", description="Write a world for Gazebo and print where it is.")
    parser.add_argument("--folder", type=Path, help="for the world and its meshes; a new temporary one if not given")
    parser.add_argument("--gazebo", default="gz", help=f"which Gazebo: {', '.join(DIALECTS)}; ignition is Fortress")
    parser.add_argument("--seed", type=int, default=0, help="of the scene on the table")
    parser.add_argument("--count", type=int, default=3, help="how many objects lie there")
    for name in ("robot", "camera", "sensors"):
        parser.add_argument(f"--{name}-file", type=_path, help=f"your own {name} settings in place of the shipped ones")
    return parser


def _path(text: str) -> Path | None:
    """A path; None for an empty one, as launch files pass what was not given."""
    return Path(text).expanduser() if text else None


if __name__ == "__main__":
    sys.exit(main())
