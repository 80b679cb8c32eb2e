"""SDF elements, and the dialects of the versions of Gazebo."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree

import numpy as np
from scipy.spatial.transform import Rotation

from autoglm_embodied.errors import ConfigError
from autoglm_embodied.types import FloatArray

Element = ElementTree.Element


def element(tag: str, *content: Any, **attributes: str) -> Element:
    """An element of child elements (None is left out) or of one value: text, bool, number or numbers."""
    made = Element(tag, attributes)
    for part in content:
        if isinstance(part, Element):
            made.append(part)
        elif part is not None:
            made.text = text(part)
    return made


def children(**values: Any) -> list[Element]:
    """An element for each value, by name."""
    return [element(name, value) for name, value in values.items()]


def text(value: Any) -> str:
    """A value as SDF writes it; numbers with 12 digits."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return value
    if isinstance(value, Iterable):
        return " ".join(map(text, value))
    return format(float(value) + 0.0, ".12g")  # + 0.0: no negative zero


def pose(T_frame_this: FloatArray, frame: str = "") -> Element:
    """The pose (4, 4) of this element in `frame`, or in that of its parent element."""
    rpy = Rotation.from_matrix(T_frame_this[:3, :3]).as_euler("xyz")
    values = np.round([*T_frame_this[:3, 3], *rpy], 15)
    return element("pose", values, **({"relative_to": frame} if frame else {}))


def transform(position_m: FloatArray, quaternion_wxyz: FloatArray) -> FloatArray:
    """(4, 4) of a position and a quaternion as MuJoCo keeps them."""
    T = np.eye(4)
    T[:3, :3] = Rotation.from_quat(np.roll(quaternion_wxyz, -1)).as_matrix()
    T[:3, 3] = position_m
    return T


@dataclass(frozen=True)
class Dialect:
    """SDF version, and how this Gazebo names its systems and the frame of a sensor's messages."""

    sdf_version: str
    classic: bool
    library_prefix: str  # of a system's file
    namespace: str  # of a system's class
    frame_element: str

    @classmethod
    def named(cls, name: str) -> Dialect:
        """That of a name out of DIALECTS; ConfigError for any other."""
        if name not in DIALECTS:
            raise ConfigError(f"Gazebo must be one of {', '.join(DIALECTS)}, got {name!r}")
        return DIALECTS[name]


DIALECTS = {
    "gz": Dialect("1.9", False, "gz-sim-", "gz::sim::systems::", "gz_frame_id"),  # Garden and later
    "ignition": Dialect("1.9", False, "ignition-gazebo-", "ignition::gazebo::systems::", "ignition_frame_id"),
    "classic": Dialect("1.7", True, "", "", ""),  # Gazebo 11
}
"""Fortress is `ignition`."""
