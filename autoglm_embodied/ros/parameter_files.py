"""The parameter files a node is given: each must hold something for it, under names that it has."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from rclpy.node import Node

from autoglm_embodied.config import read_yaml
from autoglm_embodied.errors import ConfigError

VALUES = "ros__parameters"
WILDCARDS = {"/**": r"(/\w+)*", "/*": r"/\w+"}  # of rcl; whole names alone
OF_ROS = ("use_sim_time", "qos_overrides.", "start_type_description_service")


def check_parameter_files(node: Node, others: bool = False, argv: Sequence[str] | None = None) -> None:
    """Refuse a file from which a node takes nothing, or not all that names it: what it meant to set would be a default.

    Args:
        node: which has declared its parameters.
        others: whether it declares more of them later.
        argv: of the process, which is the default.

    Raises:
        ConfigError: which file, and what of it was not taken.
    """
    node_name = node.get_fully_qualified_name()
    for path in given_files(sys.argv if argv is None else argv):
        sections = dict(_sections(read_yaml(path), ""))
        if not any(_matches(key, node_name) for key in sections):
            known = ", ".join(sections) or "none"
            raise ConfigError(f"{path} sets nothing of {node_name}, but of {known}; name it /**/{node.get_name()}")
        for key, values in sections.items():
            if not others and not key.endswith("*") and _matches(key, node_name):
                _check_names(node, path, _flat(values, ""))


def _check_names(node: Node, path: Path, names: Iterator[str]) -> None:
    for name in names:
        if not node.has_parameter(name) and not name.startswith(OF_ROS):
            near = get_close_matches(name, node.get_parameters_by_prefix(""), n=1)
            hint = f"; did you mean {near[0]}" if near else ""
            raise ConfigError(f"{path} sets {name}, which {node.get_fully_qualified_name()} does not have{hint}")


def given_files(argv: Sequence[str]) -> Iterator[Path]:
    """The files of --params-file between --ros-args and --."""
    of_ros = False
    for argument, following in zip(argv, [*argv[1:], ""], strict=True):
        of_ros = argument == "--ros-args" or (of_ros and argument != "--")
        if of_ros and argument == "--params-file":
            yield Path(following)


def _sections(values: Mapping[str, Any], above: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The full name of each node in a file, which may be nested by namespace, and its parameters."""
    for key, below in values.items():
        if key == VALUES:
            yield above or "/", below or {}
        elif isinstance(below, Mapping):
            yield from _sections(below, f"{above}/{str(key).strip('/')}")


def _matches(key: str, node_name: str) -> bool:
    parts = re.split(r"(/\*\*?)(?=/|$)", key)
    return re.fullmatch("".join(WILDCARDS.get(part) or re.escape(part) for part in parts), node_name) is not None


def _flat(values: Mapping[str, Any], prefix: str) -> Iterator[str]:
    for name, below in values.items():
        yield from _flat(below, f"{prefix}{name}.") if isinstance(below, Mapping) else [f"{prefix}{name}"]
