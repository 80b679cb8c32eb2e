"""The columns of a LeRobot dataset (format v3.0): a row a tick, the wrench as the window that is felt, and masks.

What is absent is NaN with `observation.present` false, never 0; an absent image is the last one, masked likewise. A
wrench of the window that was interpolated, or is absent, has the age UNKNOWN_NS.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from autoglm_embodied.align.settings import AlignSettings
from autoglm_embodied.kinematics import Robot
from autoglm_embodied.types import MODALITIES, Observation

COLOUR, DEPTH = "observation.images.color", "observation.images.depth"
AXES = ["force_x", "force_y", "force_z", "torque_x", "torque_y", "torque_z"]
STATISTICS = ["mean", "deviation", "minimum", "maximum", "slope"]
WRENCH, WRENCH_AGE, STATE = "observation.wrench", "observation.wrench_age_ns", "observation.state"
VELOCITY, PRESENT, AGE, TIME = "observation.velocity", "observation.present", "observation.age_ns", "observation.t_ns"
GRIPPER = "gripper_width_m"
UNKNOWN_NS = -1
COUNTERS = ("frame_index", "episode_index", "index", "task_index")
ONE = {"shape": [1], "names": None}
Feature = dict[str, Any]


def features(robot: Robot, align: AlignSettings, width: int, height: int) -> dict[str, Feature]:
    """Kind, shape and names of each column, as info.json has them, for images of a size [px]."""
    names = [*robot.joint_names, GRIPPER]
    state = {"dtype": "float32", "shape": [len(names)], "names": names}
    senses = {"shape": [len(MODALITIES)], "names": list(MODALITIES)}
    pixels = ["height", "width", "channels"]
    windows = [len(align.pyramid_windows_ns), len(STATISTICS), len(AXES)]
    return {
        COLOUR: {"dtype": "image", "shape": [height, width, 3], "names": pixels},
        DEPTH: {"dtype": "image", "shape": [height, width, 1], "names": pixels},
        STATE: state,
        VELOCITY: state,
        WRENCH: {"dtype": "float32", "shape": [align.raw_samples, len(AXES)], "names": AXES},
        WRENCH_AGE: {"dtype": "int64", "shape": [align.raw_samples], "names": None},
        "observation.wrench_pyramid": {"dtype": "float32", "shape": windows, "names": STATISTICS},
        PRESENT: {"dtype": "bool"} | senses,
        AGE: {"dtype": "int64"} | senses,
        "observation.time_error_ns": {"dtype": "int64"} | senses,
        TIME: {"dtype": "int64"} | ONE,
        "action": state,
        "timestamp": {"dtype": "float32"} | ONE,
        **{name: {"dtype": "int64"} | ONE for name in COUNTERS},
    }


def schema(columns: Mapping[str, Feature]) -> pa.Schema:
    """How the columns are stored."""
    return pa.schema([(name, _stored(feature)) for name, feature in columns.items()])


def _stored(feature: Feature) -> pa.DataType:
    if feature["dtype"] == "image":
        return pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    kind = pa.type_for_alias(feature["dtype"])
    if len(feature["shape"]) == 1:
        (size,) = feature["shape"]
        return kind if size == 1 else pa.list_(kind, size)
    for _ in feature["shape"]:
        kind = pa.list_(kind)
    return kind


def observed(
    observation: Observation, stamps_ns: NDArray[np.int64], columns: Mapping[str, Feature]
) -> dict[str, np.ndarray[Any, Any]]:
    """The values of a tick, but for images, action and counters.

    Args:
        observation: of the tick.
        stamps_ns: (n,) of the newest of its raw wrenches.
        columns: of the dataset.
    """
    joints, force, senses = observation.joints.value, observation.force.value, observation.senses()
    found: dict[str, Any] = {}
    if joints is not None:
        found[STATE] = np.append(joints.position_rad, joints.gripper_width_m)
        found[VELOCITY] = np.append(joints.velocity_rad_s, joints.gripper_velocity_m_s)
    ages_ns = found[WRENCH_AGE] = np.full(columns[WRENCH_AGE]["shape"], UNKNOWN_NS)
    if force is not None:
        found[WRENCH], found["observation.wrench_pyramid"] = force.raw, force.pyramid
        ages_ns[-len(stamps_ns) :] = observation.t_ns - stamps_ns
    found[PRESENT] = [sense.present for sense in senses]
    found[AGE] = [sense.age_ns for sense in senses]
    found["observation.time_error_ns"] = [sense.time_error_ns for sense in senses]
    found[TIME] = observation.t_ns
    names = [name for name in columns if name.startswith("observation.") and columns[name]["dtype"] != "image"]
    absent = {name: np.full(columns[name]["shape"], np.nan) for name in names if name not in found}
    return {name: np.asarray(value, columns[name]["dtype"]) for name, value in (found | absent).items()}
