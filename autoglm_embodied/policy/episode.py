"""What the controller runs for a goal, whatever it is: a command each tick until there is an outcome."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np

from autoglm_embodied.policy.goal import Outcome
from autoglm_embodied.types import ActionChunk, ArmState, Command, FloatArray, Observation

WEIGHING_SCALE = -2  # of the force pyramid: long enough to average noise, short enough to begin after the lift
MEAN, DEVIATION = 0, 1  # rows of the pyramid's statistics


class Episode(ABC):
    """Ends in time, whatever happens, and while it cannot sense what it needs the arm holds still.

    Times are on the monotonic clock, which no clock that is set can hold up.
    """

    needs: tuple[str, ...] = ("vision", "joints")  # modalities without which the arm holds still
    message = ""  # the outcome in one sentence
    tries = 0  # approaches begun
    held_force_n = 0.0

    def __init__(
        self, instruction: str, started_ns: int, timeout_s: float, blind_s: float, R_tool_sensor: FloatArray | None
    ) -> None:
        """Begin.

        Args:
            instruction: what is asked for.
            started_ns: now.
            timeout_s: until it gives up.
            blind_s: for which a sensor that it needs may be silent.
            R_tool_sensor: (3, 3) orientation of the wrist sensor's frame in the tool frame; None where they agree.
        """
        self.instruction = instruction
        self.outcome = Outcome.RUNNING
        self._started_ns = self._last_seen_ns = started_ns
        self._timeout_s, self._blind_s = timeout_s, blind_s
        self._R_tool_sensor = np.eye(3) if R_tool_sensor is None else R_tool_sensor

    @property
    @abstractmethod
    def phase_name(self) -> str:
        """How far it is, as its action's feedback says."""

    @abstractmethod
    def step(self, observation: Observation, chunk: ActionChunk | None, now_ns: int) -> Command | None:
        """The command for this tick, or None where the arm must hold still.

        Args:
            observation: what was sensed at the tick.
            chunk: what the policy planned, or None when it could not act.
            now_ns: the tick on the monotonic clock.
        """

    @property
    def over(self) -> bool:
        """Whether there is an outcome."""
        return self.outcome is not Outcome.RUNNING

    def end(self, outcome: Outcome, message: str) -> None:
        """Close the episode; the first outcome stands."""
        if not self.over:
            self.outcome, self.message = outcome, message

    def can_go_on(self, observation: Observation, now_ns: int) -> bool:
        """Whether it senses what it needs; it ends where that is so for too long, or its time is over."""
        absent = [name for name in self.needs if not getattr(observation, name).present]
        if not absent:
            self._last_seen_ns = now_ns
        elif (now_ns - self._last_seen_ns) / 1e9 > self._blind_s:
            missing = {"vision": "camera", "joints": "joint state", "force": "zeroed wrench"}[absent[0]]
            self.end(Outcome.SENSOR_MISSING, f"No {missing} data for {self._blind_s} s; check its driver.")
        if (now_ns - self._started_ns) / 1e9 > self._timeout_s:
            self.end(Outcome.TIMEOUT, f"Not done within {self._timeout_s:.0f} s.")
        return not absent and not self.over

    def load_and_noise_n(self, observation: Observation, arm: ArmState) -> tuple[float, float] | None:
        """Load along gravity on the tared wrist, and deviation of its noisiest axis [N]; None where force is absent."""
        if observation.force.value is None:
            return None
        window = observation.force.value.pyramid[WEIGHING_SCALE, :, :3]
        return -float(self.in_base(window[MEAN], arm)[2]), float(window[DEVIATION].max())

    def in_base(self, force_n: FloatArray, arm: ArmState) -> FloatArray:
        """A force (..., 3) in the wrist sensor's frame, in the base frame."""
        turned: FloatArray = force_n @ (arm.T_base_tool[:3, :3] @ self._R_tool_sensor).T
        return turned
