"""A transition happens whole or not at all: what fails says why in one sentence and leaves nothing behind."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest
import rclpy
import yaml
from geometry_msgs.msg import TwistStamped
from rclpy.lifecycle import TransitionCallbackReturn
from rclpy.node import Node

from autoglm_embodied.config import shipped
from autoglm_embodied.errors import ConfigError
from autoglm_embodied.nodes.fusion_node import FusionNode
from autoglm_embodied.nodes.governor_node import GovernorNode
from autoglm_embodied.nodes.manager_node import ManagerNode
from autoglm_embodied.nodes.voice_node import VoiceNode
from autoglm_embodied.ros.managed_node import ACTIVE, INACTIVE, UNCONFIGURED, ManagedNode

SUCCESS, FAILURE, ERROR = (
    TransitionCallbackReturn.SUCCESS,
    TransitionCallbackReturn.FAILURE,
    TransitionCallbackReturn.ERROR,
)
ALIKE = {"topics.wrench": "/same", "topics.rgb": "/same"}  # one topic cannot carry two types


def entities(node: Node) -> list[int]:
    """All that a node is known by, or does."""
    kinds = (node.publishers, node.subscriptions, node.services, node.clients, node.timers, node.waitables, node.guards)
    return sorted(id(entity) for kind in kinds for entity in kind)


@pytest.fixture
def made(domain: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., ManagedNode]]:
    """Makes a node with parameters, and ends it."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    with ExitStack() as ends:

        def make(kind: type[ManagedNode], **given: str) -> ManagedNode:
            pairs = [part for name, value in given.items() for part in ("-p", f"{name}:={value}")]
            rclpy.init(args=["--ros-args", *pairs], domain_id=domain)
            ends.callback(rclpy.try_shutdown)
            node = kind()
            ends.callback(node.destroy_node)
            ends.callback(node.close)
            return node

        yield make


