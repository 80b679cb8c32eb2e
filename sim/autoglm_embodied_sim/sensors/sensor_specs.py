"""What each sensor of the rig is like: when it measures, when that arrives, and how far it is off."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import numpy as np

from autoglm_embodied.config import build, read_yaml, shipped
from autoglm_embodied.errors import ConfigError
from autoglm_embodied.kinematics import Robot
from autoglm_embodied.types import FloatArray

TIMESTEP_S = 0.001  # of the arm's physics: nothing is sampled faster
PHYSICS_HZ = round(1 / TIMESTEP_S)
PANDA = Robot.from_file(shipped("panda.yaml"))
FINGERS = 2  # of the simulated hand
ONE_EACH = 0  # stands for as many channels as the arm has joints
SHIPPED = "sensors.yaml"
LARGEST_ERRORS = {"force_n": 1000.0, "torque_n_m": 100.0, "position_rad": 0.5, "finger_m": 0.1} | {
    **{"velocity_rad_s": 1.0, "finger_m_s": 0.2, "levels": 255.0, "depth_m": 0.5}
}
"""That are plausible: larger ones were given in another unit, such as millimetres."""


@dataclass(frozen=True)
class Timing:
    """When a sensor measures and when its samples arrive."""

    rate_hz: float
    latency_ns: int = 0  # from the stamp to the arrival, at least
    jitter_ns: int = 0  # mean of an exponentially distributed delay on top
    dropout: float = 0.0  # fraction of the samples that never arrive

    def __post_init__(self) -> None:
        if not 0 < self.rate_hz <= PHYSICS_HZ:
            raise ConfigError(f"rate_hz must be above 0 and at most {PHYSICS_HZ}, got {self.rate_hz}")
        for name in ("latency_ns", "jitter_ns"):
            if getattr(self, name) < 0:
                raise ConfigError(f"{name} must be 0 or more, got {getattr(self, name)}")
        _require_fraction("dropout", self.dropout)


@dataclass(frozen=True)
class Errors:
    """How far readings of one quantity are off, in its unit: one number, or one for each channel."""

    sigma: float | tuple[float, ...] = 0.0  # of white Gaussian noise
    quantum: float | tuple[float, ...] = 0.0  # step to which readings are rounded, 0 for none
    bias: float | tuple[float, ...] = 0.0
    drift_per_s: float | tuple[float, ...] = 0.0  # growth of the bias

    def __post_init__(self) -> None:
        for name in ("sigma", "quantum"):
            if np.min(getattr(self, name)) < 0:
                raise ConfigError(f"{name} must be 0 or more, got {getattr(self, name)}")


class ChannelErrors(NamedTuple):
    """The errors of C channels, each an array (C,) in the unit of its channel."""

    sigma: FloatArray
    quantum: FloatArray
    bias: FloatArray
    drift_per_s: FloatArray

    @classmethod
    def stack(cls, *parts: tuple[Errors, int]) -> ChannelErrors:
        """Those of quantities, each over its number of channels, one after the other."""
        spread = (
            [np.broadcast_to(np.asarray(error, float), n) for error in vars(errors).values()] for errors, n in parts
        )
        return cls(*(np.concatenate(column) for column in zip(*spread, strict=True)))


@dataclass(frozen=True)
class SensorSpec:
    """A sensor: its timing, and the errors of the quantities that it measures, whose channels CHANNELS counts."""

    CHANNELS: ClassVar[dict[str, int]]
    timing: Timing

    def __post_init__(self) -> None:
        for quantity, count in self.CHANNELS.items():
            self._require_count(quantity, count)
            for name, value in vars(getattr(self, quantity)).items():
                if np.max(np.abs(value)) > LARGEST_ERRORS[quantity]:
                    raise ConfigError(
                        f"{quantity}.{name} must be at most {LARGEST_ERRORS[quantity]:g} in the unit of {quantity}, "
                        f"got {value}; convert it"
                    )

    def _require_count(self, quantity: str, count: int) -> None:
        for name, value in vars(getattr(self, quantity)).items():
            if isinstance(value, tuple) and count != ONE_EACH and len(value) != count:
                raise ConfigError(f"{quantity}.{name} must be one number or {count}, got {len(value)}")

    def _stack(self, counts: Mapping[str, int]) -> ChannelErrors:
        return ChannelErrors.stack(*((getattr(self, quantity), count) for quantity, count in counts.items()))


class RobotlessSpec(SensorSpec):
    """A sensor whose channels are the same on every robot."""

    @property
    def channels(self) -> ChannelErrors:
        """Of the quantities, one after the other."""
        return self._stack(self.CHANNELS)


@dataclass(frozen=True)
class WrenchSpec(RobotlessSpec):
    """The force-torque sensor at the wrist."""

    CHANNELS = {"force_n": 3, "torque_n_m": 3}
    force_n: Errors
    torque_n_m: Errors


@dataclass(frozen=True)
class JointsSpec(SensorSpec):
    """The encoders of arm and fingers: positions, then velocities of the arm's joints and both fingers each."""

    CHANNELS = {"position_rad": ONE_EACH, "finger_m": FINGERS, "velocity_rad_s": ONE_EACH, "finger_m_s": FINGERS}
    position_rad: Errors
    finger_m: Errors
    velocity_rad_s: Errors
    finger_m_s: Errors

    def channels_of(self, robot: Robot) -> ChannelErrors:
        """Of the quantities, one after the other; ConfigError if a list is not as long as the arm has joints."""
        counts = {quantity: count or robot.joints for quantity, count in self.CHANNELS.items()}
        for quantity, count in counts.items():
            self._require_count(quantity, count)
        return self._stack(counts)


@dataclass(frozen=True)
class ColourSpec(RobotlessSpec):
    """The colour camera."""

    CHANNELS = {"levels": 3}
    levels: Errors  # of red, green and blue, 0 to 255


@dataclass(frozen=True)
class DepthSpec(RobotlessSpec):
    """The depth camera, aligned with the colour camera."""

    CHANNELS = {"depth_m": 1}
    depth_m: Errors
    hole_fraction: float = 0.0  # of the pixels, those without depth

    def __post_init__(self) -> None:
        super().__post_init__()
        _require_fraction("hole_fraction", self.hole_fraction)


@dataclass(frozen=True)
class Sensors:
    """All sensors of a rig."""

    wrench: WrenchSpec
    joints: JointsSpec
    colour: ColourSpec
    depth: DepthSpec

    @classmethod
    def from_file(cls, path: Path | None = None, robot: Robot = PANDA) -> Sensors:
        """Read them from YAML; what the file leaves out, or all without a file, is as shipped.

        Args:
            path: of the file.
            robot: with as many joints as lists for each joint must hold.
        """
        usual = read_yaml(shipped(SHIPPED))
        source = SHIPPED if path is None else str(path)
        sensors = build(cls, usual if path is None else _overlaid(usual, read_yaml(path)), source)
        try:
            sensors.joints.channels_of(robot)
        except ConfigError as error:
            raise ConfigError(f"{source}: joints: {error}") from error
        return sensors


def _overlaid(usual: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """`usual` with what `own` says in its place, mapping by mapping."""
    mixed = dict(usual)
    for key, value in own.items():
        old = usual.get(key)
        both = isinstance(old, Mapping) and isinstance(value, Mapping)
        mixed[key] = _overlaid(old, value) if both else value  # type: ignore[arg-type]
    return mixed


def _require_fraction(name: str, value: float) -> None:
    if not 0 <= value <= 1:
        raise ConfigError(f"{name} must be a fraction from 0 to 1, got {value}")
