"""The grasp controller: one goal at a time on a pipeline, begun, stepped each tick and ended; it zeroes the wrench.

It is the one loop that drives a policy live, in simulation, in evaluation, in collection and in replay.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace

from autoglm_embodied.errors import InstructionError, SensorError
from autoglm_embodied.policy.distribution_guard import LOOK_AT, DistributionGuard, Familiarity
from autoglm_embodied.policy.episode import Episode
from autoglm_embodied.policy.goal import Goal, Outcome, place_slots, reference_of
from autoglm_embodied.policy.grasp_episode import GraspEpisode, GraspSettings, PutDownFirst
from autoglm_embodied.policy.motion_episode import MotionEpisode
from autoglm_embodied.policy.motions import LET_GO_M, ActionSettings
from autoglm_embodied.policy.pipeline import Pipeline, Tick
from autoglm_embodied.policy.scripts import BESIDE, Scripts
from autoglm_embodied.types import Command, Intent, Observation

PUT_DOWN = Goal(Intent.PLACE, "here", {"relation": "here"})


@dataclass(frozen=True)
class ControlStep:
    """The result of one tick."""

    tick: Tick
    episode: Episode | None  # the running one, or the last
    acting: bool  # whether the episode was running in this tick, its last included
    command: Command | None  # None: hold still, gripper as it is
    familiarity: Familiarity | None = None  # of the tick, where a guard looked at it


@dataclass(frozen=True)
class InHand:
    """What the last grasp left in the hand."""

    named: str  # the instruction
    width_m: float


class GraspController:
    """Owns the running episode; all methods but `tare` belong to the ticking thread."""

    def __init__(
        self,
        pipeline: Pipeline,
        settings: GraspSettings,
        scripts: Scripts | None = None,
        guard: DistributionGuard | None = None,
    ) -> None:
        """Wait for a goal.

        Args:
            pipeline: whose policy grasps, and finds what is named.
            settings: of grasps.
            scripts: of all other goals; None: with default settings, and without a home.
            guard: slows and holds the policy where its inputs are unfamiliar; None: nothing does.
        """
        self.pipeline = pipeline
        self.tared = False
        self._settings = settings
        self._guard = guard
        self._scripts = scripts or Scripts(ActionSettings(), settings)
        self._episode: Episode | None = None
        self._in_hand: InHand | None = None
        self._width_m: float | None = None  # of the last tick
        self._t_ns = 0  # of the last tick

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

    def step(
        self,
        t_ns: int,
        now_receive_ns: int,
        begin: Goal | str | None,
        end: str | None,
        ending: Outcome = Outcome.STOPPED,
    ) -> ControlStep:
        """One tick.

        Args:
            t_ns: the tick on the clock of the header stamps.
            now_receive_ns: the same moment on the clock of the receive times.
            begin: a goal to begin with, if one came; text is the instruction of a grasp.
            end: why to end the running episode, if it must end.
            ending: the outcome of that.
        """
        self._t_ns = t_ns
        if begin is not None:
            self._try_tare(t_ns, now_receive_ns)
            goal = Goal(Intent.GRASP, begin) if isinstance(begin, str) else begin
            self._episode = self._begin(goal, t_ns, now_receive_ns)
            if self._guard is not None:
                self._guard.reset()
        elif not self.tared:
            self._try_tare(t_ns, now_receive_ns)
        tick = self.pipeline.tick(t_ns, now_receive_ns)
        self._note_hand(tick.observation)
        episode = self._episode
        if episode is None or (episode.over and begin is None):
            return ControlStep(tick, episode, acting=False, command=None)
        if end is not None:
            episode.end(ending, end)
        found = self._judge(tick, now_receive_ns)
        if found is not None and self._guard is not None and found.held_s > self._guard.settings.give_up_s:
            episode.end(Outcome.UNFAMILIAR, f"The arm was {found.account}; {LOOK_AT}.")
        share = 1.0 if found is None else found.speed_share
        chunk = tick.chunk if share else None
        command = None if episode.over else episode.step(tick.observation, chunk, now_receive_ns)
        if episode.over:
            self._finish(episode)
            command = None
        if command is not None and share < 1.0:
            command = replace(command, twist=command.twist * share)
        return ControlStep(tick, episode, acting=True, command=command, familiarity=found)

    def _judge(self, tick: Tick, now_ns: int) -> Familiarity | None:
        if self._guard is None or tick.chunk is None:
            return None
        return self._guard.judge(tick.observation, tick.chunk, now_ns)

    def _begin(self, goal: Goal, t_ns: int, now_ns: int) -> Episode:
        if goal.intent is not Intent.GRASP:
            return self._begin_motion(goal, t_ns, now_ns)
        grasp = self._begin_grasp(goal, t_ns, now_ns)
        holds = self._in_hand is not None or (self._width_m is not None and self._settings.may_hold(self._width_m))
        if grasp.over or not (holds and self._scripts.settings.put_down_first):
            return grasp
        self.pipeline.end()  # until the hand is empty
        return PutDownFirst(
            self._begin_motion(PUT_DOWN, t_ns, now_ns),
            lambda then_ns: self._begin_grasp(goal, self._t_ns, then_ns),
            goal.instruction,
            now_ns,
        )

    def _begin_grasp(self, goal: Goal, t_ns: int, now_ns: int) -> Episode:
        named = "" if self._in_hand is None else self._in_hand.named
        R_tool_sensor = self.pipeline.aligner.R_tool_sensor
        episode = GraspEpisode(goal.instruction, now_ns, self._settings, R_tool_sensor, named)
        return self._look_for(goal.instruction, t_ns, episode)

    def _begin_motion(self, goal: Goal, t_ns: int, now_ns: int) -> Episode:
        """An episode of a script; where the goal is no place, or none that is known, it is over at once."""
        place = goal.intent is Intent.PLACE
        slots = (goal.slots or place_slots(goal.instruction)) if place else goal.slots
        timeout_s = self._scripts.settings.timeout_s
        episode = MotionEpisode(
            goal.instruction or str(goal),
            now_ns,
            self._scripts.of(Goal(goal.intent, goal.instruction, slots or {})),
            timeout_s,
            self._settings.blind_s,
            ("joints", "force") if place else ("joints",),
            self.pipeline.aligner.R_tool_sensor,
        )
        if place and slots is None:
            wanted = "say 'here', 'in the tray' or 'left of the red cube'"
            episode.end(Outcome.UNKNOWN_WORDS, f"{goal.instruction!r} says no place; {wanted}.")
        elif place and slots and slots.get("relation") in BESIDE and reference_of(slots):
            return self._look_for(reference_of(slots), t_ns, episode)
        return episode

    def _look_for(self, instruction: str, t_ns: int, episode: Episode) -> Episode:
        """Have the policy look for what an instruction names."""
        try:
            self.pipeline.begin(instruction, t_ns)
        except InstructionError as error:
            episode.end(Outcome.UNKNOWN_WORDS, str(error))
        return episode

    def _finish(self, episode: Episode) -> None:
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
        with suppress(SensorError):  # moving, silent, perhaps not empty: force stays as it was, masked if never zeroed
            self.tare(t_ns, now_receive_ns)
