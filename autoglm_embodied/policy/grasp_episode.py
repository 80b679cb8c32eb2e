"""One grasp from instruction to outcome: when it may begin to move, when it is over, and whether the object is held."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from autoglm_embodied.errors import ConfigError
from autoglm_embodied.policy.episode import Episode
from autoglm_embodied.policy.goal import Outcome
from autoglm_embodied.setting import check_ranges, setting
from autoglm_embodied.types import ActionChunk, ArmState, Command, FloatArray, Observation, Phase, Referent

STILL_M_S, STILL_TICKS = 0.004, 9  # of the gripper: it may take a moment to follow a command


@dataclass(frozen=True)
class GraspSettings:
    """When a grasp begins, gives up and is done, and what counts as holding the object."""

    look_ticks: int = setting(12, "ticks of looking, arm still, before the policy may move", least=1, most=1_000_000)
    hold_ticks: int = setting(12, "ticks of holding in a row that make the outcome", least=1, most=1_000_000)
    settle_ticks: int = setting(3, "ticks in a row that make a phase", least=1, most=1_000_000)
    max_tries: int = setting(3, "how often the fingers may close", least=1, most=100)
    timeout_s: float = setting(30.0, "longest time of a grasp", least=0.1, most=3600.0)
    blind_s: float = setting(
        2.0, "the arm stands still without camera or joints; for so long, and the grasp ends", least=0.1, most=3600.0
    )
    vanished_s: float = setting(
        1.0, "the policy may see the named object no more; for so long, and the grasp ends", least=0.1, most=60.0
    )
    close_s: float = setting(
        6.0, "the fingers may stay closed and the arm low; for so long, and the grasp ends", least=0.1, most=60.0
    )
    least_width_m: float = setting(0.006, "fingers closer than this hold nothing", least=1e-4, most=0.5)
    open_width_m: float = setting(0.074, "fingers farther apart than this hold nothing", least=1e-3, most=0.5)
    least_lift_m: float = setting(0.05, "rise of the tool since the fingers closed", least=0.005, most=0.5)
    least_weight_n: float = setting(0.3, "weight beyond the noise of the wrench", least=0.01, most=100.0)
    named_within_m: float = setting(
        0.12, "distance to the tool at which the camera must see the named object at the end", least=0.01, most=1.0
    )

    def __post_init__(self) -> None:
        check_ranges(self, "grasp")
        if self.least_width_m >= self.open_width_m:
            raise ConfigError(f"grasp.least_width_m must be below open_width_m, got {self.least_width_m}")

    def may_hold(self, width_m: float) -> bool:
        """Whether something may be between fingers that are `width_m` apart."""
        return self.least_width_m < width_m < self.open_width_m


class GraspEpisode(Episode):
    """Reads each tick's chunk, gives the command, and decides the outcome from what is sensed alone.

    Held means that the object was lifted by this grasp, that the wrist carries weight beyond its noise, that the
    fingers are apart, and that the camera sees the named object in the hand.
    """

    def __init__(
        self,
        instruction: str,
        started_ns: int,
        settings: GraspSettings,
        R_tool_sensor: FloatArray | None = None,
        in_hand: str = "",
    ) -> None:
        """Begin.

        Args:
            instruction: names the object.
            started_ns: on the monotonic clock.
            settings: of grasps.
            R_tool_sensor: (3, 3) orientation of the wrist sensor's frame in the tool frame; None where they agree.
            in_hand: what an earlier grasp left in the hand, as it was named then; empty where nothing is known.
        """
        super().__init__(instruction, started_ns, settings.timeout_s, settings.blind_s, R_tool_sensor)
        self.phase = Phase.IDLE
        self._settings = settings
        self._in_hand = in_hand
        self._seen_ns = self._phase_ns = started_ns  # the object; begin of the phase that the policy is in
        self._looking = True
        self._looks: Counter[Referent] = Counter()
        self._empty_hand_n: list[float] = []  # vertical load while looking
        self._still_ticks = 0  # of the gripper, while it closes to feel what is between the fingers
        self._probes_hand: bool | None = None  # whether the fingers close while looking, to feel what is between them
        self._candidate = Phase.IDLE
        self._ticks_in_candidate = 0
        self._closed_at_m: FloatArray | None = None  # (3,) the tool when the fingers closed last
        self._target_off_m: list[float] = []  # of the tool, in HOLD

    @property
    def phase_name(self) -> str:
        """See Episode."""
        return self.phase.name.lower()

    def step(self, observation: Observation, chunk: ActionChunk | None, now_ns: int) -> Command | None:
        """See Episode."""
        arm = observation.joints.value
        if not self.can_go_on(observation, now_ns) or chunk is None or arm is None:
            return None
        if self._looking:
            self._seen_ns = now_ns
            return self._look(observation, chunk, arm)
        self._follow(observation, chunk, arm, now_ns)
        self._give_up(chunk, now_ns)
        return None if self.over else Command(chunk.twist[0], float(chunk.gripper_width_m[0]))

    def _give_up(self, chunk: ActionChunk, now_ns: int) -> None:
        """End where nothing more can come of it: the object is gone, or the policy does not lift what it closed on."""
        if chunk.referent is not Referent.NONE:
            self._seen_ns = now_ns
        elif (now_ns - self._seen_ns) / 1e9 > self._settings.vanished_s:
            self.end(Outcome.VANISHED, f"What {self.instruction!r} names is no longer seen; look where it went.")
        if chunk.phase is Phase.CLOSE and (now_ns - self._phase_ns) / 1e9 > self._settings.close_s:
            self.end(
                Outcome.NOT_HELD, f"The fingers closed, but nothing was lifted for {self._settings.close_s:.0f} s."
            )

    def _look(self, observation: Observation, chunk: ActionChunk, arm: ArmState) -> Command | None:
        """Look with the arm still; fingers that are neither open nor shut close, to feel whether the hand is empty."""
        if self._probes_hand is None:
            self._probes_hand = bool(self._in_hand) or self._settings.may_hold(arm.gripper_width_m)
        felt = self.load_and_noise_n(observation, arm)
        if felt is not None:
            self._empty_hand_n.append(felt[0])
        self._looks[chunk.referent] += 1
        self._still_ticks = self._still_ticks + 1 if abs(arm.gripper_velocity_m_s) < STILL_M_S else 0
        closing = self._probes_hand and self._still_ticks < STILL_TICKS
        if self._looks.total() >= self._settings.look_ticks and not closing:
            self._looking = False
            self._conclude_look(arm)
        return Command(np.zeros(6), 0.0) if self._probes_hand and not self.over else None

    def _conclude_look(self, arm: ArmState) -> None:
        seen = self._looks.most_common(1)[0][0]
        if self._probes_hand and arm.gripper_width_m > self._settings.least_width_m:
            what = f"what {self._in_hand!r} named" if self._in_hand else "something"
            self.end(
                Outcome.HAND_NOT_EMPTY,
                f"The hand already holds {what}, {arm.gripper_width_m * 1000:.0f} mm wide; have it put down first.",
            )
        elif seen is Referent.NONE:
            self.end(Outcome.NOT_FOUND, f"Nothing here fits {self.instruction!r}; name an object that is there.")
        elif seen is Referent.MANY:
            self.end(Outcome.AMBIGUOUS, f"More than one object fits {self.instruction!r}; say its colour and shape.")

    def _follow(self, observation: Observation, chunk: ActionChunk, arm: ArmState, now_ns: int) -> None:
        if chunk.phase is not self._candidate:
            self._candidate, self._ticks_in_candidate, self._phase_ns = chunk.phase, 0, now_ns
            self._target_off_m.clear()
        self._ticks_in_candidate += 1
        if self._ticks_in_candidate == self._settings.settle_ticks and self.phase is not chunk.phase:
            self.phase = chunk.phase
            self.tries += self.phase is Phase.CLOSE
        if self.phase is Phase.CLOSE and chunk.phase is Phase.CLOSE:
            self._closed_at_m = arm.T_base_tool[:3, 3].copy()
        if self.tries > self._settings.max_tries:
            self.tries = self._settings.max_tries
            self.end(Outcome.NOT_HELD, f"Not held after {self._settings.max_tries} tries.")
        if chunk.phase is Phase.HOLD:
            self._target_off_m.append(float(np.linalg.norm(chunk.target_m - arm.T_base_tool[:3, 3])))
            if self._ticks_in_candidate >= self._settings.hold_ticks:
                self._decide(observation, arm)

    def _decide(self, observation: Observation, arm: ArmState) -> None:
        """Whether the named object is held: every condition must be shown."""
        settings, felt = self._settings, self.load_and_noise_n(observation, arm)
        risen_m = 0.0 if self._closed_at_m is None else float(arm.T_base_tool[2, 3] - self._closed_at_m[2])
        off_m = float(np.median(self._target_off_m))
        if arm.gripper_width_m <= settings.least_width_m:
            self.end(Outcome.NOT_HELD, "The gripper closed on nothing.")
        elif risen_m < settings.least_lift_m:
            self.end(Outcome.NOT_HELD, f"Nothing was lifted: the hand rose {risen_m * 1000:.0f} mm since it closed.")
        elif felt is None or not self._empty_hand_n:
            self.end(
                Outcome.UNCONFIRMED, "Whether it is held cannot be felt: the wrist sensor is silent or not zeroed."
            )
        else:
            self.held_force_n = felt[0] - float(np.mean(self._empty_hand_n))
            if self.held_force_n < settings.least_weight_n + felt[1]:
                self.end(Outcome.NOT_HELD, f"The wrist carries no weight ({self.held_force_n:.1f} N).")
            elif off_m > settings.named_within_m:
                self.end(
                    Outcome.WRONG_OBJECT,
                    f"Something is held, but {self.instruction!r} is seen {off_m * 100:.0f} cm from the hand.",
                )
            else:
                self.end(Outcome.HELD, f"Held with {self.held_force_n:.1f} N on the wrist.")


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
