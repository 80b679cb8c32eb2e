"""Settings of the rooms as ROS parameters: one for each field of a frozen dataclass, checked when read and when set.

Throughout, `node` is the one whose parameter it is, and `name` is in full. Only `About.live` ones may change later.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import MISSING, Field, fields
from pathlib import Path
from typing import Any, TypeVar

from rcl_interfaces.msg import FloatingPointRange, IntegerRange, ParameterDescriptor, SetParametersResult
from rclpy.exceptions import (
    InvalidParameterTypeException,
    InvalidParameterValueException,
    InvalidTopicNameException,
)
from rclpy.node import Node
from rclpy.parameter import Parameter
from rclpy.validate_topic_name import validate_topic_name

from autoglm_embodied.config import build, shipped
from autoglm_embodied.errors import ConfigError
from autoglm_embodied.setting import About, about

S = TypeVar("S")
P = TypeVar("P", str, bool, int, float, list[str])
UNITS = {
    "m_s2": "m/s²",
    "rad_s2": "rad/s²",
    "m_s": "m/s",
    "rad_s": "rad/s",
    "n_m": "N·m",
    "m": "m",
    "n": "N",
    "kg": "kg",
    "ns": "ns",
    "s": "s",
    "hz": "Hz",
}
"""Endings of names, the longest of the same letters first."""
RATES = {
    "camera_hz": "images that the camera sends a second",
    "wrench_hz": "wrenches that the wrist sensor sends a second",
    "joints_hz": "joint states that the robot sends a second",
    "tick_hz": "observations and decisions of the policy a second",
    "command_hz": "commands of the policy a second, repeated between its ticks",
    "output_hz": "commands to the robot a second",
}
TOPIC_ABOUT = {
    "rgb": "colour images; as published, raw or compressed",
    "depth": "depth images, or an organised point cloud",
    "camera_info": "calibration of the colour images",
    "depth_info": "calibration of the depth images, where they are not aligned with colour",
    "wrench": "the wrist's wrenches, one a message",
    "wrench_batch": "the wrist's wrenches, several a message",
    "joints": "joint states of arm and gripper",
    "voice": "spoken commands",
    "feedback": "what is answered to each utterance",
    "deadman": "whether the deadman is held",
    "policy_twist": "motions that the policy wants",
    "policy_gripper": "openings of the gripper that the policy wants",
    "twist": "motions to the robot",
    "gripper": "openings of the gripper to the robot",
    "governor_state": "the governor's state",
    "state": "what the fusion node observes and does",
    "manager_state": "whether all nodes that are needed are active",
}
"""What each parameter `topics.NAME` is of."""


def settings(node: Node, cls: type[S], prefix: str) -> S:
    """Declare a parameter `prefix.field` for every field of a dataclass, which has defaults, and build it from them.

    Raises:
        ConfigError: a parameter has the wrong type or an impossible value, or none of that name is known.
    """
    values = {
        field.name: _declare(node, f"{prefix}.{field.name}", _default(field), about(field))
        for field in fields(cls)  # type: ignore[arg-type]
    }
    given = [name for name in node._parameter_overrides if name.startswith(f"{prefix}.")]  # ROS ignores misspelt ones
    values = {name.removeprefix(f"{prefix}."): None for name in given} | values
    return build(cls, values, _source(node, prefix))


def on_change(node: Node, cls: type[S], prefix: str, take: Callable[[S], None]) -> None:
    """Give settings, declared before, to `take` when one of them is set; the change is refused if a ConfigError comes.

    Args:
        node: whose parameters they are.
        cls: the dataclass.
        prefix: of their names.
        take: makes them count at once, or raises a ConfigError and leaves things as they were.
    """

    def change(parameters: list[Parameter[Any]]) -> SetParametersResult:
        start = f"{prefix}."
        changed = {each.name: each.value for each in parameters if each.name.startswith(start)}
        if changed and len(changed) < len(parameters):  # what else is set might still be refused
            return SetParametersResult(successful=False, reason=f"set {prefix}.* apart from other parameters")
        names = {field.name: f"{start}{field.name}" for field in fields(cls)}  # type: ignore[arg-type]
        values = {field: _plain(changed.get(name, value(node, name))) for field, name in names.items()}
        try:
            if changed:
                take(build(cls, values, _source(node, prefix)))
        except ConfigError as error:
            return SetParametersResult(successful=False, reason=str(error))
        return SetParametersResult(successful=True)

    node.add_on_set_parameters_callback(change)


def parameter(node: Node, name: str, default: P, known: About) -> P:
    """Declare one parameter, of the type of its default, and read it.

    Raises:
        ConfigError: it has the wrong type or is out of range.
    """
    found: P = _declare(node, name, default, known)
    return found


def rate_parameter(node: Node, name: str, default_hz: float) -> float:
    """Declare a parameter that holds a rate [Hz] and read it.

    Raises:
        ConfigError: it has the wrong type or is no rate.
    """
    return parameter(node, name, default_hz, About(RATES[name], least=0.1, most=10_000.0))


def topic_about(name: str) -> About:
    """What people read of the parameter that holds this topic."""
    return About(f"topic of {TOPIC_ABOUT[name]}")


def topic_parameter(node: Node, name: str, default: str) -> str:
    """Declare a parameter `topics.NAME` that holds the name of a topic and read it.

    Raises:
        ConfigError: it is no text, or no name of a topic.
    """
    full = f"topics.{name}"
    topic = parameter(node, full, default, topic_about(name))
    try:
        validate_topic_name(topic)
    except InvalidTopicNameException as error:
        wanted = "the name of a topic: letters, digits and underscores between slashes"
        raise ConfigError(f"parameter {full} of {node.get_name()} must be {wanted}, got {topic!r}") from error
    return topic


def value(node: Node, name: str) -> Any:
    """The current value of a declared parameter."""
    return node.get_parameter(name).value


def file_parameter(node: Node, name: str, shipped_name: str) -> Path:
    """Declare a parameter that holds a path and read it; empty, it is a settings file that comes with the package."""
    path = parameter(node, name, "", About(f"path of a settings file; empty: the shipped {shipped_name}"))
    return Path(path).expanduser() if path else shipped(shipped_name)


def _default(field: Field[Any]) -> Any:
    default: Any = field.default if field.default_factory is MISSING else field.default_factory()
    return list(default) if isinstance(default, tuple) else default


def _declare(node: Node, name: str, default: Any, known: About) -> Any:
    try:
        return _plain(node.declare_parameter(name, default, _descriptor(name, default, known)).value)
    except InvalidParameterTypeException as error:
        wanted = type(default[0]).__name__ + " array" if isinstance(default, list) else type(default).__name__
        article = "an" if wanted[0] in "aeiou" else "a"
        raise ConfigError(
            f"parameter {name} of {node.get_name()} must be {article} {wanted}, such as {default}"
        ) from error
    except InvalidParameterValueException as error:
        got = node._parameter_overrides[name].value
        raise ConfigError(f"parameter {name} of {node.get_name()} must be {known.allowed}, got {got}") from error


def _descriptor(name: str, default: Any, known: About) -> ParameterDescriptor:
    descriptor = ParameterDescriptor(description=_description(name, known), read_only=not known.live)
    if known.least is not None and known.most is not None:
        if isinstance(default, int):
            descriptor.integer_range = [IntegerRange(from_value=int(known.least), to_value=int(known.most))]
        elif isinstance(default, float):
            descriptor.floating_point_range = [FloatingPointRange(from_value=known.least, to_value=known.most)]
        else:
            descriptor.additional_constraints = f"each number {known.allowed}"
    return descriptor


def _description(name: str, known: About) -> str:
    """What the setting is, and its unit, which ends its name."""
    last = name.rpartition(".")[2]
    unit = next((ending for ending in UNITS if last.endswith(f"_{ending}")), "")
    return f"{known.description} [{UNITS[unit]}]" if unit else known.description


def _plain(found: Any) -> Any:
    return list(found) if hasattr(found, "tolist") else found


def _source(node: Node, prefix: str) -> str:
    return f"parameters {prefix}.* of {node.get_name()}"
