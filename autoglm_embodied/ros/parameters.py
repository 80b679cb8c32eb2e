"""Settings of the rooms as ROS parameters: one for each field of a frozen dataclass, checked when read."""

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
P = TypeVar("P", str, bool, int, float)


def settings(node: Node, cls: type[S], prefix: str) -> S:
    """Declare a parameter `prefix.field` for every field of `cls` that has a default, and build it from them.

    Raises:
        ConfigError: a parameter has the wrong type or an impossible value.
    """
    values = {
        field.name: _declare(node, f"{prefix}.{field.name}", _default(field))
        for field in fields(cls)  # type: ignore[arg-type]
    }
    return build(cls, values, f"parameters {prefix}.* of {node.get_name()}")


def parameter(node: Node, name: str, default: P) -> P:
    """Declare one parameter and read it.

    Raises:
        ConfigError: it has the wrong type.
    """
    value: P = _declare(node, name, default)
    return value


def rate_parameter(node: Node, name: str, default_hz: float) -> float:
    """Declare a parameter that holds a rate [Hz] and read it.

    Raises:
        ConfigError: it has the wrong type or is no rate.
    """
    return require_rate(node, name, parameter(node, name, default_hz))


def require_rate(node: Node, name: str, rate_hz: float) -> float:
    """`rate_hz`, unless it is none; for parameters that may have changed since they were declared."""
    if not (isfinite(rate_hz) and rate_hz > 0.0):
        raise ConfigError(f"parameter {name} of {node.get_name()} must be a rate above 0 Hz, got {rate_hz:g}")
    return rate_hz


def file_parameter(node: Node, name: str, shipped_name: str) -> Path:
    """A parameter that holds a path; empty means the settings file of that name that came with the package."""
    value = parameter(node, name, "")
    return Path(value).expanduser() if value else shipped(shipped_name)


def _default(field: Field[Any]) -> Any:
    value = field.default if field.default is not MISSING else field.default_factory()  # type: ignore[misc]
    return list(value) if isinstance(value, tuple) else value


def _declare(node: Node, name: str, default: Any) -> Any:
    try:
        value = node.declare_parameter(name, default).value
    except (InvalidParameterTypeException, InvalidParameterValueException) as error:
        wanted = type(default[0]).__name__ + " array" if isinstance(default, list) else type(default).__name__
        raise ConfigError(f"parameter {name} of {node.get_name()} must be a {wanted}, such as {default}") from error
    return list(value) if isinstance(default, list) else value
