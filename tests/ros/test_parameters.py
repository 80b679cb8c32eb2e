"""The shipped parameter files name every parameter of their node, with its default; what is wrong is named."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
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
from autoglm_embodied.nodes.manager_node import ManagerNode
from autoglm_embodied.nodes.voice_node import VoiceNode
from autoglm_embodied.ros.parameters import on_change, settings
from autoglm_embodied.ros.run_node import run
from autoglm_embodied.safety.limits import Limits

OF_THE_ZERO = ("bias_samples", "least_width_m", "open_width_m", "hand_mass_kg")
ROS_OWN = ("use_sim_time", "start_type_description_service")
NUMBERS = {
    *(Parameter.Type.INTEGER, Parameter.Type.INTEGER_ARRAY),
    *(Parameter.Type.DOUBLE, Parameter.Type.DOUBLE_ARRAY),
}


def flat(values: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    pairs: dict[str, Any] = {}
    for name, value in values.items():
        pairs |= flat(value, f"{prefix}{name}.") if isinstance(value, dict) else {prefix + name: value}
    return pairs


@pytest.mark.parametrize(
    ("make", "name"), [(GovernorNode, "governor"), (FusionNode, "fusion"), (ManagerNode, "manager")]
)
def test_the_shipped_file_holds_every_parameter_as_it_is_by_default(
    default_context: None, make: Any, name: str
) -> None:
    node = make()
    try:
        declared = {key: parameter.value for key, parameter in node.get_parameters_by_prefix("").items()}
    finally:
        node.close()
        node.destroy_node()
    written = yaml.safe_load(shipped(f"{name}.yaml").read_text())[f"/**/{name}_node"]["ros__parameters"]
    assert flat(written) == {key: plain(value) for key, value in declared.items() if key not in ROS_OWN}


@pytest.mark.parametrize(
    "overlay", ["fusion_named", "fusion_simulation", "fusion_named_simulation", "governor_simulation"]
)
def test_a_file_that_is_read_later_sets_parameters_that_there_are(overlay: str) -> None:
    node = overlay.partition("_")[0]
    whole, later = (
        flat(yaml.safe_load(shipped(f"{name}.yaml").read_text())[f"/**/{node}_node"]["ros__parameters"])
        for name in (node, overlay)
    )
    assert later and later.keys() <= whole.keys()
    assert {name: type(value) for name, value in later.items()} == {name: type(whole[name]) for name in later}


@pytest.mark.parametrize("make", [GovernorNode, FusionNode, VoiceNode, ManagerNode])
def test_every_parameter_is_described_and_cannot_change_unless_the_change_takes_effect(
    default_context: None, make: Any
) -> None:
    node = make()
    try:
        names = [name for name in node.get_parameters_by_prefix("") if name not in ROS_OWN]
        known = node.describe_parameters(names)
        node_numbers = [each for each in map(node.get_parameter, names) if each.type_ in NUMBERS]
    finally:
        node.close()
        node.destroy_node()
    assert names and all(each.description for each in known)
    live = {each.name for each in known if not each.read_only}
    limits = {f"limits.{field.name}" for field in fields(Limits) if field.name not in OF_THE_ZERO}
    assert live == (limits if make is GovernorNode else set())
    assert all(each.description.endswith("]") for each in known if each.name.endswith(("_m_s", "_n", "_ns", "_hz")))
    numbers = {each.name for each in node_numbers}
    ranged = {each.name for each in known if each.floating_point_range or each.integer_range}
    assert ranged | {each.name for each in known if each.additional_constraints} == numbers


@pytest.fixture
def limited(graph: Any) -> Iterator[tuple[Node, list[Limits]]]:
    """A node with limits, and what became of changes; some value is refused by who takes it."""
    node, taken = Node("limited", context=graph.context), []

    def take(limits: Limits) -> None:
        if limits.max_force_n == 39.0:
            raise ConfigError("limits.max_force_n must be at most 38 while the arm moves")
        taken.append(limits)

    node.declare_parameter("other", 1)
    settings(node, Limits, "limits")
    on_change(node, Limits, "limits", take)
    yield node, taken
    node.destroy_node()


def test_a_change_takes_effect_at_once_with_all_that_comes_with_it(limited: tuple[Node, list[Limits]]) -> None:
    node, taken = limited
    changes = [Parameter("limits.max_force_n", value=20.0), Parameter("limits.release_force_n", value=10.0)]
    assert node.set_parameters_atomically(changes).successful
    assert taken == [Limits(max_force_n=20.0, release_force_n=10.0)]
    lower = Parameter("limits.workspace_lower_m", value=[0.3, 0.0, 0.1])
    assert node.set_parameters([lower])[0].successful
    assert taken[1] == Limits(max_force_n=20.0, release_force_n=10.0, workspace_lower_m=(0.3, 0.0, 0.1))
    assert node.set_parameters([Parameter("other", value=2)])[0].successful and len(taken) == 2


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"limits.max_linear_m_s": -5.0}, "Min: 0.001, Max: 3"),
        ({"limits.max_linear_m_s": float("nan")}, "Min: 0.001, Max: 3"),
        ({"limits.policy_timeout_ns": 0}, "Min: 1000000, Max: 10000000000"),
        ({"limits.max_linear_m_s": 1}, "expected"),
        ({"limits.max_linear_m_s": None}, "cannot be undeclared"),
        (
            {"limits.workspace_upper_m": [1.0, float("nan"), 1.0]},
            "upper_m[1] must be a finite number, got .nan",
        ),
        ({"limits.workspace_upper_m": [1.0, 1.0]}, "must hold 3 numbers each"),
        ({"limits.max_force_n": 20.0}, "release_force_n must be at most max_force_n, got 30.0"),
        ({"limits.max_force_n": 39.0}, "must be at most 38 while the arm moves"),
        ({"limits.max_force_n": 35.0, "limits.max_linear_m_s": -1.0}, "Min: 0.001"),
        ({"limits.max_force_n": 35.0, "other": 2}, "apart from other parameters"),
        ({"limits.bias_samples": 5}, "read-only"),
    ],
)
def test_a_change_that_is_refused_says_what_is_allowed_and_changes_nothing(
    limited: tuple[Node, list[Limits]], changes: dict[str, Any], reason: str
) -> None:
    node, taken = limited
    before = {name: plain(node.get_parameter(name).value) for name in changes}
    answer = node.set_parameters_atomically([Parameter(name, value=value) for name, value in changes.items()])
    assert not answer.successful and reason in answer.reason
    assert not taken and {name: plain(node.get_parameter(name).value) for name in changes} == before


def plain(value: Any) -> Any:
    return list(value) if hasattr(value, "__len__") and not isinstance(value, str) else value


def test_overrides_reach_the_settings_and_lists_become_tuples(graph: Any) -> None:
    overrides = [
        Parameter("limits.workspace_lower_m", value=[0.1, -0.2, 0.0]),
        Parameter("align.pyramid_windows_ns", value=[8_000, 16_000]),
    ]
    node = Node("overridden", context=graph.context, parameter_overrides=overrides)
    try:
        assert settings(node, Limits, "limits").workspace_lower_m == (0.1, -0.2, 0.0)
        assert settings(node, AlignSettings, "align").pyramid_windows_ns == (8_000, 16_000)
    finally:
        node.destroy_node()


@pytest.mark.parametrize(
    ("name", "value", "match"),
    [
        ("limits.max_force_n", "much", "limits.max_force_n of overridden must be a float, such as 40.0"),
        ("limits.workspace_lower_m", [1, 2, 3], "workspace_lower_m of overridden must be a float array"),
        ("limits.max_forc_n", 3.0, "unknown setting 'max_forc_n'; known are back_off_m, bias_samples"),
        ("limits.max_linear_m_s", 300.0, "limits.max_linear_m_s of overridden must be from 0.001 to 3, got 300.0"),
        ("limits.bias_samples", 0, "limits.bias_samples of overridden must be from 1 to 100000, got 0"),
        ("limits.max_force_n", -3.0, "limits.max_force_n of overridden must be from 0.1 to 1000, got -3.0"),
        ("limits.max_force_n", float("nan"), "limits.max_force_n of overridden must be from 0.1 to 1000, got nan"),
        (
            "limits.workspace_lower_m",
            [0.1, -99.0, 0.0],
            r"lower_m\[1\] must be in metres, not .* -99.0",
        ),
    ],
)
def test_a_wrong_type_or_value_is_named(graph: Any, name: str, value: Any, match: str) -> None:
    node = Node("overridden", context=graph.context, parameter_overrides=[Parameter(name, value=value)])
    try:
        with pytest.raises(ConfigError, match=match):
            settings(node, Limits, "limits")
    finally:
        node.destroy_node()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("max_force_n: 40.0\n      max_force_n: 4.0", "line 5: setting 'max_force_n' must stand once; remove one"),
        ("max_force_n: [1", "cannot read settings from"),
        ("workspace_lower_m: [0.1, 0.2, 0]", "Sequence should be of same type"),
    ],
)
def test_a_parameter_file_that_ros_would_take_or_end_on_is_refused_in_one_sentence(
    text: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(f"governor_node:\n  ros__parameters:\n    limits:\n      {text}\n")
    monkeypatch.setattr(sys, "argv", ["governor_node", "--ros-args", "--params-file", str(path)])
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    assert run(GovernorNode) == 2
    for number, handler in handlers.items():
        signal.signal(number, handler)
    error = capsys.readouterr().err.strip()
    assert said in error and str(path) in error and len(error.splitlines()) == 1
