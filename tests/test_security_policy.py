"""The policy for SROS 2 allows what the nodes do, by docs/interfaces.md; the governor alone may command the robot."""

from __future__ import annotations

import re
from collections.abc import Set
from pathlib import Path
from xml.etree import ElementTree

import pytest

from autoglm_embodied.config import shipped
from autoglm_embodied.ingest.sensor_input import STREAMS

PAGE = Path(__file__).parents[1] / "docs" / "interfaces.md"
TO_THE_ROBOT = {"servo_node/delta_twist_cmds", "gripper_controller/commands"}
OF_EVERY_NODE = {"/rosout", "/parameter_events", "/clock"}
ONLY_WHERE_ASKED_FOR = {"deadman"}  # with deadman.required, which the page's nodes have not
MADE_FOR = {
    "publishes": ("topic", "publish"),
    "subscribes to": ("topic", "subscribe"),
    "service": ("service", "reply"),
    "action": ("action", "execute"),
}
NODES = ("governor_node", "fusion_node", "voice_node", "manager_node")
Rules = dict[tuple[str, str], set[str]]


def policy() -> ElementTree.Element:
    parser = ElementTree.XMLParser(target=ElementTree.TreeBuilder(insert_comments=True))
    return ElementTree.parse(shipped("security/policy.xml"), parser).getroot()


def rules() -> dict[str, Rules]:
    """The names of each enclave, by their kind and what is allowed."""
    found: dict[str, Rules] = {}
    for enclave in policy().iterfind("enclaves/enclave"):
        allowed = found.setdefault(enclave.attrib["path"].removeprefix("/"), {})
        for group in enclave.iterfind("profiles/profile/*"):
            for right, qualifier in group.attrib.items():
                assert qualifier == "ALLOW"
                names = {str(each.text) for each in group}
                allowed.setdefault((group.tag.removesuffix("s"), right), set()).update(names)
    return found


def described(node: str) -> dict[str, set[str]]:
    """The names that the page says of a node, by what it does with them."""
    (section,) = re.findall(rf"^## {node}\n(.*?)(?=^## |\Z)", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    rows = re.findall(r"^\| ([a-z ]+) \| `([^`]+)` \| `[^`]*/(?:msg|srv|action)/", section, re.MULTILINE)
    return {does: {name for said, name in rows if said == does} for does in MADE_FOR}


def own(names: Set[str]) -> set[str]:
    """Without what every node has."""
    return {name for name in names if not name.startswith("~/")} - OF_EVERY_NODE - ONLY_WHERE_ASKED_FOR


@pytest.mark.parametrize("node", NODES)
def test_each_node_may_do_what_it_does_and_no_more(node: str) -> None:
    said = described(node)
    assert any(said.values())
    allowed = rules()[node]
    for does, key in MADE_FOR.items():
        assert own(allowed.get(key, set())) == said[does], (does, node)


def test_the_governor_alone_may_publish_what_the_robot_obeys() -> None:
    may = {node: allowed[("topic", "publish")] & TO_THE_ROBOT for node, allowed in rules().items()}
    assert may.pop("governor_node") == TO_THE_ROBOT
    assert not any(may.values())


def test_the_recorder_may_read_what_is_recorded_and_publish_no_more_than_any_node() -> None:
    allowed = rules()["record_node"]
    assert own(allowed[("topic", "subscribe")]) == {stream.topic for stream in STREAMS.values()}
    assert own(allowed[("topic", "publish")]) == {"/diagnostics"}


def test_a_manager_may_bring_up_every_lifecycle_node_and_an_operator_may_ask_for_what_is_served() -> None:
    found = rules()
    managed = {node for node, allowed in found.items() if "~/change_state" in allowed[("service", "reply")]}
    asked = found["manager_node"][("service", "request")]
    assert asked == {f"{node}/{service}" for node in managed for service in ("change_state", "get_state")}
    served = set().union(*(own(allowed[("service", "reply")]) for allowed in found.values()))
    assert found["operator"][("service", "request")] == served
    assert found["operator"][("action", "call")] == found["fusion_node"][("action", "execute")]


def test_it_has_the_form_that_ros2_security_reads() -> None:
    root = policy()
    assert (root.tag, root.attrib) == ("policy", {"version": "0.2.0"})
    (enclaves,) = root.iterfind("enclaves")
    assert {each.tag for each in enclaves} == {"enclave"}, "it takes a comment here for an enclave"
    for enclave in enclaves:
        (profile,) = enclave.iterfind("profiles/profile")
        assert profile.attrib == {"ns": "/", "node": enclave.attrib["path"].removeprefix("/")}
