"""Frozen values that cross rooms. Time is integer nanoseconds, lengths metres, angles radians.

Letters of the shape comments: N visual tokens, D width, J joints, R raw wrench samples,
S scales of the force pyramid, H steps of an action chunk.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from autoglm_embodied.errors import SensorError

FloatArray = NDArray[np.floating]
T = TypeVar("T")

MODALITIES = ("vision", "force", "joints", "language")  # their order wherever an array has one value for each


def _fits(shape: tuple[int, ...], wanted: tuple[int | None, ...]) -> bool:
    return len(shape) == len(wanted) and all(want in (None, got) for want, got in zip(wanted, shape, strict=True))


def require_finite(name: str, value: FloatArray, shape: tuple[int | None, ...]) -> None:
    """Check that an array is finite and of a shape, in which None allows any size; SensorError names it if not."""
    if value.shape != shape and not _fits(value.shape, shape):
        raise SensorError(f"{name} must have shape {shape}, got {value.shape}")
    # One pass without a temporary: NaN and infinity propagate through the sum of squares. A number whose square
    # overflows is rare, and is checked again.
    if not math.isfinite(np.vdot(value, value)) and not np.isfinite(value).all():
        raise SensorError(f"{name} must be finite, got NaN or infinity; check the sensor and its driver")


class Intent(Enum):
    """Intent of a spoken command. VoiceCommand.msg has those of CARRIED_OUT, with these numbers."""

    STOP = 0
    GRASP = 1
    RESUME = 2
    CANCEL = 3
    PLACE = 4
    HAND_OVER = 5
    RELEASE = 6
    OPEN = 7
    CLOSE = 8
    JOG = 9
    ROTATE = 10
    FASTER = 11
    SLOWER = 12
    HOME = 13
    AGAIN = 14
    OTHER_ONE = 15
    NOT_THAT_ONE = 16
    CORRECT = 17
    REPEAT = 18
    YES = 19
    NO = 20
    QUESTION = 21


CARRIED_OUT = frozenset(
    (
        *(Intent.STOP, Intent.GRASP, Intent.RESUME, Intent.CANCEL, Intent.PLACE, Intent.RELEASE, Intent.HOME),
        *(Intent.OPEN, Intent.CLOSE, Intent.JOG, Intent.ROTATE),
    )
)
"""What the nodes act on; the others are carried out as one of these, or answered."""

MOVES = CARRIED_OUT - {Intent.STOP, Intent.CANCEL} | {Intent.HAND_OVER, Intent.AGAIN, Intent.CORRECT}
"""What can set the robot in motion, by itself or after the command before. A pace only tells how fast the next motion
is to be, a "no" gives up what runs, and a "yes" moves only what was asked."""


class Phase(Enum):
    """Phase of a grasp, in order."""

    IDLE = 0
    REACH = 1
    DESCEND = 2
    CLOSE = 3
    LIFT = 4
    HOLD = 5


class Referent(Enum):
    """How many objects on the table an instruction fits."""

    NONE = 0
    ONE = 1
    MANY = 2


class TryOutcome(Enum):
    """What came of one descent on an object; the scorer's logits are in this order."""

    COLLIDED = 0  # broken off by contact on the way down
    NOTHING = 1  # closed, and nothing stayed in the hand
    ANOTHER = 2  # another object, or another with it
    TARGET = 3  # the object that was wanted, alone


@dataclass(frozen=True)
class Camera:
    """A pinhole camera: intrinsics in pixels at `width` x `height`, pose of its optical frame in the base frame.

    The optical frame has z forward, x right, y down (REP 103).
    """

    width: int
    height: int
    K: FloatArray  # (3, 3)
    T_base_camera: FloatArray  # (4, 4)

    def __post_init__(self) -> None:
        require_finite("Camera.K", self.K, (3, 3))
        require_finite("Camera.T_base_camera", self.T_base_camera, (4, 4))


