"""Joint positions out of the link poses that Gazebo 11 publishes: it has no topic of them."""

from __future__ import annotations

from typing import Any
from xml.etree.ElementTree import Element

import numpy as np
from scipy.spatial.transform import Rotation
from sdf_model import named, numbers, pose

from autoglm_embodied.types import FloatArray


class JointPositions:
    """Reads a PosesStamped message of the arm.

    Args:
        arm: the arm's SDF model.
        joints: names of the joints, in the order of the result.
    """

    def __init__(self, arm: Element, joints: list[str]) -> None:
        self._elements = [named(arm, "joint", name) for name in joints]
        self._children = [f"{arm.attrib['name']}::{joint.findtext('child')}" for joint in self._elements]
        self._parents = [f"{arm.attrib['name']}::{joint.findtext('parent')}" for joint in self._elements]
        self._slides = np.array([joint.attrib["type"] == "prismatic" for joint in self._elements])
        self._axis = np.stack([numbers(joint.find("axis/xyz")) for joint in self._elements])
        links = [named(arm, "link", str(joint.findtext("child"))) for joint in self._elements]
        zero = np.stack([pose(link) for link in links])  # (J, 4, 4) child in parent at position zero
        self._zero_m, self._zero = zero[:, :3, 3], Rotation.from_matrix(zero[:, :3, :3])
        self._order: list[str] = []

    def read(self, message: Any) -> FloatArray | None:
        """(J,) positions [rad, m]; None where the message is not of the arm."""
        names = [found.name for found in message.pose]
        if not set(self._children) <= set(names):
            return None
        if names != self._order:
            self._order = names
            self._child = np.array([names.index(name) for name in self._children])
            self._parent = np.array([names.index(name) for name in self._parents])
        place = np.array([(p.position.x, p.position.y, p.position.z) for p in message.pose])
        turn = np.array([(p.orientation.x, p.orientation.y, p.orientation.z, p.orientation.w) for p in message.pose])
        parent = Rotation.from_quat(turn[self._parent])
        moved = (self._zero.inv() * parent.inv() * Rotation.from_quat(turn[self._child])).as_rotvec()
        shifted = self._zero.inv().apply(parent.inv().apply(place[self._child] - place[self._parent]) - self._zero_m)
        return np.asarray((np.where(self._slides[:, None], shifted, moved) * self._axis).sum(axis=1))
