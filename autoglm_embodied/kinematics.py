"""Where the tool is: forward kinematics of a serial arm from its modified (Craig) DH table."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from autoglm_embodied.config import build, read_yaml
from autoglm_embodied.errors import ConfigError
from autoglm_embodied.types import FloatArray, require_finite

PER_JOINT = ("dh_a_m", "dh_d_m", "dh_alpha_rad", "joint_lower_rad", "joint_upper_rad")


@dataclass(frozen=True)
class Robot:
    """An arm with a two-finger gripper, as its settings file describes it.

    Link i's frame is `RotX(alpha_i) TransX(a_i) RotZ(q_i) TransZ(d_i)` in that of the link before
    (Craig, Introduction to Robotics, 3.6); the tool is displaced and turned about z from the last one.
    """

    name: str
    base_frame: str
    tool_frame: str
    wrench_frame: str
    joint_names: tuple[str, ...]
    finger_joint_names: tuple[str, ...]
    dh_a_m: tuple[float, ...]
    dh_d_m: tuple[float, ...]
    dh_alpha_rad: tuple[float, ...]
    tool_xyz_m: tuple[float, ...]
    tool_yaw_rad: float
    joint_lower_rad: tuple[float, ...]
    joint_upper_rad: tuple[float, ...]
    gripper_max_width_m: float

    def __post_init__(self) -> None:
        joints = len(self.joint_names)
        for name in PER_JOINT:
            if len(getattr(self, name)) != joints:
                raise ConfigError(f"Robot.{name} must hold {joints} numbers, got {len(getattr(self, name))}")
        if len(self.tool_xyz_m) != 3:
            raise ConfigError(f"Robot.tool_xyz_m must hold 3 numbers, got {len(self.tool_xyz_m)}")
        if any(low >= high for low, high in zip(self.joint_lower_rad, self.joint_upper_rad, strict=True)):
            raise ConfigError("Robot.joint_lower_rad must lie below joint_upper_rad for every joint")
        if self.gripper_max_width_m <= 0:
            raise ConfigError(f"Robot.gripper_max_width_m must be above 0, got {self.gripper_max_width_m}")

    @classmethod
    def from_file(cls, path: Path) -> Robot:
        """Read a robot from YAML, as in config/panda.yaml."""
        return build(cls, read_yaml(path), str(path))

    @property
    def joints(self) -> int:
        """How many joints the arm has, fingers not counted."""
        return len(self.joint_names)

    @cached_property
    def chain(self) -> FloatArray:
        """(a power of 2, 4, 4): each joint's frame in the one before at zero angle, the tool's, then identities."""
        links = [_link(*row) for row in zip(self.dh_a_m, self.dh_d_m, self.dh_alpha_rad, strict=True)]
        chain = np.tile(np.eye(4), (1 << self.joints.bit_length(), 1, 1))
        chain[: self.joints + 1] = [*links, self.T_last_tool]
        return chain

    @cached_property
    def T_last_tool(self) -> FloatArray:
        """(4, 4) the tool frame in that of the last joint."""
        cos, sin = np.cos(self.tool_yaw_rad), np.sin(self.tool_yaw_rad)
        transform = np.eye(4)
        transform[:2, :2] = [[cos, -sin], [sin, cos]]
        transform[:3, 3] = self.tool_xyz_m
        return transform


def _link(a_m: float, d_m: float, alpha_rad: float) -> FloatArray:
    cos, sin = np.cos(alpha_rad), np.sin(alpha_rad)
    return np.array([[1, 0, 0, a_m], [0, cos, -sin, -sin * d_m], [0, sin, cos, cos * d_m], [0, 0, 0, 1]])


def forward_kinematics(robot: Robot, position_rad: FloatArray) -> FloatArray:
    """Pose of the tool frame in the base frame.

    Args:
        robot: the arm.
        position_rad: (J,) joint angles.

    Returns:
        T_base_tool (4, 4).
    """
    require_finite("position_rad", position_rad, (robot.joints,))
    cos, sin = np.cos(position_rad)[:, None], np.sin(position_rad)[:, None]
    chain, joints = robot.chain.copy(), robot.joints
    x, y = robot.chain[:joints, :, 0], robot.chain[:joints, :, 1]
    chain[:joints, :, 0] = cos * x + sin * y  # RotZ(q) on the right only mixes the first two columns
    chain[:joints, :, 1] = cos * y - sin * x
    while len(chain) > 1:  # neighbours at once: three products for seven joints
        chain = chain[0::2] @ chain[1::2]
    T_base_tool: FloatArray = chain[0]
    return T_base_tool
