"""What a policy, the layout of a scene and the judge may do with a hand over a table, whatever carries the hand."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Callable
from typing import Any

import numpy as np

from autoglm_embodied.errors import CommandError
from autoglm_embodied.grasping.hand import (
    MAX_WIDTH_M,
    STILL_M_S,
    TRAVEL_M_S,
    HandPose,
    HandRig,
    View,
    WrappedRig,
)
from autoglm_embodied.types import Camera, FloatArray
from autoglm_embodied_sim.robots.object_bodies import ObjectState
from autoglm_embodied_sim.sensors.object_camera import ObjectCamera

GRIP_S, STILL_S = 1.5, 0.06


def command_array(name: str, value: Any, shape: tuple[int, ...] = ()) -> FloatArray:
    """A command as an array of its own: MuJoCo drops what is commanded to every joint if one number is NaN.

    Args:
        name: of what is commanded, with its unit.
        value: as it came.
        shape: that it must have; a single number by default.

    Raises:
        CommandError: it holds anything but finite real numbers, or is of another shape.
    """
    try:
        numbers = np.array(value)
    except (TypeError, ValueError, RuntimeError) as error:  # ragged, or a tensor that is not in this memory
        raise CommandError(f"{name} must be an array of shape {shape} ({error})") from error
    if numbers.dtype.kind not in "fiu" or numbers.shape != shape:
        got = f"{numbers.dtype} of shape {numbers.shape}"
        raise CommandError(f"{name} must be real numbers of shape {shape}, got {got}; nothing was moved")
    if not np.isfinite(numbers).all():
        raise CommandError(f"{name} must be finite, got {numbers.tolist()}; nothing was moved")
    return numbers.astype(float)


def command_width_m(width_m: float) -> float:
    """The opening nearest to this that the fingers can take; raises as `command_array`."""
    return float(command_array("the gripper's opening [m]", width_m).clip(0.0, MAX_WIDTH_M))


def require_motion(speed_m_s: float, guard_n: float | None) -> None:
    """Raise CommandError unless a speed, and a guard if there is one, can bound a motion; a guard of NaN never acts."""
    if not 0 < speed_m_s < math.inf or not (guard_n is None or guard_n > 0):
        raise CommandError(
            f"a motion must have a positive finite speed [m/s] and a positive guard [N], "
            f"got {speed_m_s} and {guard_n}; nothing was moved"
        )


class SuiteRig(HandRig):
    """A rig with the objects of one scene, its MuJoCo model, and the truth about them.

    Args:
        model: an MjModel with a hand and a camera.
        data: its MjData.
        count: of the objects, its bodies `object0` and so on.
        camera: its name, and what the robot takes it for, table frame.
        grip_force_n: of each finger.
        rng: of the sensors' noise.
        origin_m: (3,) of the table frame, in that of the model.
    """

    tick_s: float
    """The shortest time in which the fingers are looked after."""
    watch: Callable[[], None] | None
    """Called after every step; it may read, and change nothing."""
    told: Callable[[FloatArray], FloatArray] | None = None
    """Makes of the wrist's newest readings (n, 6) what a policy is told in their place; None: they are told."""

    def __init__(
        self,
        model: Any,
        data: Any,
        count: int,
        camera: tuple[str, Camera],
        grip_force_n: float,
        rng: np.random.Generator,
        origin_m: FloatArray,
    ) -> None:
        self.model, self.data, self.grip_force_n = model, data, grip_force_n
        model.actuator_forcerange[model.actuator("gripper").id] = [-2 * grip_force_n, 2 * grip_force_n]
        self.origin_m, self.truth = origin_m, ObjectState(model, count, origin_m)
        self._camera, self._rng = camera, rng
        self._eye: ObjectCamera | None = None
        self._bias: FloatArray = np.zeros(6)

    def look(self) -> View:
        """See HandRig."""
        return self.eye().view(self.data, self.time_ns, self._rng)

    def eye(self) -> ObjectCamera:
        """The camera, made when it is first needed: an episode without images needs no OpenGL."""
        if self._eye is None:
            self._eye = ObjectCamera(self.model, *self._camera, self.truth.object_of_geom)
        return self._eye

    def camera_pose(self) -> FloatArray:
        """(4, 4) where the camera's optical frame really is, table frame: what a robot does not know."""
        camera, pose = self.data.camera(self._camera[0]), np.eye(4)
        pose[:3, :3] = camera.xmat.reshape(3, 3) * [1, -1, -1]  # MuJoCo's cameras look along -z, with y up
        pose[:3, 3] = camera.xpos - self.origin_m
        return pose

    def tare(self) -> None:
        """Zero the wrist sensor with what the hand carries now; the hand must be at rest."""
        self._bias += self.weigh()

    @abstractmethod
    def weigh(self) -> FloatArray:
        """(6,) the wrench at rest, averaged, in the hand's frame [N, N·m], z down, less what was tared."""

    @abstractmethod
    def drive(self, twist: FloatArray, seconds: float) -> None:
        """Move the hand with a twist (6,) [m/s, rad/s, table frame] for so long, whatever it meets."""

    def grip(self, width_m: float) -> float:
        """Move the fingers to an opening, or until they stand against something; returns the opening reached."""
        self._ask_width(width_m)
        still = 0
        for _ in range(round(GRIP_S / self.tick_s)):
            self.wait(self.tick_s)
            still = still + 1 if self._finger_speed_m_s() < STILL_M_S else 0
            if still >= round(STILL_S / self.tick_s):
                break
        return self.width_m

    @abstractmethod
    def _ask_width(self, width_m: float) -> None: ...

    @abstractmethod
    def _finger_speed_m_s(self) -> float: ...

    def close(self) -> None:
        """Free what is held on the GL side."""
        if self._eye is not None:
            self._eye.close()
            self._eye = None


def finger_setpoint_m(now_m: float, width_m: float, actual_m: float, step_m: float, lead_m: float) -> float:
    """A finger's next set-point: it moves at the gripper's speed and never runs far ahead of the finger.

    Args:
        now_m: the set-point so far.
        width_m: the opening to reach, of both fingers.
        actual_m: where the finger is.
        step_m: how far the set-point moves at most.
        lead_m: how far it may be ahead.
    """
    wanted = min(max(width_m / 2, now_m - step_m), now_m + step_m)
    return min(max(wanted, actual_m - lead_m), actual_m + lead_m)


class RigWithoutForce(WrappedRig):
    """The same rig, numb; the fingers' encoders stay."""

    def move(self, pose: HandPose, speed_m_s: float = TRAVEL_M_S, guard_n: float | None = None) -> bool:
        """Go straight to a pose; nothing is felt on the way, so that no guard stops the hand."""
        return self._rig.move(pose, speed_m_s)

    def tare(self) -> None:
        """There is nothing to tare."""

    def weigh(self) -> None:
        """What the hand carries is unknown."""
        return None
