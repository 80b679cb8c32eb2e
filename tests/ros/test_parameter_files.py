"""What a parameter file means to set is set in every namespace, or the node says why not."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from rclpy.node import Node

from autoglm_embodied.config import shipped
from autoglm_embodied.errors import ConfigError
from autoglm_embodied.nodes.fusion_node import FusionNode
from autoglm_embodied.nodes.governor_node import GovernorNode
from autoglm_embodied.nodes.manager_node import ManagerNode
from autoglm_embodied.nodes.voice_node import VoiceNode
from autoglm_embodied.ros.parameter_files import check_parameter_files
from autoglm_embodied.ros.parameters import settings
from autoglm_embodied.safety.limits import Limits

SETS = "\n  ros__parameters:\n    limits:\n      max_linear_m_s: 0.1"


@pytest.fixture(params=["/", "/r1", "/cell/r1"], scope="module")
def node(request: pytest.FixtureRequest, graph: Any) -> Iterator[Node]:
    node = Node("governor_node", namespace=request.param, context=graph.context)
    settings(node, Limits, "limits")
    yield node
    node.destroy_node()


def given(path: Path, text: str) -> list[str]:
    """The command line of a node with this file."""
    path.write_text(text)
    return ["node", "--params-file", "/not/of/ros.yaml", "--ros-args", "--params-file", str(path), "--", "more"]


@pytest.mark.parametrize("key", ["/**/governor_node", "/**", "{}"])
def test_a_file_for_the_node_is_taken(node: Node, tmp_path: Path, key: str) -> None:
    argv = given(tmp_path / "a.yaml", key.format(node.get_fully_qualified_name()) + ":" + SETS)
    check_parameter_files(node, argv=argv)


@pytest.mark.parametrize("key", ["/r2/governor_node", "/**/fusion_node", "/**/my_governor_node", "/r1/governor_node/x"])
def test_a_file_that_sets_nothing_of_the_node_is_refused(node: Node, tmp_path: Path, key: str) -> None:
    argv = given(tmp_path / "a.yaml", f"{key}:{SETS}")
    told = f"a.yaml sets nothing of {node.get_fully_qualified_name()}, but of {key}; name it /**/governor_node"
    with pytest.raises(ConfigError, match=re.escape(told)):
        check_parameter_files(node, argv=argv)


def test_a_plain_name_is_one_without_a_namespace(node: Node, tmp_path: Path) -> None:
    argv = given(tmp_path / "a.yaml", f"governor_node:{SETS}")
    if node.get_namespace() == "/":
        check_parameter_files(node, argv=argv)
        return
    with pytest.raises(ConfigError, match="sets nothing of"):
        check_parameter_files(node, argv=argv)


def test_a_namespace_may_be_nested(node: Node, tmp_path: Path) -> None:
    names = node.get_fully_qualified_name().strip("/").split("/")
    lines = [f"{'  ' * depth}{name}:" for depth, name in enumerate(names)]
    indent = "  " * len(names)
    text = "\n".join([*lines, f"{indent}ros__parameters:", f"{indent}  limits.max_force_n: 3.0"])
    check_parameter_files(node, argv=given(tmp_path / "a.yaml", text))


def test_a_misspelt_parameter_is_refused_where_the_node_is_named(node: Node, tmp_path: Path) -> None:
    text = "\n  ros__parameters:\n    use_sim_time: true\n    limits.max_liner_m_s: 0.1"
    check_parameter_files(node, argv=given(tmp_path / "a.yaml", "/**:" + text))  # it may be of another node
    named = given(tmp_path / "a.yaml", "/**/governor_node:" + text)
    check_parameter_files(node, others=True, argv=named)
    with pytest.raises(ConfigError, match=r"sets limits\.max_liner_m_s, which .*; did you mean limits\.max_linear_m_s"):
        check_parameter_files(node, argv=named)


@pytest.mark.parametrize("name", ["governor", "fusion", "voice"])
@pytest.mark.parametrize("namespace", ["/", "/r1", "/cell/r1"])
def test_the_shipped_files_hold_in_every_namespace(graph: Any, name: str, namespace: str) -> None:
    arguments = ["--ros-args", "--params-file", str(shipped(f"{name}.yaml"))]
    node = Node(f"{name}_node", namespace=namespace, context=graph.context, cli_args=arguments)
    try:
        check_parameter_files(node, others=True, argv=arguments)
        assert node.declare_parameter("topics.voice", "default").value == "voice/command"
    finally:
        node.destroy_node()


@pytest.mark.parametrize(
    ("make", "name"),
    [(GovernorNode, "governor"), (FusionNode, "fusion"), (VoiceNode, "voice"), (ManagerNode, "manager")],
)
def test_each_node_takes_its_shipped_file(
    default_context: None, monkeypatch: pytest.MonkeyPatch, make: Any, name: str
) -> None:
    monkeypatch.setattr(sys, "argv", ["node", "--ros-args", "--params-file", str(shipped(f"{name}.yaml"))])
    node = make()
    node.close()
    node.destroy_node()
