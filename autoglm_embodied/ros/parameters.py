"""Settings of the rooms as ROS parameters: one for each field of a frozen dataclass, checked when read.

Throughout, `node` is the one whose parameter it is, and `name` is in full.
"""

from __future__ import annotations

from dataclasses import MISSING, Field, fields
from math import isfinite
from pathlib import Path
from typing import Any, TypeVar

from rclpy.exceptions import InvalidParameterTypeException, InvalidParameterValueException
from rclpy.node import Node

from autoglm_embodied.config import build, shipped
from autoglm_embodied.errors import ConfigError

S = TypeVar("S")
P = TypeVar("P", str, bool, int, float, list[str])


def settings(node: Node, cls: type[S], prefix: str) -> S:
    """Declare a parameter `prefix.field` for every field of a dataclass, which has defaults, and build it from them.

    Raises:
        ConfigError: a parameter has the wrong type or an impossible value.
    """
    values = {
        field.name: _declare(node, f"{prefix}.{field.name}", _default(field))
        for field in fields(cls)  # type: ignore[arg-type]
    }
    return build(cls, values, f"parameters {prefix}.* of {node.get_name()}")


def parameter(node: Node, name: str, default: P) -> P:
    """Declare one parameter, of the type of its default, and read it.

    Raises:
        ConfigError: it has the wrong type.
    """
    found: P = _declare(node, name, default)
    return found


def rate_parameter(node: Node, name: str, default_hz: float) -> float:
    """Declare a parameter that holds a rate [Hz] and read it.

    Raises:
        ConfigError: it has the wrong type or is no rate.
    """
    parameter(node, name, default_hz)
    return rate(node, name)


def value(node: Node, name: str) -> Any:
    """The current value of a declared parameter."""
    return node.get_parameter(name).value


def rate(node: Node, name: str) -> float:
    """The current value [Hz] of a declared parameter that holds a rate.

    Raises:
        ConfigError: it is no rate.
    """
    rate_hz = float(value(node, name))
    if not (isfinite(rate_hz) and rate_hz > 0.0):
        raise ConfigError(f"parameter {name} of {node.get_name()} must be a rate above 0 Hz, got {rate_hz:g}")
    return rate_hz


def file_parameter(node: Node, name: str, shipped_name: str) -> Path:
    """Declare a parameter that holds a path and read it; empty, it is a settings file that comes with the package."""
    path = parameter(node, name, "")
    return Path(path).expanduser() if path else shipped(shipped_name)


def _default(field: Field[Any]) -> Any:
    default: Any = field.default if field.default_factory is MISSING else field.default_factory()
    return list(default) if isinstance(default, tuple) else default


def _declare(node: Node, name: str, default: Any) -> Any:
    try:
        found = node.declare_parameter(name, default).value
    except (InvalidParameterTypeException, InvalidParameterValueException) as error:
        wanted = type(default[0]).__name__ + " array" if isinstance(default, list) else type(default).__name__
        raise ConfigError(f"parameter {name} of {node.get_name()} must be a {wanted}, such as {default}") from error
    return list(found) if isinstance(default, list) else found
