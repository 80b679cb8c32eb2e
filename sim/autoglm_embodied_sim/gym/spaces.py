"""What an agent of `AutoGLMGrasp-v0` sees and does, with units and frames; out of range readings saturate."""

from __future__ import annotations

from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from autoglm_embodied.kinematics import Robot
from autoglm_embodied.types import FloatArray
from autoglm_embodied.vocabulary import COLOURS, SHAPES
from autoglm_embodied_sim.robots.panda import MAX_WIDTH_M

FARTHEST_M = 10.0
WRENCH_SAMPLES = 64
WRENCH_RANGE = np.repeat([500.0, 50.0], 3)  # [N, N·m]
POSITION_RANGE = (2 * np.pi, 2 * MAX_WIDTH_M)  # of a joint [rad] and of a finger [m]
VELOCITY_RANGE = (20.0, 5.0)  # [rad/s, m/s]
TWIST_RANGE = np.repeat([0.3, 1.0], 3)  # [m/s, rad/s], what the governor lets pass on a robot
LETTERS = "abcdefghijklmnopqrstuvwxyz "
LONGEST = len("pick up the ") + max(map(len, COLOURS)) + 1 + max(map(len, SHAPES))


def observation_spaces(width: int, height: int, robot: Robot) -> dict[str, spaces.Box]:
    """What the sensors delivered last; no state of the simulator.

    - `rgb` (height, width, 3): colour of the fixed camera, 0 to 255.
    - `depth_m` (height, width): depth along the optical axis, aligned with colour [m]; 0 where unknown.
    - `wrench` (64, 6): force, then torque on the wrist sensor in panda_ft, the hand's weight included [N, N·m]; the
      newest sample is the last.
    - `joint_position` (n,): the arm's joints [rad], then its fingers [m], as the robot's file lists them.
    - `joint_velocity` (n,): the same [rad/s, m/s].

    Args:
        width, height: of the image [px].
        robot: whose joints are read.
    """
    joints = len(robot.joint_names), len(robot.finger_joint_names)
    return {
        "rgb": spaces.Box(0, 255, (height, width, 3), np.uint8),
        "depth_m": spaces.Box(0.0, FARTHEST_M, (height, width), np.float32),
        "wrench": _symmetric(np.tile(WRENCH_RANGE, (WRENCH_SAMPLES, 1))),
        "joint_position": _symmetric(np.repeat(POSITION_RANGE, joints)),
        "joint_velocity": _symmetric(np.repeat(VELOCITY_RANGE, joints)),
    }


def instruction_space() -> spaces.Text:
    """The sentence that names the object to grasp, under `instruction` of an observation."""
    return spaces.Text(LONGEST, charset=LETTERS)


def action_space() -> spaces.Box:
    """What is commanded for the next 33 ms, (7,).

    - 0 to 2: linear velocity of the tool, between the fingertips, in the base frame panda_link0, +-0.3 [m/s].
    - 3 to 5: its angular velocity in the base frame, +-1 [rad/s].
    - 6: opening of the gripper between the fingers, 0 to 0.08 [m].
    """
    low, high = np.append(-TWIST_RANGE, 0.0), np.append(TWIST_RANGE, MAX_WIDTH_M)
    return spaces.Box(low.astype(np.float32), high.astype(np.float32), dtype=np.float32)


def saturated(space: spaces.Box, value: NDArray[Any]) -> NDArray[Any]:
    """`value` in the type and within the range of a Box; the result is the caller's own."""
    return np.asarray(np.clip(value, space.low, space.high), space.dtype)


def _symmetric(limit: FloatArray) -> spaces.Box:
    limit = limit.astype(np.float32)
    return spaces.Box(-limit, limit, dtype=np.float32)
