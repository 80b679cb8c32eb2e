"""The governor with its newest inputs: the same loop in its node, in simulation, in evaluation and in collection."""

from __future__ import annotations

import numpy as np

from autoglm_embodied.kinematics import Robot, forward_kinematics
from autoglm_embodied.safety.governor import Governor, Received, Verdict
from autoglm_embodied.types import Command, FloatArray

HOLD_STILL = np.zeros(6)


class GovernorLoop:
    """Keeps the newest twist and tool pose for the governor; times are receive times on the monotonic clock.

    Not thread-safe: a node with several input threads holds a lock around it.
    """

    def __init__(self, governor: Governor, robot: Robot) -> None:
        """Connect a governor to a robot.

        Args:
            governor: of the robot's commands.
            robot: for the forward kinematics of its tool.
        """
        self.governor = governor
        self._robot = robot
        self._twist: Received | None = None
        self._T_base_tool: Received | None = None

    def push_wrench(self, receive_ns: int, wrench: FloatArray) -> bool:
        """Check a wrench against the force limit; see `Governor.feel`.

        Args:
            receive_ns: when it was received.
            wrench: (6,) raw, in the sensor's frame [N, N·m].

        Returns:
            Whether `step` must follow at once.
        """
        return self.governor.feel(receive_ns, wrench)

    def push_joints(self, receive_ns: int, position_rad: FloatArray) -> None:
        """Update the tool pose; joint positions that are not finite count as none.

        Args:
            receive_ns: when they were received.
            position_rad: (J + any others,) the arm's joints first.
        """
        arm_rad = position_rad[: self._robot.joints]
        finite = bool(np.isfinite(arm_rad).all())
        self._T_base_tool = Received(forward_kinematics(self._robot, arm_rad), receive_ns) if finite else None

    def push_twist(self, receive_ns: int, twist: FloatArray) -> None:
        """Update the commanded twist.

        Args:
            receive_ns: when it was received.
            twist: (6,) of the tool in the base frame [m/s, rad/s].
        """
        self._twist = Received(twist, receive_ns)

    def push_command(self, receive_ns: int, command: Command | None) -> None:
        """Update the command of a controller.

        Args:
            receive_ns: when it was received.
            command: twist and gripper width; None commands zero velocity and leaves the gripper as it is.
        """
        self.push_twist(receive_ns, HOLD_STILL if command is None else command.twist)
        if command is not None:
            self.governor.grip(command.gripper_width_m)

    def step(self, now_ns: int) -> Verdict:
        """The safe command at `now_ns`."""
        return self.governor.step(now_ns, self._twist, self._T_base_tool)
