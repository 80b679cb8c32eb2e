"""One grasp at a time: when it may move, when it is over and how it ended; begun, stepped each tick, ended."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from enum import Enum

import numpy as np

from autoglm_embodied.errors import ConfigError, InstructionError, SensorError
from autoglm_embodied.policy.pipeline import Pipeline, Tick
from autoglm_embodied.types import ActionChunk, Command, Observation, Phase, Referent


class Outcome(Enum):
    """How a grasp ended; the values are those of FusionState.outcome."""

    RUNNING = ""
    HELD = "held"
    NOT_HELD = "not_held"
    NOT_FOUND = "not_found"
    AMBIGUOUS = "ambiguous"
    UNKNOWN_WORDS = "unknown_words"
    STOPPED = "stopped"
    TIMEOUT = "timeout"
    SENSOR_MISSING = "sensor_missing"


@dataclass(frozen=True)
class GraspSettings:
    """When a grasp begins, gives up and is done."""

    look_ticks: int = 12  # ticks of looking, arm still, before the policy may move
    hold_ticks: int = 12  # ticks in HOLD in a row that make the outcome
    settle_ticks: int = 3  # ticks in a row that make a phase
    max_tries: int = 3
    timeout_s: float = 30.0
    blind_s: float = 2.0  # the arm stands still without camera or joints; for so long, and the grasp ends
    least_width_m: float = 0.006  # fingers closer than this hold nothing

    def __post_init__(self) -> None:
        for name in ("look_ticks", "hold_ticks", "settle_ticks", "max_tries", "timeout_s", "blind_s"):
            if getattr(self, name) <= 0:
                raise ConfigError(f"grasp.{name} must be greater than 0, got {getattr(self, name)}")


class GraspEpisode:
    """Reads each tick's chunk, gives the command, and decides the outcome from what is seen and felt alone."""

    def __init__(self, instruction: str, started_ns: int, settings: GraspSettings) -> None:
        self.instruction = instruction
        self.phase = Phase.IDLE
        self.tries = 0
        self.outcome = Outcome.RUNNING
        self.message = ""
        self.held_force_n = 0.0
        self._settings = settings
        self._started_ns = started_ns
        self._last_seen_ns = started_ns
        self._looks: Counter[Referent] = Counter()
        self._candidate = Phase.IDLE
        self._ticks_in_candidate = 0

    @property
    def over(self) -> bool:
        """Whether there is an outcome."""
        return self.outcome is not Outcome.RUNNING

    def end(self, outcome: Outcome, message: str) -> None:
        """Close the episode; the first outcome stands."""
        if not self.over:
            self.outcome, self.message = outcome, message

    def step(self, observation: Observation, chunk: ActionChunk | None) -> Command | None:
        """The command for this tick, or None where the arm must hold still.

        Args:
            observation: what was sensed at the tick.
            chunk: what the policy wants, or None when it could not act.
        """
        if not self._can_go_on(observation) or chunk is None or self.over:
            return None
        if sum(self._looks.values()) < self._settings.look_ticks:
            self._look(chunk)
            return None
        self._follow(observation, chunk)
        return None if self.over else Command(chunk.twist[0], float(chunk.gripper_width_m[0]))

    def _can_go_on(self, observation: Observation) -> bool:
        sees = observation.vision.present and observation.joints.present
        if sees:
            self._last_seen_ns = observation.t_ns
        elif (observation.t_ns - self._last_seen_ns) / 1e9 > self._settings.blind_s:
            missing = "camera" if not observation.vision.present else "joint state"
            self.end(Outcome.SENSOR_MISSING, f"No {missing} data for {self._settings.blind_s} s; check its driver.")
        if (observation.t_ns - self._started_ns) / 1e9 > self._settings.timeout_s:
            self.end(Outcome.TIMEOUT, f"Not done within {self._settings.timeout_s:.0f} s.")
        return sees

    def _look(self, chunk: ActionChunk) -> None:
        self._looks[chunk.referent] += 1
        if sum(self._looks.values()) < self._settings.look_ticks:
            return
        seen = self._looks.most_common(1)[0][0]
        if seen is Referent.NONE:
            self.end(Outcome.NOT_FOUND, f"Nothing here fits {self.instruction!r}; name an object that is there.")
        elif seen is Referent.MANY:
            self.end(Outcome.AMBIGUOUS, f"More than one object fits {self.instruction!r}; say its colour and shape.")

    def _follow(self, observation: Observation, chunk: ActionChunk) -> None:
        if chunk.phase is not self._candidate:
            self._candidate, self._ticks_in_candidate = chunk.phase, 0
        self._ticks_in_candidate += 1
        if self._ticks_in_candidate == self._settings.settle_ticks and self.phase is not chunk.phase:
            self.phase = chunk.phase
            self.tries += self.phase is Phase.CLOSE
        if self.tries > self._settings.max_tries:
            self.tries = self._settings.max_tries
            self.end(Outcome.NOT_HELD, f"Not held after {self._settings.max_tries} tries.")
        if chunk.phase is Phase.HOLD and self._ticks_in_candidate >= self._settings.hold_ticks:
            self._decide(observation)

    def _decide(self, observation: Observation) -> None:
        if observation.force.value is not None:
            self.held_force_n = float(np.linalg.norm(observation.force.value.pyramid[-1, 0, :3]))
        arm = observation.joints.value
        if arm is not None and arm.gripper_width_m > self._settings.least_width_m:
            self.end(Outcome.HELD, f"Held with {self.held_force_n:.1f} N on the wrist.")
        else:
            self.end(Outcome.NOT_HELD, "The gripper closed on nothing.")


@dataclass(frozen=True)
class ControlStep:
    """What one tick came to."""

    tick: Tick
    episode: GraspEpisode | None  # the running one, or the last
    acting: bool  # whether it was the running one's turn, its last included
    command: Command | None  # None: hold still


class GraspController:
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
        tick = self._pipeline.tick(t_ns, now_receive_ns)
        episode = self._episode
        if episode is None or (episode.over and begin is None):
            return ControlStep(tick, episode, acting=False, command=None)
        if end is not None:
            episode.end(Outcome.STOPPED, end)
        command = episode.step(tick.observation, tick.chunk)
        if episode.over:
            self._pipeline.end()
            command = None
        return ControlStep(tick, episode, acting=True, command=command)

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
