"""The scripts of the actions place, release and home, and of small spoken steps; each reads as what is done."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Collection, Generator, Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
from scipy.spatial.transform import Rotation

from autoglm_embodied.policy.goal import PACE, Goal, Outcome, reference_of
from autoglm_embodied.policy.grasp_episode import GraspSettings
from autoglm_embodied.policy.motion_episode import Ending, MotionFailed, Part, Script, Sensed, Step
from autoglm_embodied.policy.motions import DOWN, LET_GO_M, NEARER_M, ActionSettings, grip, move_to, rest
from autoglm_embodied.types import ActionChunk, FloatArray, Intent, Referent
from autoglm_embodied.vocabulary import SIDES

F = TypeVar("F", float, FloatArray)  # what is felt
BESIDE = SIDES | {"next_to": SIDES["left_of"], "on": (0.0, 0.0), "in": (0.0, 0.0)}
PLACES = ("here", "in_tray", "to_person", *BESIDE)
DIRECTIONS = {
    "left": (0.0, 1.0, 0.0),
    "right": (0.0, -1.0, 0.0),
    "forward": (1.0, 0.0, 0.0),
    "back": (-1.0, 0.0, 0.0),
    "up": (0.0, 0.0, 1.0),
    "down": (0.0, 0.0, -1.0),
}
PARTLY = {"amount", "width_m", "distance_m"}  # slots of an opening or closing that is not in full
SLOWEST_M_S, SLOWEST_RAD_S = 0.005, 0.01  # below which a motion would be taken for one that is blocked
PULL_TICKS = 12  # in a row, in which a pull is felt; a knock is shorter
SET_OUT_S = 0.2  # to full speed: on a stiff arm, what sets out at once hangs lighter, as if a support took its weight
CONFIRM_S = 0.3  # at rest, after which a support must still be felt; longer than the window of a weighing


@dataclass(frozen=True)
class Scripts:
    """Makes the script of a goal that is no grasp."""

    settings: ActionSettings
    grasp: GraspSettings
    T_base_home: FloatArray | None = None  # (4, 4) of the tool; None: not known

    def of(self, goal: Goal) -> Callable[[Sensed], Script]:
        """The script of a goal, to begin with what is sensed at the first tick."""
        scripts: Mapping[Intent, Callable[[Scripts, Sensed, Goal], Script]] = {
            Intent.PLACE: Scripts._place,
            Intent.RELEASE: Scripts._release,
            Intent.HOME: Scripts._home,
            Intent.OPEN: Scripts._open,
            Intent.CLOSE: Scripts._close,
            Intent.JOG: Scripts._jog,
            Intent.ROTATE: Scripts._rotate,
        }
        return lambda sensed: scripts[goal.intent](replace(self, settings=_paced(self.settings, goal)), sensed, goal)

    def _place(self, sensed: Sensed, goal: Goal) -> Script:
        """Feel that something is held, find where to, go over it, lower, open, back off, feel that it is gone."""
        self._check_place(goal)
        settings, relation = self.settings, goal.slots["relation"]
        sensed = yield from self._feel_held(sensed)
        weight_n = self._weight_n(sensed)
        if relation == "to_person":
            return (yield from self._hand_over(sensed, weight_n))
        if relation in BESIDE:
            target_m, sensed = yield from self._look_for_reference(sensed, goal)
            target_m[:2] += settings.beside_m * np.array(BESIDE[relation])
            sensed = yield from self._go_over(sensed, target_m, settings.above_m + float(target_m[2]))
        elif relation == "in_tray":
            sensed = yield from self._go_over(sensed, np.array(settings.tray_xy_m), 0.0)
        sensed = yield from self._lower(sensed, weight_n)
        sensed = yield from self._let_go(sensed)
        sensed = yield from self._back_off(sensed)
        self._check_gone(sensed, weight_n)
        return Ending(Outcome.PLACED, f"Put down: {weight_n:.1f} N are off the wrist.")

    def _hand_over(self, sensed: Sensed, weight_n: float) -> Script:
        """Bring it to a person, hold still, and open when it is pulled at; until then the hand stays closed."""
        there_m, weighed_n = np.array(self.settings.hand_over_m), _felt(sensed.force_n)
        sensed = yield from self._go_over(sensed, there_m, float(there_m[2]))
        hangs = self._off_n(sensed, weighed_n) < self.settings.pull_n / 2
        sensed = yield from move_to(sensed, "travel", _at(sensed.arm.T_base_tool, there_m), self.settings)
        sensed = yield from self._wait_for_pull(sensed, weighed_n, hangs)
        sensed = yield from self._let_go(sensed)
        sensed = yield from rest(sensed, "open")
        self._check_gone(sensed, weight_n)
        return Ending(Outcome.HANDED_OVER, f"Handed over: {weight_n:.1f} N are off the wrist.")

    def _wait_for_pull(self, sensed: Sensed, weighed_n: FloatArray, hangs: bool) -> Part:
        """Stand still until a force in any direction beyond what was weighed (3,) lasts.

        It must first have hung in the hand as it was weighed: one that stood on something then would pull by itself.
        """
        began_ns, pulls, waits_s = sensed.now_ns, 0, self.settings.hand_over_s
        while pulls < PULL_TICKS:  # ticks, not a time: in a gap of the sensor nothing is felt
            self._check_in_hand(sensed)
            if (sensed.now_ns - began_ns) / 1e9 > waits_s:
                raise MotionFailed(
                    Outcome.TIMEOUT,
                    f"Nobody pulled at it for {waits_s:.0f} s; it is held still: ask again, or release.",
                )
            sensed = yield Step("wait")
            off_n = self._off_n(sensed, weighed_n)
            hangs |= off_n < self.settings.pull_n / 2
            pulls = pulls + 1 if hangs and off_n > self.settings.pull_n else 0
        return sensed

    def _off_n(self, sensed: Sensed, weighed_n: FloatArray) -> float:
        return float(np.linalg.norm(_felt(sensed.force_n) - weighed_n))

    def _release(self, sensed: Sensed, _: Goal) -> Script:
        """Open, and feel that the weight is gone, where it can be felt."""
        before_n = sensed.load_n or 0.0
        sensed = yield from self._let_go(sensed)
        sensed = yield from rest(sensed, "open")
        self._check_gone(sensed, before_n)
        return Ending(Outcome.RELEASED, f"The hand is open, {sensed.arm.gripper_width_m * 1000:.0f} mm.")

    def _home(self, sensed: Sensed, _: Goal) -> Script:
        """Up, across, down."""
        if self.T_base_home is None:
            raise MotionFailed(Outcome.NOT_POSSIBLE, "No home is known; set home_rad in the robot's file.")
        home_m = self.T_base_home[:3, 3]
        high_m = max(float(home_m[2]), float(sensed.tool_m[2]))
        sensed = yield from move_to(sensed, "rise", _at(sensed.arm.T_base_tool, z_m=high_m), self.settings)
        sensed = yield from move_to(sensed, "travel", _at(self.T_base_home, z_m=high_m), self.settings)
        yield from move_to(sensed, "lower", self.T_base_home, self.settings)
        return Ending(Outcome.AT_HOME, "The tool is at home.")

    def _open(self, sensed: Sensed, goal: Goal) -> Script:
        if not goal.slots.keys() & PARTLY:
            yield from self._let_go(sensed)
            return Ending(Outcome.DONE, "The gripper is open.")
        before_m, width_m = sensed.arm.gripper_width_m, self._width_m(sensed, goal)
        sensed = yield from grip(sensed, "open", width_m)
        opened_m = sensed.arm.gripper_width_m
        if opened_m - before_m < (width_m - before_m) / 2:
            raise MotionFailed(
                Outcome.NOT_RELEASED, f"The hand did not open ({opened_m * 1000:.0f} mm); check the gripper."
            )
        return Ending(Outcome.DONE, f"The gripper is open to {opened_m * 1000:.0f} mm.")

    def _close(self, sensed: Sensed, goal: Goal) -> Script:
        width_m = self._width_m(sensed, goal) if goal.slots.keys() & PARTLY else 0.0
        sensed = yield from grip(sensed, "close", width_m)
        return Ending(Outcome.DONE, f"The gripper is closed to {sensed.arm.gripper_width_m * 1000:.0f} mm.")

    def _width_m(self, sensed: Sensed, goal: Goal) -> float:
        """How far apart the fingers are to be, where not in full; it fails where that is the other way, or too far."""
        now_m, most_m, opens = sensed.arm.gripper_width_m, self.settings.open_width_m, goal.intent is Intent.OPEN
        if said := goal.slots.keys() & {"width_m", "distance_m"}:
            value_m = _number(goal.slots[min(said)])
            wanted_m = value_m if said == {"width_m"} else now_m + (value_m if opens else -value_m)
            wanted_m = wanted_m if 0.0 <= wanted_m <= most_m and len(said) == 1 and value_m >= 0.0 else math.nan
        else:
            little_m = self.settings.little_width_m
            widths_m = {"little": max(now_m + (little_m if opens else -little_m), 0.0), "half": most_m / 2}
            wanted_m = min(widths_m.get(goal.slots["amount"], math.nan), most_m)
        if not (wanted_m > now_m if opens else wanted_m < now_m):
            raise MotionFailed(
                Outcome.NOT_POSSIBLE,
                f"A hand that is {now_m * 1000:.0f} mm open cannot {goal.intent.name.lower()} so far, and opens "
                f"to {most_m * 1000:.0f} mm at most; say open or close, a little, halfway or a width.",
            )
        return wanted_m

    def _jog(self, sensed: Sensed, goal: Goal) -> Script:
        settings = self.settings
        way_m = _amount(goal, "distance_m", settings.step_m, settings.little_m, settings.most_step_m, "m")
        goal_m = sensed.tool_m + way_m * np.array(DIRECTIONS[_direction(goal, DIRECTIONS)])
        yield from move_to(sensed, "travel", _at(sensed.arm.T_base_tool, goal_m), settings)
        return Ending(Outcome.DONE, f"Moved {goal.slots['direction']} by {way_m * 100:.1f} cm.")

    def _rotate(self, sensed: Sensed, goal: Goal) -> Script:
        settings, side = self.settings, _direction(goal, ("left", "right"), usual="left")
        turn_deg = _amount(goal, "angle_deg", settings.step_deg, settings.little_deg, settings.most_step_deg, "degrees")
        T_base_goal = sensed.arm.T_base_tool.copy()
        turn = Rotation.from_euler("z", turn_deg if side == "left" else -turn_deg, degrees=True)
        T_base_goal[:3, :3] = turn.as_matrix() @ T_base_goal[:3, :3]
        yield from move_to(sensed, "travel", T_base_goal, settings)
        return Ending(Outcome.DONE, f"Turned {side} by {turn_deg:.0f} degrees.")

    def _check_place(self, goal: Goal) -> None:
        relation = goal.slots.get("relation", "anywhere")
        if relation == "in_tray" and not any(self.settings.tray_xy_m):
            raise MotionFailed(Outcome.NOT_POSSIBLE, "No tray is known; set actions.tray_xy_m.")
        if relation == "to_person" and not any(self.settings.hand_over_m):
            raise MotionFailed(Outcome.NOT_POSSIBLE, "No place to hand over is known; set actions.hand_over_m.")
        if relation not in PLACES or (relation in BESIDE and not reference_of(goal.slots)):
            raise MotionFailed(
                Outcome.NOT_POSSIBLE,
                f"It cannot be put {relation.replace('_', ' ')} that; name an object, or say 'here'.",
            )

    def _feel_held(self, sensed: Sensed) -> Part:
        """Close the fingers on what is between them: it fails if that is nothing."""
        sensed = yield from grip(sensed, "feel", 0.0)
        if not self.grasp.may_hold(sensed.arm.gripper_width_m):
            raise MotionFailed(Outcome.HAND_EMPTY, "Nothing is in the hand; grasp something first.")
        return (yield from rest(sensed, "feel"))

    def _weight_n(self, sensed: Sensed) -> float:
        weight_n = _felt(sensed.load_n)
        if weight_n < self.grasp.least_weight_n + sensed.noise_n:
            raise MotionFailed(
                Outcome.UNCONFIRMED,
                f"What is between the fingers has no weight on the wrist ({weight_n:.1f} N): it may stand or be fixed; "
                "lift it, or release it.",
            )
        return weight_n

    def _look_for_reference(self, sensed: Sensed, goal: Goal) -> Generator[Step, Sensed, tuple[FloatArray, Sensed]]:
        """Where (3,) the policy sees the reference, whose instruction it was given, with the arm still."""
        named, began_ns = reference_of(goal.slots), sensed.now_ns
        looks: list[ActionChunk] = []
        while len(looks) < self.grasp.look_ticks:
            if (sensed.now_ns - began_ns) / 1e9 > self.settings.stall_s + len(looks):
                raise MotionFailed(Outcome.SENSOR_MISSING, "The camera does not show the reference; check its driver.")
            looks += [] if sensed.chunk is None else [sensed.chunk]
            sensed = yield Step("look")
        seen = Counter(chunk.referent for chunk in looks).most_common(1)[0][0]
        if seen is not Referent.ONE:
            outcome = Outcome.NOT_FOUND if seen is Referent.NONE else Outcome.AMBIGUOUS
            many = "Nothing here fits" if seen is Referent.NONE else "More than one object fits"
            raise MotionFailed(outcome, f"{many} {named!r}, beside which to put it; name one object that is there.")
        target_m: FloatArray = np.median([chunk.target_m for chunk in looks], axis=0)
        if np.linalg.norm(target_m - sensed.tool_m) < self.grasp.named_within_m:
            raise MotionFailed(Outcome.NOT_POSSIBLE, f"What {named!r} names is in the hand; name another object.")
        return target_m, sensed

    def _go_over(self, sensed: Sensed, over_m: FloatArray, least_m: float) -> Part:
        """Rise to a height at least, then go across to over a point (2 or 3,), the hand as it is turned."""
        high_m = max(float(sensed.tool_m[2]), least_m)
        sensed = yield from move_to(sensed, "rise", _at(sensed.arm.T_base_tool, z_m=high_m), self.settings)
        across = _at(sensed.arm.T_base_tool, np.array([over_m[0], over_m[1], high_m]))
        sensed = yield from move_to(sensed, "travel", across, self.settings)
        return (yield from rest(sensed, "travel"))

    def _check_in_hand(self, sensed: Sensed) -> None:
        if not self.grasp.may_hold(sensed.arm.gripper_width_m):
            raise MotionFailed(Outcome.LOST, "What was in the hand is gone from it; look where it fell.")

    def _lower(self, sensed: Sensed, weight_n: float) -> Part:
        """Go down until a support takes some of the weight, and still does so at rest."""
        settings, lowest_m = self.settings, float(sensed.tool_m[2])
        began_ns = lower_ns = sensed.now_ns
        while True:
            self._check_in_hand(sensed)
            if weight_n - _felt(sensed.least_load_n) > settings.contact_n:
                sensed = yield from rest(sensed, "lower", CONFIRM_S)
                began_ns = lower_ns = sensed.now_ns
                if weight_n - _felt(sensed.load_n) > settings.contact_n / 2:
                    return sensed
            if sensed.tool_m[2] < lowest_m - NEARER_M:
                lowest_m, lower_ns = float(sensed.tool_m[2]), sensed.now_ns
            elif (sensed.now_ns - lower_ns) / 1e9 > settings.stall_s:
                raise MotionFailed(
                    Outcome.NO_SUPPORT, "No support was felt as low as the arm may go; it holds on; name another place."
                )
            share = min(1.0, (sensed.now_ns - began_ns) / 1e9 / SET_OUT_S)
            sensed = yield Step("lower", share * settings.lower_m_s * DOWN)

    def _let_go(self, sensed: Sensed) -> Part:
        before_m = sensed.arm.gripper_width_m
        sensed = yield from grip(sensed, "open", self.settings.open_width_m)
        width_m = sensed.arm.gripper_width_m
        if width_m < min(before_m + LET_GO_M, self.grasp.open_width_m):
            raise MotionFailed(
                Outcome.NOT_RELEASED, f"The hand did not open ({width_m * 1000:.0f} mm); check the gripper."
            )
        return sensed

    def _back_off(self, sensed: Sensed) -> Part:
        """Leave what was put down by the way that the fingers point, and come to rest."""
        T_base_tool = sensed.arm.T_base_tool
        away_m = sensed.tool_m - self.settings.back_off_m * T_base_tool[:3, 2]
        sensed = yield from move_to(sensed, "back_off", _at(T_base_tool, away_m), self.settings)
        return (yield from rest(sensed, "back_off"))

    def _check_gone(self, sensed: Sensed, weight_n: float) -> None:
        """Fail where the wrist still carries a weight; where force is absent nothing can be said."""
        load_n = sensed.load_n
        if load_n is not None and load_n > max(weight_n / 2, self.grasp.least_weight_n + sensed.noise_n):
            raise MotionFailed(
                Outcome.NOT_RELEASED,
                f"The hand opened, but {load_n:.1f} N are still on the wrist; look what hangs there.",
            )


def _felt(felt_n: F | None) -> F:
    if felt_n is None:
        raise MotionFailed(Outcome.SENSOR_MISSING, "The wrist sensor is silent or not zeroed; nothing can be felt.")
    return felt_n


def _at(T_base_tool: FloatArray, position_m: FloatArray | None = None, z_m: float | None = None) -> FloatArray:
    """A pose (4, 4) as another one is turned, at another position (3,) or another height."""
    moved = T_base_tool.copy()
    moved[:3, 3] = moved[:3, 3] if position_m is None else position_m
    moved[2, 3] = moved[2, 3] if z_m is None else z_m
    return moved


def _direction(goal: Goal, known: Collection[str], usual: str = "") -> str:
    said = goal.slots.get("direction", usual)
    if said not in known:
        raise MotionFailed(Outcome.NOT_POSSIBLE, f"A {goal} has no way to go; say {', '.join(known)}.")
    return said


def _paced(settings: ActionSettings, goal: Goal) -> ActionSettings:
    """The settings with the speeds of a goal that was asked to go slowly; it fails where that is faster than set."""
    said = goal.slots.get(PACE, "1")
    pace = _number(said)
    if not 0.0 < pace <= 1.0:
        raise MotionFailed(Outcome.NOT_POSSIBLE, f"The pace is above 0 and at most 1 of the set speed, not {said}.")
    travel_m_s, turn_rad_s = (
        max(pace * settings.travel_m_s, SLOWEST_M_S),
        max(pace * settings.turn_rad_s, SLOWEST_RAD_S),
    )
    return replace(settings, travel_m_s=travel_m_s, turn_rad_s=turn_rad_s)


def _number(said: str) -> float:
    try:
        return float(said)
    except ValueError:
        return math.nan


def _amount(goal: Goal, slot: str, usual: float, little: float, most: float, unit: str) -> float:
    """How far a spoken step goes; it fails where that is farther than a step may go."""
    said = goal.slots.get(slot, str(little if goal.slots.get("amount") == "little" else usual))
    wanted = _number(said)
    if not 0.0 < wanted <= most:
        raise MotionFailed(Outcome.NOT_POSSIBLE, f"A step is at most {most:g} {unit}, not {said}; say less.")
    return wanted
