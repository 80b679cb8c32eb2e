"""Robot description and forward kinematics of a serial arm, from its modified (Craig) DH table."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from autoglm_embodied.config import build, read_yaml
from autoglm_embodied.errors import ConfigError
from autoglm_embodied.types import FloatArray, require_finite

PER_JOINT = ("dh_a_m", "dh_d_m", "dh_alpha_rad", "joint_lower_rad", "joint_upper_rad")
PER_CAPSULE = 7  # two ends and a radius
WIDEST_GRIPPER_M = 0.5
FILL_IN = "fill in"  # stands in config/robots/generic.yaml for what only the owner of an arm knows


@dataclass(frozen=True)
class Robot:
    """An arm with any number of joints and a two-finger gripper, as described by its YAML file.

    Link i's frame is `RotX(alpha_i) TransX(a_i) RotZ(q_i + theta_i) TransZ(d_i)` in that of the previous link (Craig,
    Introduction to Robotics, section 3.6); the tool frame is translated and rotated about z from the last one.
    Capsules enclose the arm's parts, each in the frame of its link: 0 is the base, J the last joint, J + 1 the tool.
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
    dh_theta_rad: tuple[float, ...] = ()  # what the DH table adds to each joint's angle; empty: nothing
    joint_velocity_rad_s: tuple[float, ...] = ()  # largest, of each joint; empty: not bounded
    joint_torque_n_m: tuple[float, ...] = ()  # likewise; only a simulated arm is held to it, on a robot its driver does
    capsule_links: tuple[int, ...] = ()
    capsules_m: tuple[float, ...] = ()  # of each: x y z of one end, of the other, radius
    home_rad: tuple[float, ...] = ()  # joints with the tool at home; empty: it has none
    fingertip_m: float = 0.0  # from the tool frame's origin to the lower ends of the fingers, along its z axis

    def __post_init__(self) -> None:
        self._check_names()
        for name, size in {**dict.fromkeys(PER_JOINT, self.joints), "tool_xyz_m": 3}.items():
            if len(getattr(self, name)) != size:
                per_joint = ", one for each of joint_names" if name in PER_JOINT else ""
                raise ConfigError(f"Robot.{name} must hold {size} numbers{per_joint}, got {len(getattr(self, name))}")
        for name, low, high in zip(self.joint_names, self.joint_lower_rad, self.joint_upper_rad, strict=True):
            if low >= high:
                raise ConfigError(
                    f"Robot.joint_lower_rad must lie below joint_upper_rad, got {low} and {high} of {name}"
                )
        self._check_bounds()
        if not 0 < self.gripper_max_width_m <= WIDEST_GRIPPER_M:
            raise ConfigError(
                f"Robot.gripper_max_width_m must be above 0 and at most {WIDEST_GRIPPER_M}, "
                f"got {self.gripper_max_width_m}; write metres, not millimetres"
            )

    def _check_bounds(self) -> None:
        if len(self.dh_theta_rad) not in (0, self.joints):
            raise ConfigError(
                f"Robot.dh_theta_rad must hold {self.joints} numbers, one for each of joint_names, or none, "
                f"got {len(self.dh_theta_rad)}"
            )
        for name in ("joint_velocity_rad_s", "joint_torque_n_m"):
            most: tuple[float, ...] = getattr(self, name)
            if most and (len(most) != self.joints or min(most) <= 0):
                raise ConfigError(f"Robot.{name} must hold {self.joints} numbers above 0, got {list(most)}")
        if self.home_rad and not self._within_limits(self.home_rad):
            raise ConfigError(
                f"Robot.home_rad must hold {self.joints} numbers within joint_lower_rad and joint_upper_rad, "
                f"got {list(self.home_rad)}"
            )
        capsules = self.capsules_m
        if len(capsules) != PER_CAPSULE * len(self.capsule_links) or min((1.0, *capsules[6::PER_CAPSULE])) <= 0:
            raise ConfigError(
                f"Robot.capsules_m must hold {PER_CAPSULE} numbers for each of capsule_links, two ends and a radius "
                f"above 0, got {len(capsules)} for {len(self.capsule_links)}"
            )
        if any(not 0 <= link <= self.joints + 1 for link in self.capsule_links):
            raise ConfigError(
                f"Robot.capsule_links must be from 0, the base, to {self.joints + 1}, the tool, "
                f"got {list(self.capsule_links)}"
            )

    def _within_limits(self, position_rad: tuple[float, ...]) -> bool:
        limits = zip(self.joint_lower_rad, position_rad, self.joint_upper_rad, strict=False)
        return len(position_rad) == self.joints and all(low <= angle <= high for low, angle, high in limits)

    def _check_names(self) -> None:
        names = self.joint_names + self.finger_joint_names
        repeated = [name for name in names if names.count(name) > 1]
        if repeated:
            raise ConfigError(f"Robot.joint_names and finger_joint_names must differ, got {repeated[0]!r} twice")
        if not all((*names, self.base_frame, self.tool_frame, self.wrench_frame)):
            raise ConfigError("Robot's joints and frames must be named, got an empty name")

    @classmethod
    def from_file(cls, path: Path) -> Robot:
        """Read a robot from YAML, as in config/panda.yaml; ConfigError if something in it is still to be filled in."""
        values = read_yaml(path)
        unknown = [name for name, value in values.items() if value == FILL_IN]
        if unknown:
            raise ConfigError(f"{path}: {', '.join(unknown)} must be filled in, as its comments say, before it is used")
        return build(cls, values, str(path))

    @property
    def joints(self) -> int:
        """Number of joints of the arm, without fingers."""
        return len(self.joint_names)

    @cached_property
    def links(self) -> tuple[tuple[float, float, float, float], ...]:
        """a, d [m], cos alpha and sin alpha of each joint."""
        rows = zip(self.dh_a_m, self.dh_d_m, self.dh_alpha_rad, strict=True)
        return tuple((float(a), float(d), math.cos(alpha), math.sin(alpha)) for a, d, alpha in rows)

    @cached_property
    def theta_rad(self) -> FloatArray:
        """(J,) what the DH table adds to each joint's angle."""
        return np.array(self.dh_theta_rad or (0.0,) * self.joints, np.float64)

    @cached_property
    def T_last_tool(self) -> FloatArray:
        """(4, 4) pose of the tool frame in the frame of the last joint."""
        cos, sin = np.cos(self.tool_yaw_rad), np.sin(self.tool_yaw_rad)
        transform = np.eye(4)
        transform[:2, :2] = [[cos, -sin], [sin, cos]]
        transform[:3, 3] = self.tool_xyz_m
        return transform