@dataclass(frozen=True)
class Frame:
    """One RGB-D image: colour, and depth aligned with it (NaN or 0 where unknown)."""

    stamp_ns: int
    rgb: NDArray[np.uint8]  # (height, width, 3)
    depth_m: FloatArray  # (height, width), along the optical axis
    camera: Camera

    def __post_init__(self) -> None:
        size = (self.camera.height, self.camera.width)
        if self.rgb.shape != (*size, 3) or self.rgb.dtype != np.uint8:
            raise SensorError(f"Frame.rgb must be {(*size, 3)} uint8, got {self.rgb.shape} {self.rgb.dtype}")
        if self.depth_m.shape != size:
            raise SensorError(f"Frame.depth_m must be aligned with colour {size}, got {self.depth_m.shape}")


@dataclass(frozen=True)
class Sense(Generic[T]):
    """One modality at a tick: its value, or None where it is absent and must be masked."""

    value: T | None
    age_ns: int = 0  # the tick minus the stamp of the newest measurement used; 0 between two measurements
    time_error_ns: int = 0  # distance of the value from the tick after interpolation or windowing; 0 if interpolated
    extrapolated_ns: int = 0  # how far it was extrapolated beyond the newest measurement; 0 if it was not

    @property
    def present(self) -> bool:
        """Whether there is a value."""
        return self.value is not None


@dataclass(frozen=True)
class ForceFeatures:
    """Wrench history at a tick, tared, in the sensor frame [N, N·m]."""

    raw: FloatArray  # (R, 6) newest last
    pyramid: FloatArray  # (S, 5, 6): mean, deviation, minimum, maximum, slope per second at each scale
    samples_used: int  # of the longest window

    def __post_init__(self) -> None:
        require_finite("ForceFeatures.raw", self.raw, (None, 6))
        require_finite("ForceFeatures.pyramid", self.pyramid, (None, 5, 6))


@dataclass(frozen=True)
class ArmState:
    """Joint state and the tool pose computed from it; the tool frame lies between the fingertips, z out of the hand."""

    position_rad: FloatArray  # (J,)
    velocity_rad_s: FloatArray  # (J,)
    T_base_tool: FloatArray  # (4, 4)
    gripper_width_m: float
    gripper_velocity_m_s: float

    def __post_init__(self) -> None:
        require_finite("ArmState.position_rad", self.position_rad, (None,))
        require_finite("ArmState.velocity_rad_s", self.velocity_rad_s, self.position_rad.shape)
        require_finite("ArmState.T_base_tool", self.T_base_tool, (4, 4))


@dataclass(frozen=True)
class Observation:
    """Everything the policy observes at the instant `t_ns`."""

    t_ns: int
    vision: Sense[FloatArray]  # (N, D) visual tokens, a frame encoded once
    force: Sense[ForceFeatures]
    joints: Sense[ArmState]
    language: Sense[str]  # the instruction

    def senses(self) -> tuple[Sense[FloatArray], Sense[ForceFeatures], Sense[ArmState], Sense[str]]:
        """The four modalities in the order of MODALITIES."""
        return self.vision, self.force, self.joints, self.language


@dataclass(frozen=True)
class ActionChunk:
    """The next H actions from `t_ns` on, one every `dt_ns`, with the state that the policy estimated."""

    t_ns: int
    dt_ns: int
    twist: FloatArray  # (H, 6) of the tool, linear then angular, in the base frame [m/s, rad/s]
    gripper_width_m: FloatArray  # (H,)
    phase: Phase
    referent: Referent
    target_m: FloatArray  # (3,) estimated position of the named object, base frame
    gate: FloatArray  # (4,) weight of each modality, in the order of MODALITIES
    latent: FloatArray  # (D,) the shared latent

    def __post_init__(self) -> None:
        require_finite("ActionChunk.twist", self.twist, (None, 6))
        require_finite("ActionChunk.gripper_width_m", self.gripper_width_m, (len(self.twist),))


@dataclass(frozen=True)
class Command:
    """A command to the robot: a twist of the tool in the base frame and a gripper width."""

    twist: FloatArray  # (6,) [m/s, rad/s]
    gripper_width_m: float | None  # None: as it is
