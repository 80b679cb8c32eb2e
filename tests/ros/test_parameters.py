"""The shipped parameter files name every parameter of their node, with its default; what is wrong is named."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from rclpy.node import Node
from rclpy.parameter import Parameter

from autoglm_embodied.align.settings import AlignSettings
from autoglm_embodied.config import shipped
from autoglm_embodied.errors import ConfigError
from autoglm_embodied.nodes.fusion_node import FusionNode
from autoglm_embodied.nodes.governor_node import GovernorNode
from autoglm_embodied.ros.parameters import settings
from autoglm_embodied.safety.governor import Limits

ROS_OWN = ("use_sim_time", "start_type_description_service")


def flat(values: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    pairs: dict[str, Any] = {}
    for name, value in values.items():
        pairs |= flat(value, f"{prefix}{name}.") if isinstance(value, dict) else {prefix + name: value}
    return pairs


@pytest.mark.parametrize(("make", "name"), [(GovernorNode, "governor"), (FusionNode, "fusion")])
def test_the_shipped_file_holds_every_parameter_as_it_is_by_default(
    default_context: None, make: Any, name: str
) -> None:
    node = make()
    try:
        declared = {key: parameter.value for key, parameter in node.get_parameters_by_prefix("").items()}
    finally:
        node.close()
        node.destroy_node()
    written = yaml.safe_load(shipped(f"{name}.yaml").read_text())[f"{name}_node"]["ros__parameters"]
    assert flat(written) == {key: plain(value) for key, value in declared.items() if key not in ROS_OWN}


def plain(value: Any) -> Any:
    return list(value) if hasattr(value, "__len__") and not isinstance(value, str) else value


def test_overrides_reach_the_settings_and_lists_become_tuples(graph: Any) -> None:
    overrides = [
        Parameter("limits.workspace_lower_m", value=[0.1, -0.2, 0.0]),
        Parameter("align.pyramid_windows_ns", value=[8, 16]),
    ]
    node = Node("overridden", context=graph.context, parameter_overrides=overrides)
    try:
        assert settings(node, Limits, "limits").workspace_lower_m == (0.1, -0.2, 0.0)
        assert settings(node, AlignSettings, "align").pyramid_windows_ns == (8, 16)
    finally:
        node.destroy_node()


@pytest.mark.parametrize(
    ("name", "value", "match"),
    [
        ("limits.max_force_n", "much", "limits.max_force_n of overridden must be a float, such as 40.0"),
        ("limits.workspace_lower_m", [1, 2, 3], "workspace_lower_m of overridden must be a float array"),
        ("limits.bias_samples", 0, "bias_samples must be finite and above 0, got 0"),
    ],
)
def test_a_wrong_type_or_value_is_named(graph: Any, name: str, value: Any, match: str) -> None:
    node = Node("overridden", context=graph.context, parameter_overrides=[Parameter(name, value=value)])
    try:
        with pytest.raises(ConfigError, match=match):
            settings(node, Limits, "limits")
    finally:
        node.destroy_node()
