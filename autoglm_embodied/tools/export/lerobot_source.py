"""What the columns of a LeRobot dataset are taken for, and what is not known of them."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from autoglm_embodied.config import read_yaml, shipped
from autoglm_embodied.errors import BagError, ConfigError
from autoglm_embodied.kinematics import Robot
from autoglm_embodied.tools.export.lerobot_columns import (
    AGE,
    AXES,
    COLOUR,
    PRESENT,
    STATE,
    TIME,
    VELOCITY,
    WRENCH_AGE,
    Feature,
)
from autoglm_embodied.tools.export.lerobot_dataset import RECORDED
from autoglm_embodied.tools.export.lerobot_reader import LeRobotReader
from autoglm_embodied.types import FloatArray

COLUMNS = ("rgb", "depth", "joints", "wrench")  # what a column may be taken for
NONE = "none"
JOINT_NAME = re.compile(r"^position\.|\.(pos|position)$")  # as LeRobot and rosetta call joint x: x.pos, position.x


def chosen_columns(columns: Mapping[str, Feature], chosen: Mapping[str, str]) -> dict[str, str]:
    """The column of each of COLUMNS: that which the user named, or the likeliest; absent where there is none."""
    for stream, name in chosen.items():
        if name != NONE and not (name in columns and _fits(stream, columns[name])):
            fitting = [each for each in columns if _fits(stream, columns[each])]
            raise ConfigError(f"--column {stream} must be one of {', '.join([*fitting, NONE])}, got {name}")
    images = [name for name, feature in columns.items() if feature["dtype"] in ("image", "video")]
    depth = [name for name in images if "depth" in name.lower() and _fits("depth", columns[name])]
    colour = [name for name in images if "depth" not in name.lower()]
    wrench = [name for name in columns if re.search("wrench|force_torque", name) and _fits("wrench", columns[name])]
    likeliest = {
        "rgb": max(colour, key=lambda name: len(os.path.commonprefix([name, *depth])) if depth else 0, default=""),
        "depth": depth[0] if depth else "",
        "joints": STATE if STATE in columns and _fits("joints", columns[STATE]) else "",
        "wrench": min(wrench, key=len, default=""),
    }
    return {stream: name for stream, name in (likeliest | dict(chosen)).items() if name not in ("", NONE)}


def _fits(stream: str, feature: Feature) -> bool:
    kind, shape = feature["dtype"], feature["shape"]
    if stream == "rgb":
        return kind in ("image", "video")
    if stream == "depth":  # a video's 8 bits are no millimetres
        return kind == "image" and 1 in (shape[0], shape[-1])
    return kind.startswith("float") and (len(shape) == 1 if stream == "joints" else shape[-1] == len(AXES))


class Source:
    """What the columns of a dataset are, and what is not known of them.

    Args:
        reader: of the dataset.
        columns: those that are used, by what each is taken for.
        robot: whose wrist and joints they are, where the dataset does not say.
        camera: the file of the camera that took the images, where the dataset does not say its intrinsics.
    """

    def __init__(self, reader: LeRobotReader, columns: dict[str, str], robot: Robot, camera: Path | None) -> None:
        self.reader, self.columns = reader, columns
        own = reader.recorded
        self.tared = WRENCH_AGE in reader.columns
        self.needed = [*columns.values(), VELOCITY, PRESENT, AGE, TIME, WRENCH_AGE]
        self.wrench_frame = str(own.get("wrench_frame", robot.wrench_frame))
        self.base_frame = str(own.get("base_frame", robot.base_frame))
        self.fingers = [str(name) for name in own.get("finger_joint_names", ())]
        self.names = _state_names(reader.columns[columns["joints"]]) if "joints" in columns else []
        self.camera_frame = str(read_yaml(camera or shipped("camera.yaml")).get("frame_id", ""))
        self.intrinsics = self._intrinsics(camera)  # width, height, K; None where they are not known
        self._robot = robot
        self.interpolated = 0  # rows whose wrenches were

    def said(self) -> list[str]:
        """A sentence for each thing that is missing."""
        columns, robot = self.columns, self._robot
        missing = {name: f"it has no {name}: name its column with --column {name}=NAME" for name in COLUMNS}
        said = [sentence for name, sentence in missing.items() if name not in columns]
        if "rgb" in columns and self.intrinsics is None:
            said.append("it has no intrinsics of the camera: name a file with width, height and fovy_deg by --camera")
        strangers = [name for name in self.names if name not in (*robot.joint_names, *robot.finger_joint_names)]
        if strangers and not self.fingers:
            names = ", ".join(strangers)
            said.append(f"the robot's file does not know {names}: replay with a --robot whose joint_names they are")
        if self.interpolated:
            said.append(f"wrenches of {self.interpolated} rows were interpolated, of these the newest alone is written")
        used = {*columns.values(), *self.needed}
        left = [
            name for name in self.reader.columns if name.startswith(("observation.", "action")) and name not in used
        ]
        return said + ([f"not written: {', '.join(left)}"] if left else [])

    def _intrinsics(self, camera: Path | None) -> tuple[int, int, FloatArray] | None:
        own = self.reader.recorded
        if own and self.columns.get("rgb") == COLOUR:
            try:
                return int(own["width"]), int(own["height"]), np.array(own["K"], np.float64).reshape(3, 3)
            except (KeyError, TypeError, ValueError) as error:
                raise BagError(
                    f"{self.reader.folder / RECORDED} must hold width, height and K; export again"
                ) from error
        if camera is None:
            return None
        values = read_yaml(camera)
        try:
            width, height, fovy_deg = int(values["width"]), int(values["height"]), float(values["fovy_deg"])
        except (KeyError, TypeError, ValueError) as error:
            raise ConfigError(f"{camera} must give width and height in pixels and fovy_deg as numbers") from error
        focal_px = height / 2 / math.tan(math.radians(fovy_deg) / 2)
        return width, height, np.array([[focal_px, 0, width / 2], [0, focal_px, height / 2], [0, 0, 1]])


def _state_names(feature: Feature) -> list[str]:
    """The joints of a column; LeRobot names them in a list, or in a mapping with one."""
    names = feature.get("names")
    listed = next(iter(names.values()), None) if isinstance(names, dict) and names else names
    size = feature["shape"][0]
    if not isinstance(listed, list) or len(listed) != size:
        return [f"state_{k}" for k in range(size)]
    return [JOINT_NAME.sub("", str(name)) for name in listed]
