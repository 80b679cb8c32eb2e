"""The grasp controller: one grasp at a time on a pipeline, begun, stepped each tick and ended; it zeroes the wrench.

It is the one loop that drives a policy live, in simulation, in evaluation, in collection and in replay.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

from autoglm_embodied.errors import InstructionError, SensorError
from autoglm_embodied.policy.grasp_episode import GraspEpisode, GraspSettings, Outcome
from autoglm_embodied.policy.pipeline import Pipeline, Tick
from autoglm_embodied.types import Command, Observation

LET_GO_M = 0.01  # fingers that opened by more than this since a grasp have let go


@dataclass(frozen=True)
class ControlStep:
    """The result of one tick."""

    tick: Tick
    episode: GraspEpisode | None  # the running one, or the last
    acting: bool  # whether the episode was running in this tick, its last included
    command: Command | None  # None: hold still, gripper as it is


@dataclass(frozen=True)
class InHand:
    """What the last grasp left in the hand."""

    named: str  # the instruction
    width_m: float


class GraspController:
    """Owns the running episode; all methods but `tare` belong to the ticking thread."""

    def __init__(self, pipeline: Pipeline, settings: GraspSettings) -> None:
        self.pipeline = pipeline
        self.tared = False
        self._settings = settings
        self._episode: GraspEpisode | None = None
        self._in_hand: InHand | None = None
        self._width_m: float | None = None  # of the last tick

    def tare(self, t_ns: int, now_receive_ns: int) -> None:
        """Zero the wrench: what the wrist carries now is taken for an empty hand.

        Args:
            t_ns: now, on the clock of the header stamps.
            now_receive_ns: now, on the clock of the receive times.

        Raises:
            SensorError: a sensor is silent, the arm moves, or something may be in the hand.
        """
        if self._width_m is None:
            raise SensorError("zeroing the wrench needs joint states, but none came yet; check that their driver runs")
        if self._in_hand is not None or self._settings.may_hold(self._width_m):
            raise SensorError("zeroing the wrench needs an empty hand, but something may be in it; open the gripper")
        self.pipeline.aligner.tare(t_ns, now_receive_ns)
        self.tared = True

    def step(self, t_ns: int, now_receive_ns: int, begin: str | None, end: str | None) -> ControlStep:
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
        tick = self.pipeline.tick(t_ns, now_receive_ns)
        self._note_hand(tick.observation)
        episode = self._episode
        if episode is None or (episode.over and begin is None):
            return ControlStep(tick, episode, acting=False, command=None)
        if end is not None:
            episode.end(Outcome.STOPPED, end)
        command = episode.step(tick.observation, tick.chunk, now_receive_ns)
        if episode.over:
            self._finish(episode)
            command = None
        return ControlStep(tick, episode, acting=True, command=command)

    def _begin(self, instruction: str, t_ns: int, now_receive_ns: int) -> None:
        self._try_tare(t_ns, now_receive_ns)
        named = "" if self._in_hand is None else self._in_hand.named
        R_tool_sensor = self.pipeline.aligner.R_tool_sensor
        self._episode = GraspEpisode(instruction, now_receive_ns, self._settings, R_tool_sensor, named)
        try:
            self.pipeline.begin(instruction, t_ns)
        except InstructionError as error:
            self._episode.end(Outcome.UNKNOWN_WORDS, str(error))

    def _finish(self, episode: GraspEpisode) -> None:
        self.pipeline.end()
        if episode.outcome in (Outcome.HELD, Outcome.WRONG_OBJECT, Outcome.UNCONFIRMED) and self._width_m is not None:
            self._in_hand = InHand(episode.instruction, self._width_m)

    def _note_hand(self, observation: Observation) -> None:
        """Fingers that open, or meet each other, hold nothing any more."""
        arm = observation.joints.value
        if arm is None:
            return
        self._width_m = arm.gripper_width_m
        if self._in_hand is not None:
            opened = arm.gripper_width_m > self._in_hand.width_m + LET_GO_M
            if opened or arm.gripper_width_m <= self._settings.least_width_m:
                self._in_hand = None

    def _try_tare(self, t_ns: int, now_receive_ns: int) -> None:
        with suppress(
            SensorError
        ):  # moving, silent, or perhaps not empty: force stays as it was, masked if never zeroed
            self.tare(t_ns, now_receive_ns)
