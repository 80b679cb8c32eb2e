"""Reads an SDF world: where its links are, at any joint angles."""

from __future__ import annotations

from collections.abc import Mapping
from xml.etree.ElementTree import Element

import numpy as np
from scipy.spatial.transform import Rotation

from autoglm_embodied.types import FloatArray


def numbers(element: Element | None) -> FloatArray:
    """The numbers in an element's text."""
    assert element is not None and element.text
    return np.array(element.text.split(), dtype=float)


def named(parent: Element, tag: str, name: str) -> Element:
    """The child with this name."""
    found = parent.find(f"{tag}[@name='{name}']")
    assert found is not None, f"no {tag} {name}"
    return found


def pose(element: Element) -> FloatArray:
    """(4, 4) of what an element says of its pose; identity if nothing."""
    T = np.eye(4)
    said = element.find("pose")
    if said is not None:
        values = numbers(said)
        T[:3, 3], T[:3, :3] = values[:3], Rotation.from_euler("xyz", values[3:]).as_matrix()
    return T


def link_poses(model: Element, position: Mapping[str, float]) -> dict[str, FloatArray]:
    """(4, 4) of every link in the model's frame, at these joint positions; others are at zero."""
    joints = {joint.findtext("child"): joint for joint in model.findall("joint")}
    poses = {"": np.eye(4)}
    for link in model.findall("link"):
        said = link.find("pose")
        frame = said.attrib.get("relative_to", "") if said is not None else ""
        name = link.attrib["name"]
        poses[name] = poses[frame] @ pose(link) @ _motion(joints[name], position)
    del poses[""]
    return poses


def _motion(joint: Element, position: Mapping[str, float]) -> FloatArray:
    T, angle = np.eye(4), position.get(joint.attrib["name"], 0.0)
    if joint.attrib["type"] == "revolute":
        T[:3, :3] = Rotation.from_rotvec(angle * numbers(joint.find("axis/xyz"))).as_matrix()
    elif joint.attrib["type"] == "prismatic":
        T[:3, 3] = angle * numbers(joint.find("axis/xyz"))
    return T