def forward_kinematics(robot: Robot, position_rad: FloatArray) -> FloatArray:
    """T_base_tool (4, 4) of a robot at joint angles (J,); SensorError if these are of another shape or not finite."""
    require_finite("position_rad", position_rad, (robot.joints,))
    # Axes x, y, z and origin p of the current link in the base frame; scalars are faster than numpy for so few links.
    x0, x1, x2, y0, y1, y2, z0, z1, z2 = 1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0
    p0, p1, p2 = 0.0, 0.0, 0.0
    for (a, d, cos_alpha, sin_alpha), angle in zip(robot.links, (position_rad + robot.theta_rad).tolist(), strict=True):
        p0, p1, p2 = p0 + a * x0, p1 + a * x1, p2 + a * x2
        v0, v1, v2 = cos_alpha * y0 + sin_alpha * z0, cos_alpha * y1 + sin_alpha * z1, cos_alpha * y2 + sin_alpha * z2
        z0, z1, z2 = cos_alpha * z0 - sin_alpha * y0, cos_alpha * z1 - sin_alpha * y1, cos_alpha * z2 - sin_alpha * y2
        cos, sin = math.cos(angle), math.sin(angle)
        y0, y1, y2 = cos * v0 - sin * x0, cos * v1 - sin * x1, cos * v2 - sin * x2
        x0, x1, x2 = cos * x0 + sin * v0, cos * x1 + sin * v1, cos * x2 + sin * v2
        p0, p1, p2 = p0 + d * z0, p1 + d * z1, p2 + d * z2
    T_base_last = np.array(((x0, y0, z0, p0), (x1, y1, z1, p1), (x2, y2, z2, p2), (0.0, 0.0, 0.0, 1.0)))
    T_base_tool: FloatArray = T_base_last.dot(robot.T_last_tool)
    return T_base_tool


def joint_frames(robot: Robot, position_rad: FloatArray) -> FloatArray:
    """(J + 2, 4, 4) poses in the base frame of the base, of every joint, and of the tool, at joint angles (J,)."""
    frames = np.tile(np.eye(4), (robot.joints + 2, 1, 1))
    theta_rad = position_rad + robot.theta_rad
    cos, sin = np.cos(theta_rad), np.sin(theta_rad)
    for joint, (a, d, cos_alpha, sin_alpha) in enumerate(robot.links):
        c, s = cos[joint], sin[joint]
        frames[joint + 1] = frames[joint] @ [
            [c, -s, 0.0, a],
            [s * cos_alpha, c * cos_alpha, -sin_alpha, -sin_alpha * d],
            [s * sin_alpha, c * sin_alpha, cos_alpha, cos_alpha * d],
            [0.0, 0.0, 0.0, 1.0],
        ]
    frames[-1] = frames[-2] @ robot.T_last_tool
    return frames


def tool_jacobian(frames: FloatArray) -> FloatArray:
    """(6, J) twist of the tool [m/s, rad/s, base frame] for each rad/s of a joint, at these `joint_frames`."""
    axes, origins = frames[1:-1, :3, 2], frames[1:-1, :3, 3]
    return np.concatenate([np.cross(axes, frames[-1, :3, 3] - origins), axes], axis=1).T
