"""Whether the learned policy may be believed: a guard that slows, then holds where its inputs are none of training's.

Four signs are looked at in each tick, each between a level that slows and one that holds: how far image and latent are
from those of training, the time errors of the modalities, and a force that nothing explains which is seen.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from autoglm_embodied.errors import ConfigError
from autoglm_embodied.policy.grasp_episode import GraspSettings
from autoglm_embodied.setting import check_ranges, setting
from autoglm_embodied.types import ActionChunk, FloatArray, Observation

MS = 1_000_000
LONGEST, MEAN = -1, 0  # window of the force pyramid: what speeding up costs is over in it; and its statistic
NEAR_M = 0.05  # from the tool, horizontally: what lies there may touch a finger
BELOW_M = 0.01  # what is seen higher above the tool is the hand
LOOK_AT = "look at camera, light and wrist sensor"
LEAST_KNOWN = 0.3  # share of a token's pixels whose depth is known


@dataclass(frozen=True)
class GuardSettings:
    """Levels of the signs, and how long they must last."""

    enabled: bool = setting(False, "whether the policy learned is slowed and held where its inputs are unfamiliar")
    slow_distance: float = setting(
        1.25, "distance of image or latent from training's that slows; 1: what is usual there", least=0.1, most=1e3
    )
    hold_distance: float = setting(2.0, "distance of image or latent from training's that holds", least=0.1, most=1e3)
    slow_time_error_ns: int = setting(
        120 * MS, "time error of image, wrench or joints that slows", least=MS, most=60_000 * MS
    )
    hold_time_error_ns: int = setting(180 * MS, "time error that holds", least=MS, most=60_000 * MS)
    slow_unexplained_n: float = setting(
        3.0, "force on the wrist, where nothing is held and free space is seen, that slows", least=0.1, most=1e3
    )
    hold_unexplained_n: float = setting(6.0, "such a force that holds", least=0.1, most=1e3)
    free_m: float = setting(0.05, "how far what is seen below the tool must be for free space", least=0.01, most=1.0)
    least_speed_share: float = setting(0.25, "share of the speed just before it holds", least=0.01, most=1.0)
    unsure_s: float = setting(0.2, "what holds must last so long", least=0.0, most=10.0)
    calm_s: float = setting(0.5, "all must be below what slows for so long, until it goes on", least=0.0, most=10.0)
    give_up_s: float = setting(2.0, "held for so long, and the goal ends", least=0.1, most=60.0)

    def __post_init__(self) -> None:
        check_ranges(self, "guard")
        for sign in ("distance", "time_error_ns", "unexplained_n"):
            slow, hold = getattr(self, f"slow_{sign}"), getattr(self, f"hold_{sign}")
            if slow >= hold:
                raise ConfigError(f"guard.slow_{sign} must be below guard.hold_{sign}, {hold}, got {slow}")


@dataclass(frozen=True)
class Familiarity:
    """What the guard makes of a tick. A level is 0 where its sign slows and 1 where it holds; below 0 all is well."""

    levels: dict[str, float]  # of each sign
    speed_share: float = 1.0  # of the policy's speed that is left; 0: hold
    held_s: float = 0.0  # for how long

    @property
    def worst(self) -> str:
        """The sign that is worst; one that is no number is."""
        return max(self.levels, key=lambda sign: _badness(self.levels[sign]))

    @property
    def level(self) -> float:
        """That of the worst sign, NaN where it is no number."""
        return self.levels[self.worst]

    @property
    def account(self) -> str:
        """What the guard does and why, in a sentence; empty where it does nothing."""
        if self.speed_share == 1.0:
            return ""
        done = f"slowed to {self.speed_share:.0%}" if self.speed_share else "held still"
        return f"{done}: what is sensed is unlike training ({self.worst} at {self.level:.1f}, where 1 holds)"


class DistributionGuard:
    """Judges each tick of a goal. Times are on the monotonic clock."""

    def __init__(
        self,
        settings: GuardSettings,
        grasp: GraspSettings,
        distances: Callable[[FloatArray, FloatArray], dict[str, float]],
    ) -> None:
        """Begin.

        Args:
            settings: of the guard.
            grasp: which say between which widths of the fingers something may be held.
            distances: of visual tokens (N, D + 4) and latent (D,) from those of training, each 1 where that is still
                usual; NaN where it is none.
        """
        self.settings = settings
        self._grasp = grasp
        self._distances = distances
        self.reset()

    def reset(self) -> None:
        """Another goal begins."""
        self._share = 1.0
        self._high_ns: int | None = None  # since when a sign holds
        self._held_ns: int | None = None  # since when the arm is held
        self._rough_ns: int | None = None  # when a sign slowed last

    def judge(self, observation: Observation, chunk: ActionChunk, now_ns: int) -> Familiarity:
        """How much of the policy's speed is left in this tick.

        Slower at once, and still once what holds has lasted; as before only when all was calm for a while.

        Args:
            observation: of the tick.
            chunk: what the policy made of it.
            now_ns: the tick.
        """
        levels = self._levels(observation, chunk)
        level, settings = Familiarity(levels).level, self.settings
        broken = math.isnan(level)
        if broken or level >= 1.0:
            self._high_ns = now_ns if self._high_ns is None else self._high_ns
            if self._held_ns is None and (broken or (now_ns - self._high_ns) / 1e9 >= settings.unsure_s):
                self._held_ns = now_ns
        else:
            self._high_ns = None
        if broken or level >= 0.0:
            self._rough_ns = now_ns
            self._share = min(self._share, 1.0 - min(_badness(level), 1.0) * (1.0 - settings.least_speed_share))
        elif self._rough_ns is None or (now_ns - self._rough_ns) / 1e9 >= settings.calm_s:
            self._share, self._held_ns, self._rough_ns = 1.0, None, None
        if self._held_ns is None:
            return Familiarity(levels, self._share)
        return Familiarity(levels, 0.0, (now_ns - self._held_ns) / 1e9)

    def _levels(self, observation: Observation, chunk: ActionChunk) -> dict[str, float]:
        settings, tokens = self.settings, observation.vision.value
        far = {} if tokens is None else self._distances(tokens, chunk.latent)
        levels = {sign: _level(value, settings.slow_distance, settings.hold_distance) for sign, value in far.items()}
        timed = observation.vision, observation.force, observation.joints
        error_ns = max(sense.time_error_ns for sense in timed)
        force_n = self._unexplained_n(observation)
        levels["time error"] = _level(error_ns, settings.slow_time_error_ns, settings.hold_time_error_ns)
        levels["unexplained force"] = _level(force_n, settings.slow_unexplained_n, settings.hold_unexplained_n)
        return levels

    def _unexplained_n(self, observation: Observation) -> float:
        """Force on the wrist that nothing explains which is seen [N]; 0 where something may, or force is absent.

        Something may be held where the fingers are neither shut nor wide open, or be touched where it is seen less than
        `free_m` below the tool. The visual tokens (N, D + 4) end in their places and how much of their depth is known.
        """
        arm, force, tokens = observation.joints.value, observation.force.value, observation.vision.value
        if arm is None or force is None or tokens is None or self._grasp.may_hold(arm.gripper_width_m):
            return 0.0
        tool_m, places_m = arm.T_base_tool[:3, 3], tokens[tokens[:, -1] > LEAST_KNOWN, -4:-1]
        near = np.hypot(*(places_m[:, :2] - tool_m[:2]).T) < NEAR_M
        below = near & (places_m[:, 2] < tool_m[2] + BELOW_M)
        if not below.any() or tool_m[2] - places_m[below, 2].max() < self.settings.free_m:
            return 0.0
        return float(np.linalg.norm(force.pyramid[LONGEST, MEAN, :3]))


def _level(value: float, slow: float, hold: float) -> float:
    return (value - slow) / (hold - slow)


def _badness(level: float) -> float:
    return math.inf if math.isnan(level) else level
