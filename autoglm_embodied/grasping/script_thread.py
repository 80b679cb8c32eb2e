"""The thread in which a script runs as a coroutine: it is given one observation and gives one action a tick."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from queue import Empty, Queue
from threading import Thread

import numpy as np

from autoglm_embodied.grasping.hand import MAX_WIDTH_M
from autoglm_embodied.types import FloatArray, Observation, Phase, Referent

STILL = np.zeros(6)


@dataclass(frozen=True)
class Action:
    """What a script wants at a tick."""

    twist: FloatArray  # (6,) of the tool, base frame [m/s, rad/s]
    gripper_width_m: float
    phase: Phase
    target_m: FloatArray  # (3,) where it believes the named object to be, base frame
    referent: Referent | None = Referent.ONE  # how many objects the words mean; None: it does not know yet


FIRST = Action(STILL, MAX_WIDTH_M, Phase.REACH, np.zeros(3))
"""Until a script has got one ready, which it has before the arm may follow."""


class Abandoned(Exception):
    """Ends a script that waits for an observation: another instruction has begun."""


class ScriptThread:
    """Runs a script that advances by one action for each observation; a thread, since the script may call deeply.

    `receive` and `act` are for the script, `step` and `abandon` for the other side.
    """

    def __init__(self, script: Callable[[ScriptThread], None]) -> None:
        self._observations: Queue[Observation | None] = Queue()
        self._answers: Queue[Action | Exception] = Queue()
        self._thinks = False
        Thread(target=self._run, args=(script,), name="script", daemon=True).start()

    def step(self, observation: Observation, patience_s: float | None) -> Action | None:
        """The script's action; None if it has not got it ready in time, and thinks on.

        Args:
            observation: of this tick; a script that thinks is not given it.
            patience_s: how long to wait; None for ever.
        """
        if not self._thinks:
            self._observations.put(observation)
        self._thinks = True
        try:
            answer = self._answers.get(timeout=patience_s)
        except Empty:
            return None
        self._thinks = False
        if isinstance(answer, Exception):
            raise answer
        return answer

    def abandon(self) -> None:
        """End the script where it waits next."""
        self._observations.put(None)

    def receive(self) -> Observation:
        """Wait for the next observation."""
        observation = self._observations.get()
        if observation is None:
            raise Abandoned
        return observation

    def act(self, action: Action) -> Observation:
        """Give the action of this tick; returns the observation of the next."""
        self._answers.put(action)
        return self.receive()

    def _run(self, script: Callable[[ScriptThread], None]) -> None:
        try:
            script(self)
        except Abandoned:
            pass
        except Exception as error:
            self._answers.put(error)
