"""An action that is a script of motions: a generator that is sent what is sensed at each tick and yields a step."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

import numpy as np

from autoglm_embodied.errors import AutoGLMError
from autoglm_embodied.policy.episode import MEAN, WEIGHING_SCALE, Episode
from autoglm_embodied.policy.goal import Outcome
from autoglm_embodied.types import ActionChunk, ArmState, Command, FloatArray, Observation

CONTACT_SAMPLES = 4  # of the wrench, averaged: a first touch is a few milliseconds long


@dataclass(frozen=True)
class Sensed:
    """What a script is told at a tick."""

    now_ns: int
    arm: ArmState
    chunk: ActionChunk | None
    load_n: float | None  # along gravity on the tared wrist, while at rest; None where force is absent
    noise_n: float
    least_load_n: float | None  # likewise, the least of a moment since about the last tick
    force_n: FloatArray | None = None  # (3,) on the tared wrist, base frame, over the window of a weighing

    @property
    def tool_m(self) -> FloatArray:
        """(3,) position of the tool in the base frame."""
        return self.arm.T_base_tool[:3, 3]


class Step(NamedTuple):
    """One tick of a script: how far it is, and what it commands."""

    phase: str
    twist: FloatArray = np.zeros(6)  # of the tool, base frame [m/s, rad/s]
    gripper_width_m: float | None = None  # None: as it is


class Ending(NamedTuple):
    """How a script ended."""

    outcome: Outcome
    message: str


class MotionFailed(AutoGLMError):
    """Ends a script with another outcome than the one that was wanted."""

    def __init__(self, outcome: Outcome, message: str) -> None:
        super().__init__(message)
        self.ending = Ending(outcome, message)


Part: TypeAlias = Generator[Step, Sensed, Sensed]
"""A part of a script; returns what was sensed last."""
Script: TypeAlias = Generator[Step, Sensed, Ending]


class MotionEpisode(Episode):
    """Runs a script; while joints, or force where it needs that, are absent, the arm stands and the script waits."""

    def __init__(
        self,
        instruction: str,
        started_ns: int,
        script: Callable[[Sensed], Script],
        timeout_s: float,
        blind_s: float,
        needs: tuple[str, ...] = ("joints",),
        R_tool_sensor: FloatArray | None = None,
    ) -> None:
        """Begin.

        Args:
            instruction: what is asked for.
            started_ns: now.
            script: begins with what is sensed in the first tick.
            timeout_s: until it gives up.
            blind_s: for which a sensor that it needs may be silent.
            needs: modalities.
            R_tool_sensor: see Episode.
        """
        super().__init__(instruction, started_ns, timeout_s, blind_s, R_tool_sensor)
        self.needs = needs
        self._begin = script
        self._script: Script | None = None
        self._phase_name = "idle"

    @property
    def phase_name(self) -> str:
        """See Episode."""
        return self._phase_name

    def step(self, observation: Observation, chunk: ActionChunk | None, now_ns: int) -> Command | None:
        """See Episode."""
        arm = observation.joints.value
        if not self.can_go_on(observation, now_ns) or arm is None:
            return None
        load = self.load_and_noise_n(observation, arm)
        load_n, noise_n = (None, 0.0) if load is None else load
        least_load_n, force_n = self._least_load_n(observation, arm), self._force_n(observation, arm)
        sensed = Sensed(now_ns, arm, chunk, load_n, noise_n, least_load_n, force_n)
        try:
            step = self._next(sensed)
        except StopIteration as done:
            self.end(*done.value)
            return None
        except MotionFailed as failed:
            self.end(*failed.ending)
            return None
        self._phase_name = step.phase
        return Command(step.twist, step.gripper_width_m)

    def _least_load_n(self, observation: Observation, arm: ArmState) -> float | None:
        if observation.force.value is None:
            return None
        load_n = -self.in_base(observation.force.value.raw[:, :3], arm)[:, 2]
        return float(np.convolve(load_n, np.full(CONTACT_SAMPLES, 1 / CONTACT_SAMPLES), "valid").min())

    def _force_n(self, observation: Observation, arm: ArmState) -> FloatArray | None:
        force = observation.force.value
        return None if force is None else self.in_base(force.pyramid[WEIGHING_SCALE, MEAN, :3], arm)

    def _next(self, sensed: Sensed) -> Step:
        if self._script is None:
            self._script = self._begin(sensed)
            return next(self._script)
        return self._script.send(sensed)