@pytest.fixture
def errors(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is logged as an error."""
    told: list[str] = []
    monkeypatch.setattr("rclpy.impl.rcutils_logger.RcutilsLogger.error", lambda _, text, **__: told.append(text))
    return told


class Faulty(ManagedNode):
    """Fails on the way up or down, as it is told, after it has made a publisher."""

    def __init__(self) -> None:
        super().__init__("faulty")
        self.wrong: dict[str, Exception] = {}

    def configure(self, undo: ExitStack) -> None:
        self._come_up(undo, "configure")

    def activate(self, undo: ExitStack) -> None:
        self._come_up(undo, "activate")

    def _come_up(self, undo: ExitStack, what: str) -> None:
        undo.callback(self.destroy_publisher, self.create_publisher(TwistStamped, what, 1))
        undo.callback(self._raise, f"not {what}")
        self._raise(what)

    def _raise(self, what: str) -> None:
        if what in self.wrong:
            raise self.wrong[what]


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ConfigError("limits.x must be 1, got 2"), "limits.x must be 1, got 2"),
        (ValueError("a\n  b"), "faulty cannot become {}: a b"),
    ],
)
@pytest.mark.parametrize(("step", "reached"), [("configure", INACTIVE), ("activate", ACTIVE)])
def test_a_way_up_that_fails_says_why_once_leaves_nothing_and_can_be_tried_again(
    made: Callable[..., Any], errors: list[str], step: str, reached: str, error: Exception, said: str
) -> None:
    node = made(Faulty)
    if step == "activate":
        assert node.trigger_configure() is SUCCESS
    before, state = entities(node), node.state
    again = partial(getattr(node, f"trigger_{step}"))
    node.wrong[step] = error
    assert again() is FAILURE and errors == [said.format(reached)]
    assert entities(node) == before and node.state == state
    node.wrong.clear()
    assert again() is SUCCESS and node.state == reached


@pytest.mark.parametrize("step", ["deactivate", "cleanup", "shutdown"])
def test_a_way_down_that_fails_undoes_the_rest_says_so_and_the_node_can_come_up_again(
    made: Callable[..., Any], errors: list[str], step: str
) -> None:
    node = made(Faulty)
    before = entities(node)
    assert node.trigger_configure() is SUCCESS
    if step != "cleanup":
        assert node.trigger_activate() is SUCCESS
    node.wrong["not configure" if step == "cleanup" else "not activate"] = RuntimeError("stuck")
    assert getattr(node, f"trigger_{step}")() is ERROR
    assert errors == ["not everything of faulty could be ended: stuck"]
    assert node.state == UNCONFIGURED
    if step != "shutdown":
        assert entities(node) == before
        node.wrong.clear()
        assert node.trigger_configure() is SUCCESS


WAYS: list[tuple[type[ManagedNode], str, dict[str, str], str]] = [
    (FusionNode, "configure", {"checkpoint": "/nowhere"}, "no checkpoint in /nowhere"),
    (FusionNode, "configure", {"device": "mars"}, "mars"),
    (
        FusionNode,
        "configure",
        {"policy": "script", "topics.state": "/a", "topics.voice": "/a"},
        "cannot become inactive",
    ),
    (FusionNode, "activate", {"policy": "script", **ALIKE}, "fusion_node cannot become active"),
    (GovernorNode, "configure", {"topics.twist": "/a", "topics.gripper": "/a"}, "governor_node cannot become inactive"),
    (GovernorNode, "activate", {"topics.wrench": "/a", "topics.joints": "/a"}, "governor_node cannot become active"),
    (VoiceNode, "configure", {"topics.voice": "/diagnostics"}, "voice_node cannot become inactive"),
]


@pytest.mark.parametrize(("kind", "step", "given", "said"), WAYS)
def test_each_node_says_what_is_wrong_and_leaves_nothing_behind(
    made: Callable[..., Any], errors: list[str], kind: type[ManagedNode], step: str, given: dict[str, str], said: str
) -> None:
    node = made(kind, **given)
    before = entities(node)
    if step == "activate":
        assert node.trigger_configure() is SUCCESS
    assert getattr(node, f"trigger_{step}")() is FAILURE
    (sentence,) = errors
    assert said in sentence and "\n" not in sentence
    if step == "activate":
        assert node.trigger_cleanup() is SUCCESS
    assert entities(node) == before


def groups(name: str) -> int:
    """In how many groups of the aggregator an item of the diagnostics is."""
    (settings,) = (
        values["ros__parameters"] for values in yaml.safe_load(shipped("diagnostics.yaml").read_text()).values()
    )
    groups = [each["contains"] for each in settings.values() if isinstance(each, dict)]
    return sum(any(part in name for part in contains) for contains in groups)


@pytest.mark.parametrize(
    ("kind", "given"), [(FusionNode, {"policy": "script"}), (GovernorNode, {}), (VoiceNode, {"device": "none"})]
)
def test_each_node_comes_up_twice_and_leaves_nothing_behind(
    made: Callable[..., Any], kind: type[ManagedNode], given: dict[str, str]
) -> None:
    node = made(kind, **given)
    before = entities(node)
    for _ in range(2):
        assert node.trigger_configure() is SUCCESS
        assert node.trigger_activate() is SUCCESS
        assert all(groups(f"{node.get_name()}: {item.name}") == 1 for item in node.items())
        assert node.trigger_deactivate() is SUCCESS
        assert node.trigger_cleanup() is SUCCESS
        assert entities(node) == before


def test_the_manager_tells_of_each_node_in_one_group_of_the_aggregator(made: Callable[..., Any]) -> None:
    items = [f"manager_node: {item.name}" for item in made(ManagerNode).items()]
    assert [item.split()[-1] for item in items] == ["governor_node", "fusion_node", "voice_node"]
    assert all(groups(item) == 1 for item in items)


def test_the_fusion_node_says_when_it_takes_goals(made: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    monkeypatch.setattr("rclpy.impl.rcutils_logger.RcutilsLogger.info", lambda _, text, **__: told.append(text))
    node = made(FusionNode, policy="script")
    node.trigger_configure()
    assert told == []
    node.trigger_activate()
    assert told == ["ready for goals"]


@pytest.mark.parametrize(("kind", "topic"), [(FusionNode, "rgb"), (GovernorNode, "twist"), (VoiceNode, "voice")])
def test_a_topic_that_is_no_name_ends_the_node_with_one_sentence(
    made: Callable[..., Any], kind: type[ManagedNode], topic: str
) -> None:
    with pytest.raises(ConfigError, match=f"parameter topics.{topic} of .* must be the name of a topic.*, got 'a-b'"):
        made(kind, **{f"topics.{topic}": "a-b"})


def test_the_state_can_be_asked_for_by_another_thread_in_the_middle_of_every_transition(
    made: Callable[..., Any],
) -> None:
    node = made(Faulty)
    asked: list[str] = []
    wrong: list[Exception] = []
    ended = Event()

    def ask() -> None:
        try:
            while not ended.is_set():
                asked.append(node.state)
        except Exception as error:
            wrong.append(error)

    before_s = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)  # threads take turns as often as they can
    thread = Thread(target=ask)
    thread.start()
    for _ in range(500):
        node._enter(INACTIVE, lambda undo: None)
        node._enter(ACTIVE, lambda undo: None)
        node._leave(ACTIVE, INACTIVE)
    ended.set()
    thread.join()
    sys.setswitchinterval(before_s)
    assert not wrong and {UNCONFIGURED, INACTIVE, ACTIVE} >= set(asked)
