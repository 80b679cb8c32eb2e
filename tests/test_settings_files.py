"""Whatever is wrong in any settings file is one sentence with the file, the setting and a cure; never a traceback."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from autoglm_embodied_sim.sensors.camera import CameraSettings
from autoglm_embodied_sim.sensors.sensor_specs import Sensors
from hypothesis import given, settings
from hypothesis import strategies as st

from autoglm_embodied.align.settings import AlignSettings
from autoglm_embodied.config import build, read_yaml, shipped
from autoglm_embodied.errors import ConfigError
from autoglm_embodied.graph.launch import IN_SIMULATION
from autoglm_embodied.ingest.calibration import camera_pose
from autoglm_embodied.kinematics import Robot
from autoglm_embodied.policy.grasp_episode import GraspSettings
from autoglm_embodied.safety.limits import Limits
from autoglm_embodied.voice.answer import CommandSettings

Keys = tuple[Any, ...]


def parameters(name: str, prefix: str, cls: type) -> tuple[str, Keys, Callable[[Path], object]]:
    keys = (f"/**/{name}_node", "ros__parameters", prefix)
    return f"{name}.yaml", keys, lambda path: build(cls, read_yaml(path)[keys[0]][keys[1]][prefix], f"{path}: {prefix}")


READERS: dict[str, tuple[str, Keys, Callable[[Path], object]]] = {
    "robot": ("panda.yaml", (), Robot.from_file),
    "camera": ("camera.yaml", (), CameraSettings.from_file),
    "sensors": ("sensors.yaml", (), Sensors.from_file),
    "limits": parameters("governor", "limits", Limits),
    "align": parameters("fusion", "align", AlignSettings),
    "grasp": parameters("fusion", "grasp", GraspSettings),
    "command": parameters("voice", "command", CommandSettings),
}
ANY_SIZE = ("pyramid_windows_ns", "finger_joint_names")
NO_NUMBERS = [
    None,
    math.nan,
    math.inf,
    -math.inf,
    "8e-2",
    "-pi/4",
    "on",
    True,
    "80 mm",
    "0,08",
    {"a": 1},
    "0.1",
    10**400,
]
NO_TEXTS = [None, math.nan, True, 3, 0.5, ["a"], {"a": 1}]
NO_FLAGS = [None, "on", "yes", 1, 0.0, [True]]


def refusal_by(reader: Callable[[Path], object], path: Path) -> str:
    """What a reader of settings says against a file."""
    with pytest.raises(ConfigError) as refused:
        reader(path)
    return str(refused.value)


def leaves(values: Any, keys: Keys = ()) -> Iterator[tuple[Keys, Any]]:
    if not isinstance(values, dict):
        yield keys, values
    for key, value in values.items() if isinstance(values, dict) else ():
        yield from leaves(value, (*keys, key))


def wrong(name: str, value: Any, one_or_many: bool) -> list[Any]:
    """Values that may not stand in the place of this one."""
    if isinstance(value, bool):
        return NO_FLAGS
    if isinstance(value, str):
        return NO_TEXTS
    if isinstance(value, list):
        sizes = [] if name in ANY_SIZE else [value[1:], [*value, value[0]]]
        return [*([bad, *value[1:]] for bad in wrong(name, value[0], True)), value[0], None, "a", [], *sizes]
    large = [value * 1000] if name.endswith("_m") and abs(value) > 0.01 else []
    return [*NO_NUMBERS, *([] if one_or_many else [[value]]), *large, *([0.5] if isinstance(value, int) else [])]


def written(path: Path, values: Any) -> Path:
    path.write_text(yaml.safe_dump(values, sort_keys=False))
    return path


@pytest.mark.parametrize("kind", READERS)
@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_a_wrong_value_anywhere_in_a_settings_file_is_one_sentence(
    kind: str, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    name, begin, _ = READERS[kind]
    values = yaml.safe_load(shipped(name).read_text())
    places = [(keys, value) for keys, value in leaves(values) if keys[: len(begin)] == begin]
    keys, value = data.draw(st.sampled_from(places))
    bad = data.draw(st.sampled_from(wrong(keys[-1], value, kind == "sensors")))
    place = values
    for key in keys[:-1]:
        place = place[key]
    place[keys[-1]] = bad
    path = written(tmp_path_factory.mktemp("settings") / "mine.yaml", values)
    with pytest.raises(ConfigError) as refused:
        READERS[kind][2](path)
    said = str(refused.value)
    assert said.startswith(str(path)) and keys[-1] in said and "\n" not in said and ("got" in said or "must" in said)


@pytest.mark.parametrize("kind", READERS)
def test_a_settings_file_as_shipped_is_taken_and_a_key_that_stands_twice_is_named(kind: str, tmp_path: Path) -> None:
    text = shipped(READERS[kind][0]).read_text()
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    READERS[kind][2](path)
    [line] = [line for line in text.splitlines() if line and not line.startswith("#")][-1:]
    path.write_text(f"{text}\n{line}\n")
    with pytest.raises(ConfigError, match=f"setting '{line.split(':')[0].strip()}' must stand once"):
        READERS[kind][2](path)


@pytest.mark.parametrize(
    ("key", "new", "said"),
    [
        ("gripper_max_width_m", "8e-2", " must be a finite number, got '8e-2'; write 8.0e-2"),
        ("gripper_max_width_m", "1.5e3", "write 1.5e+3"),
        ("gripper_max_width_m", "'0.08'", "write 0.08, without quotes"),
        ("gripper_max_width_m", "0,08", "write 0.08, without quotes"),
        ("gripper_max_width_m", "80 mm", "write the number alone, 80"),
        ("gripper_max_width_m", "80", " must be in metres, not millimetres, from -10 to 10, got 80"),
        ("gripper_max_width_m", "8", " must be above 0 and at most 0.5, got 8; write metres"),
        ("gripper_max_width_m", "1:30", "got '1:30'"),
        ("gripper_max_width_m", "", " must be a finite number, got null; write its value"),
        ("tool_yaw_rad", "-pi/4", " must be a finite number, got '-pi/4'; write the number in radians, -0.7853981634"),
        ("tool_yaw_rad", "3*pi/2", "write the number in radians, 4.7123889804"),
        ("tool_yaw_rad", "pi/0", "write the number"),
        ("tool_yaw_rad", "-45", " must be in radians, not degrees, from -12.5664 to 12.5664, got -45"),
        ("tool_xyz_m", "0.2104", " must be a list, got 0.2104; write it in brackets"),
        ("tool_xyz_m", "[0.0, .nan, 0.2104]", "[1] must be a finite number, got .nan"),
        ("joint_names", "[a, b, c, d, e, a, g]", " and finger_joint_names must differ, got 'a' twice"),
        ("joint_names", "[a, b, c, d, e, f, panda_finger_joint1]", "got 'panda_finger_joint1' twice"),
        ("joint_names", "[1, 2, 3, 4, 5, 6, 7]", "[0] must be text, got 1; write it in quotes, '1'"),
        ("name", "&a [*a]", " must be text"),
        ("name", "a\n? [b]\n: c", "a key must be text"),
        ("joint_lower_rad", "[-2.9, 1.8, -2.9, -3, -2.9, 0, -2.9]", "got 1.8 and 1.7628 of panda_joint2"),
    ],
)
def test_each_slip_in_a_robots_file_has_its_cure(key: str, new: str, said: str, tmp_path: Path) -> None:
    text, changes = re.subn(f"(?m)^{key}: .*$", f"{key}: {new}", shipped("panda.yaml").read_text())
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    refusal = refusal_by(Robot.from_file, path)
    assert changes == 1 and str(path) in refusal and (f"{key}{said}" if said[0] in " [" else said) in refusal


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("[1.15, 0.0, 0.75]", "[1150, 0, 750]", "xyz_m[0] must be in metres, not millimetres"),
        ("[1.15, 0.0, 0.75]", "[1.15, 0.75]", "xyz_m must hold 3 numbers, got 2"),
        ("0.65804043, 0.65804043, -0.25", "1.57, 0.0, -0.25", "quaternion_xyzw must have length 1"),
        ("0.65804043, 0.65804043, -0.25881035, -0.25881035", "0, 0, 0, 0", "must have length 1"),
    ],
)
def test_a_cameras_pose_is_checked_by_a_robot_too(old: str, new: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(shipped("camera.yaml").read_text().replace(old, new))
    for reader in (camera_pose, CameraSettings.from_file):
        assert said in refusal_by(reader, path)


def test_words_that_old_yaml_takes_for_numbers_truths_and_dates_stay_text(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("a: [on, no, 010, 1_000, 0x1F, 2026-11-26, 12:30]\nb: [8.0e-2, -1, true, ~, .inf]\n")
    assert read_yaml(path) == {
        "a": ["on", "no", "010", "1_000", "0x1F", "2026-11-26", "12:30"],
        "b": [0.08, -1, True, None, math.inf],
    }


@pytest.mark.parametrize("value", NO_FLAGS)
def test_a_flag_is_true_or_false_and_nothing_else(value: Any) -> None:
    with pytest.raises(ConfigError, match="stuck_detection must be true or false, got"):
        build(AlignSettings, {"stuck_detection": value}, "a.yaml")


def test_in_simulation_what_comes_late_is_waited_for_and_all_else_is_as_shipped() -> None:
    """By the launch files, and by the commands that start a graph."""
    for node, later in (
        ("governor", {"limits.policy_timeout_ns": 100_000_000, "limits.wrench_timeout_ns": 100_000_000}),
        ("fusion", {"camera.frozen_after_ns": 0, "command_limit_ns": 200_000_000}),
    ):
        simulated, usual = (_flat(shipped(f"{node}{of}.yaml"), node) for of in ("_simulation", ""))
        assert simulated == later and all(usual[name] < value for name, value in later.items() if value)
        given = IN_SIMULATION[f"{node}_node"][1:]
        assert sorted(given[1::2]) == [f"{name}:={value}" for name, value in later.items()]
    launched = Path(__file__).resolve().parents[1] / "launch"
    names = {f"{node}_file": f"{node}_simulation.yaml" for node in ("governor", "fusion")}
    using = [
        file.name
        for file in launched.glob("*.py")
        if all(f'"{argument}": "{name}"' in file.read_text() for argument, name in names.items())
    ]
    assert sorted(using) == ["gazebo.launch.py", "sim.launch.py"]


def _flat(path: Path, node: str) -> dict[str, Any]:
    values = read_yaml(path)[f"/**/{node}_node"]["ros__parameters"]
    nested = {f"{name}.{key}": each for name, of in values.items() if isinstance(of, dict) for key, each in of.items()}
    return nested | {name: value for name, value in values.items() if not isinstance(value, dict)}
