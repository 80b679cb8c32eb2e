"""Where a policy may grasp, keep out of the camera's sight, and lay things down."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from autoglm_embodied.errors import ConfigError
from autoglm_embodied.grasping.hand import HandPose
from autoglm_embodied.grasping.hand_path import TableFrame
from autoglm_embodied.kinematics import Robot
from autoglm_embodied.setting import check_ranges, setting
from autoglm_embodied.types import FloatArray

SET_DOWN_XY_M = (-0.15, -0.38, -0.1, -0.38, -0.05, -0.38, 0.0, -0.38, 0.05, -0.38)
HALF_SIZE_M = (0.32, 0.45)
SET_DOWN_Z_M = 0.05  # of the fingertips


@dataclass(frozen=True)
class WorkArea:
    """The table in front of an arm: its origin in the base frame, all else in the frame that begins there."""

    origin_m: tuple[float, ...] = setting(
        (0.5, 0.0, 0.0), "middle of the working area on the table's top, base frame", least=-5.0, most=5.0
    )
    half_size_m: tuple[float, ...] = setting(
        HALF_SIZE_M,
        "x and y from its middle, within which objects lie; the robot's base is outside",
        least=0.05,
        most=2.0,
    )
    aside_m: tuple[float, ...] = setting(
        (-0.15, 0.0, 0.39),
        "fingertips where the hand hides nothing from the camera",
        least=-2.0,
        most=2.0,
    )
    set_down_xy_m: tuple[float, ...] = setting(
        SET_DOWN_XY_M,
        "x and y of places, in turn, for what is in the way",
        least=-2.0,
        most=2.0,
    )
    grip_force_n: float = setting(
        20.0, "with which each finger closes, as the gripper is set; no message says it", least=1.0, most=500.0
    )

    def __post_init__(self) -> None:
        check_ranges(self, "work_area")
        for name in ("origin_m", "aside_m"):
            if len(getattr(self, name)) != 3:
                raise ConfigError(f"work_area.{name} must hold x, y and z, got {list(getattr(self, name))}")
        if len(self.half_size_m) != 2:
            raise ConfigError(f"work_area.half_size_m must hold x and y, got {list(self.half_size_m)}")
        if not self.set_down_xy_m or len(self.set_down_xy_m) % 2:
            raise ConfigError(
                f"work_area.set_down_xy_m must hold x and y of one place or more, got {list(self.set_down_xy_m)}"
            )

    def workplace(self, robot: Robot, R_tool_sensor: FloatArray | None = None) -> Workplace:
        """What an arm that stands there has to know of it.

        Args:
            robot: the arm.
            R_tool_sensor: (3, 3) orientation of the wrist sensor's frame in the tool frame; None where they agree.
        """
        x_m, y_m, z_m = self.aside_m
        places = zip(self.set_down_xy_m[::2], self.set_down_xy_m[1::2], strict=True)
        set_down_poses = tuple(HandPose(*place, SET_DOWN_Z_M, 0.0) for place in places)
        frame = TableFrame(np.array(self.origin_m), robot.fingertip_m)
        R_tool_sensor = np.eye(3) if R_tool_sensor is None else R_tool_sensor
        aside = HandPose(x_m, y_m, z_m, 0.0)
        return Workplace(frame, aside, set_down_poses, R_tool_sensor, self.half_size_m, self.grip_force_n)


@dataclass(frozen=True)
class Workplace:
    """A work area as one arm sees it."""

    frame: TableFrame
    aside: HandPose  # where the hand hides nothing from the camera
    set_down_poses: tuple[HandPose, ...]  # in turn, for what is in the way of others
    R_tool_sensor: FloatArray  # (3, 3) orientation of the wrist sensor's frame in the tool frame
    half_size_m: tuple[float, ...]  # x and y of the table frame within which objects lie
    grip_force_n: float  # of each finger
