"""What a policy, the layout of a scene and the judge may do with a hand over a table, whatever carries the hand."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from autoglm_embodied.errors import CommandError
from autoglm_embodied.types import Camera, FloatArray
from autoglm_embodied_sim.robots.object_bodies import ObjectState
from autoglm_embodied_sim.sensors.object_camera import ObjectCamera, View

MAX_WIDTH_M = 0.08
"""The widest opening of the hand."""
TRAVEL_M_S = 0.35
"""How fast a hand goes where nothing is near."""
REST_S = 0.16  # a wrench read while the hand still slows down is off by a newton
GRIP_S, STILL_S, STILL_M_S = 1.5, 0.06, 0.004


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


@dataclass(frozen=True)
class HandPose:
    """Where the fingertips are in the table frame: the point between their lower ends, and the turn about the vertical.

    At `yaw_rad` 0 the fingers close along the table's y axis.
    """

    x_m: float
    y_m: float
    z_m: float
    yaw_rad: float

    def __post_init__(self) -> None:
        if not all(map(math.isfinite, (self.x_m, self.y_m, self.z_m, self.yaw_rad))):
            raise CommandError(f"a pose of the hand must be finite, got {self.values.tolist()}; nothing was moved")

    def raised_to(self, z_m: float) -> HandPose:
        """The same place at another height."""
        return HandPose(self.x_m, self.y_m, z_m, self.yaw_rad)

    def moved_by(self, way: HandPose) -> HandPose:
        """As far from here as `way` is from the table's middle."""
        return HandPose(*(self.values + way.values).tolist())

    @property
    def values(self) -> FloatArray:
        """(4,) x, y, z, yaw."""
        return np.array([self.x_m, self.y_m, self.z_m, self.yaw_rad])


class HandRig(Protocol):
    """A hand over a table; poses are of the fingertips, in the table frame.

    Its origin is the middle of the working area, on the table's top, and z points up.
    """

    @property
    def pose(self) -> HandPose:
        """Where the fingertips are."""

    @property
    def width_m(self) -> float:
        """The opening."""

    @property
    def time_ns(self) -> int:
        """Time passed."""

    grip_force_n: float
    """With which each finger closes, as it is set."""
    aside: HandPose
    """Where the hand hides nothing from the camera."""
    set_down_poses: Sequence[HandPose]
    """Where to lay down, in turn, what is in the way of others; out of the camera's sight, too."""

    def look(self) -> View:
        """An image of the table."""

    def move(self, pose: HandPose, speed_m_s: float = ..., guard_n: float | None = None) -> bool:
        """Go straight to a pose; False if the hand had to stop on the way, because more than `guard_n` was felt."""

    def grip(self, width_m: float) -> float:
        """Move the fingers; returns the opening reached."""

    def tare(self) -> None:
        """Call what the wrist carries now nothing."""

    def weigh(self) -> FloatArray | None:
        """(6,) the load on the wrist at rest [N, N·m], z down; None without a wrist sensor."""

    def wait(self, seconds: float) -> None:
        """Stand still."""


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
        """Call what the wrist carries now nothing; the hand must be at rest."""
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


def minimum_jerk(part: float) -> float:
    """The share of its way that a motion has done after a `part` of its time.

    Flash and Hogan, Journal of Neuroscience 5, 1985.
    """
    return part**3 * (10 - 15 * part + 6 * part**2)


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


class WrappedRig:
    """Passes on to the rig inside what a subclass does not do itself."""

    pose: HandPose
    width_m: float
    time_ns: int
    grip_force_n: float
    aside: HandPose
    set_down_poses: Sequence[HandPose]
    look: Callable[[], View]
    tare: Callable[[], None]
    weigh: Callable[[], FloatArray | None]
    wait: Callable[[float], None]

    def __init__(self, rig: HandRig) -> None:
        self._rig = rig

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            if name not in WrappedRig.__annotations__:
                raise AttributeError(name)  # a policy is shown nothing else of a rig
            return getattr(self._rig, name)

    def move(self, pose: HandPose, speed_m_s: float = TRAVEL_M_S, guard_n: float | None = None) -> bool:
        """See HandRig."""
        return self._rig.move(pose, speed_m_s, guard_n)

    def grip(self, width_m: float) -> float:
        """See HandRig."""
        return self._rig.grip(width_m)


def unwrapped(rig: HandRig) -> HandRig:
    """The rig inside all wrappers; only for what may see the simulator's state."""
    while isinstance(rig, WrappedRig):
        rig = rig._rig
    return rig


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
