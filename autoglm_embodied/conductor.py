"""One grasp at a time on a pipeline: begun, stepped each tick and ended, with the wrench tared in between."""

from __future__ import annotations

from dataclasses import dataclass

from autoglm_embodied.errors import InstructionError, SensorError
from autoglm_embodied.pipeline import Pipeline, Tick
from autoglm_embodied.policy.grasp import GraspEpisode, GraspSettings, Outcome
from autoglm_embodied.types import Command


@dataclass(frozen=True)
class Turn:
    """What one tick came to."""

    tick: Tick
    episode: GraspEpisode | None  # the running one, or the last
    acting: bool  # whether it was the running one's turn, its last included
    command: Command | None  # None: hold still


class Conductor:
    """Owns the running episode; all methods but `tare` belong to the ticking thread."""

    def __init__(self, pipeline: Pipeline, settings: GraspSettings) -> None:
        self._pipeline = pipeline
        self._settings = settings
        self._episode: GraspEpisode | None = None
        self.tared = False

    def tare(self, t_ns: int, now_receive_ns: int) -> None:
        """Take the wrench now for that of an empty hand; SensorError where that cannot be."""
        self._pipeline.aligner.tare(t_ns, now_receive_ns)
        self.tared = True

    def turn(self, t_ns: int, now_receive_ns: int, begin: str | None, end: str | None) -> Turn:
        """One tick.

        Args:
            t_ns: the tick on the clock of the header stamps.
            now_receive_ns: the same moment on the clock of the receive times.
            begin: an instruction to begin with, if one came.
            end: why to end the running episode, if it must end.
        """
        if begin is not None:
            self._begin(begin, t_ns, now_receive_ns)
        elif not self.tared:
            self._try_tare(t_ns, now_receive_ns)
        tick = self._pipeline.tick(t_ns, now_receive_ns)
        episode = self._episode
        if episode is None or (episode.over and begin is None):
            return Turn(tick, episode, acting=False, command=None)
        if end is not None:
            episode.end(Outcome.STOPPED, end)
        command = episode.step(tick.observation, tick.chunk)
        if episode.over:
            self._pipeline.end()
            command = None
        return Turn(tick, episode, acting=True, command=command)

    def _begin(self, instruction: str, t_ns: int, now_receive_ns: int) -> None:
        if self._episode is None or self._episode.outcome is not Outcome.HELD:
            self._try_tare(t_ns, now_receive_ns)  # with something in the hand the last tare is the better one
        self._episode = GraspEpisode(instruction, t_ns, self._settings)
        try:
            self._pipeline.begin(instruction, t_ns)
        except InstructionError as error:
            self._episode.end(Outcome.UNKNOWN_WORDS, str(error))

    def _try_tare(self, t_ns: int, now_receive_ns: int) -> None:
        try:
            self.tare(t_ns, now_receive_ns)
        except SensorError:
            pass  # the arm moves or a sensor is silent: force stays as it was, masked if it never was tared
