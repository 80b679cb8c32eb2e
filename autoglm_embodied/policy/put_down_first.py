"""A grasp with something in the hand already, which is put down first."""

from __future__ import annotations

import math
from collections.abc import Callable

from autoglm_embodied.policy.episode import Episode
from autoglm_embodied.policy.outcome import Outcome
from autoglm_embodied.types import ActionChunk, Command, Observation


class PutDownFirst(Episode):
    """One episode to those who watch: a place, then the grasp, unless the place fails."""

    def __init__(self, place: Episode, grasp: Callable[[int], Episode], instruction: str, started_ns: int) -> None:
        """Begin.

        Args:
            place: that comes first.
            grasp: makes the grasp once the hand is empty; it is given the time.
            instruction: of the grasp.
            started_ns: now; the two watch over their time and sensors themselves.
        """
        super().__init__(instruction, started_ns, math.inf, math.inf, None)
        self._running, self._grasp = place, grasp
        self._emptied = False

    @property
    def phase_name(self) -> str:
        """See Episode."""
        return self._running.phase_name

    def step(self, observation: Observation, chunk: ActionChunk | None, now_ns: int) -> Command | None:
        """See Episode."""
        running = self._running
        command = running.step(observation, chunk, now_ns)
        self.tries, self.held_force_n = running.tries, running.held_force_n
        if running.over and not self._emptied and running.outcome in (Outcome.PLACED, Outcome.HAND_EMPTY):
            self._emptied, self._running = True, self._grasp(now_ns)
            return None
        if running.over:
            self.end(running.outcome, running.message)
        return command
