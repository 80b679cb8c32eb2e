"""For which Gazebo a world is written: what differs between them."""

from __future__ import annotations

from dataclasses import dataclass

from autoglm_embodied.errors import ConfigError


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
