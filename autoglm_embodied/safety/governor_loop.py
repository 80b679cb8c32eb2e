"""The governor as it is fed and stepped: the same in its node, in simulation, in evaluation and in collection."""

from __future__ import annotations

import numpy as np

from autoglm_embodied.kinematics import Robot, forward_kinematics
from autoglm_embodied.safety.governor import Governor, Received, Verdict
from autoglm_embodied.types import Command, FloatArray

HOLD_STILL = np.zeros(6)


class GovernorLoop:
    """Keeps what arrived last for the governor; times are receive times on the monotonic clock.

    Not thread-safe: a node that is fed by several threads holds a lock around it.
    """

    def __init__(self, governor: Governor, robot: Robot) -> None:
        """Join a governor and the robot whose tool it watches."""
        self.governor = governor
        self._robot = robot
        self._twist: Received | None = None
        self._T_base_tool: Received | None = None

    def push_wrench(self, receive_ns: int, wrench: FloatArray) -> bool:
        """Take a raw wrench (6,) [N, N·m]; returns whether `step` must follow at once, see `Governor.feel`."""
        return self.governor.feel(receive_ns, wrench)

    def push_joints(self, receive_ns: int, position_rad: FloatArray) -> None:
        """Take the arm's joint positions (J,) [rad]; those that are not finite are as good as none."""
        finite = bool(np.isfinite(position_rad).all())
        self._T_base_tool = Received(forward_kinematics(self._robot, position_rad), receive_ns) if finite else None

    def push_twist(self, receive_ns: int, twist: FloatArray) -> None:
        """Take the policy's twist (6,) of the tool in the base frame [m/s, rad/s]."""
        self._twist = Received(twist, receive_ns)

    def push_command(self, receive_ns: int, command: Command | None) -> None:
        """Take what a controller wants; None is to hold still with the gripper as it is."""
        self.push_twist(receive_ns, HOLD_STILL if command is None else command.twist)
        if command is not None:
            self.governor.grip(command.gripper_width_m)

    def step(self, now_ns: int) -> Verdict:
        """What the robot may do now."""
        return self.governor.step(now_ns, self._twist, self._T_base_tool)
