"""A baseline as a policy: an unchanged script whose hand is made of observations, and whose motions become chunks.

The script runs in a thread of its own, as a coroutine: it is given one observation and gives one action a tick. Its
only clock is that of the observations.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from queue import Empty, Queue
from threading import Lock, Thread
from typing import NoReturn

import numpy as np
from numpy.typing import NDArray

from autoglm_embodied.errors import InstructionError, SensorError
from autoglm_embodied.policy.grasp_episode import GraspSettings
from autoglm_embodied.types import ActionChunk, FloatArray, Frame, Observation, Phase, Referent
from autoglm_embodied_sim.policies.baselines import Baseline
from autoglm_embodied_sim.robots.arm import (
    ARRIVED_M,
    ARRIVED_RAD,
    ASIDE,
    LOST_M,
    LOST_RAD,
    REACHED_M,
    REACHED_RAD,
    SET_DOWN_POSES,
    PathLimits,
    StraightPath,
    hand_pose,
    pose_error,
    within,
)
from autoglm_embodied_sim.robots.hand_rig import MAX_WIDTH_M, REST_S, STILL_M_S, TRAVEL_M_S, HandPose
from autoglm_embodied_sim.robots.panda import TABLE_ORIGIN_M
from autoglm_embodied_sim.sensors.object_camera import NAMED_LABEL, NOTHING, View

TICK_NS = 33_333_333
LONGEST_TICK_S = 0.1  # the governor stops the arm when no command has come for so long
FASTEST_M_S = 0.27
GOVERNED = PathLimits(turn_rad_s=0.9, acceleration_m_s2=1.6, acceleration_rad_s2=6.0)
"""A little less than the governor lets pass: what it cuts would be missing from the path."""
GAIN = 5.0  # 1/s, pulls the hand onto its path; a command takes effect two ticks after what it answers to
ARRIVE_S = 1.0  # after the end of the path, at most
SETTLE_S = REST_S + 0.1  # of the wrench before it is read: the commands' delay besides
GRIP_S, STILL_TICKS = 2.0, 6
LOOK_TICKS = 2 * GraspSettings.look_ticks  # an episode begins by looking, and follows no command until then
MASK_S = 10.0  # a script that waits longer for a mask has nobody to tell it
KEPT = 8  # frames and masks
STEEP_M = 0.05  # a motion that comes down by more is a descent
NAMED = 0
STILL = np.zeros(6)
SEEN_PX = 30


@dataclass(frozen=True)
class Action:
    """What a script wants at a tick."""

    twist: FloatArray  # (6,) of the tool, base frame [m/s, rad/s]
    gripper_width_m: float
    phase: Phase
    target_m: FloatArray  # (3,) where it believes the named object to be, base frame


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


class MaskedFrames:
    """The newest frames, and masks of the objects in them, which come from elsewhere; from any thread."""

    def __init__(self) -> None:
        self._frames: dict[int, Frame] = {}
        self._masks: dict[int, NDArray[np.uint8]] = {}
        self._lock = Lock()

    def push_frame(self, frame: Frame) -> None:
        """Take a frame."""
        with self._lock:
            self._frames[frame.stamp_ns] = frame
            _forget_oldest(self._frames)

    def push_mask(self, stamp_ns: int, mask: NDArray[np.uint8]) -> None:
        """Take the mask (height, width) of the frame with this stamp, labelled as NAMED_LABEL says."""
        with self._lock:
            self._masks[stamp_ns] = mask
            _forget_oldest(self._masks)

    def since(self, t_ns: int) -> View | None:
        """The newest frame with a mask, not older than this, in the table frame; the named object is NAMED in it."""
        with self._lock:
            stamp_ns = max(self._frames.keys() & self._masks.keys(), default=t_ns - 1)
            if stamp_ns < t_ns:
                return None
            frame, mask = self._frames[stamp_ns], self._masks[stamp_ns]
        T_table_camera = frame.camera.T_base_camera.copy()
        T_table_camera[:3, 3] -= TABLE_ORIGIN_M
        owner = np.where(mask == 0, NOTHING, mask.astype(np.int16) - NAMED_LABEL + NAMED).astype(np.int16)
        return View(replace(frame, camera=replace(frame.camera, T_base_camera=T_table_camera)), owner)


class ObservedHand:
    """A HandRig that observes and acts tick by tick; after each of its motions the hand stands still."""

    grip_force_n = 20.0  # no message says it
    aside: HandPose = ASIDE
    set_down_poses: Sequence[HandPose] = SET_DOWN_POSES

    def __init__(self, thread: ScriptThread, images: MaskedFrames) -> None:
        """Wait for the first observation.

        Args:
            thread: of the script that has this hand.
            images: with masks.
        """
        self._thread, self._images = thread, images
        self._bias = np.zeros(6)
        self._phase = Phase.REACH
        self._target_m: FloatArray | None = None  # None: in the hand
        self._take(thread.receive())
        self._command_m = self.width_m

    def look(self) -> View:
        """A frame that is taken from now on; SensorError where nobody tells which objects it shows."""
        asked_ns = self.time_ns
        while (view := self._images.since(asked_ns)) is None:
            if self.time_ns - asked_ns > MASK_S * 1e9:
                raise SensorError(f"no frame with a mask of its objects for {MASK_S:.0f} s; does sim_node run?")
            self._tick(STILL)
        return view

    def move(self, pose: HandPose, speed_m_s: float = TRAVEL_M_S, guard_n: float | None = None) -> bool:
        """See HandRig; slower where the governor asks for it."""
        path = StraightPath(self.pose, pose, min(speed_m_s, FASTEST_M_S), GOVERNED)
        most_n = math.inf if guard_n is None else guard_n
        if self._phase in (Phase.REACH, Phase.DESCEND):
            self._phase = Phase.DESCEND if pose.z_m < self.pose.z_m - STEEP_M else Phase.REACH
        now_s = 0.0
        while now_s < path.seconds + ARRIVE_S:
            here, error = path.at(now_s), self._error(path.at(now_s))
            if now_s >= path.seconds and within(error, ARRIVED_M, ARRIVED_RAD):
                break
            velocity = (path.at(now_s + TICK_NS / 1e9) - here) / (TICK_NS / 1e9)
            now_s += self._tick(GAIN * error + [*velocity[:3], 0.0, 0.0, velocity[3]])
            if not within(self._error(path.at(now_s)), LOST_M, LOST_RAD) or self._felt_n() > most_n:
                self._tick(STILL)
                return False
        self._tick(STILL)
        return within(self._error(pose.values), REACHED_M, REACHED_RAD)

    def grip(self, width_m: float) -> float:
        """See HandRig."""
        self._command_m = float(np.clip(width_m, 0.0, MAX_WIDTH_M))
        self._phase = Phase.REACH if width_m > 0 else Phase.CLOSE
        began_ns, still = self.time_ns, 0
        while still < STILL_TICKS and self.time_ns - began_ns < GRIP_S * 1e9:
            self._tick(STILL)
            still = still + 1 if abs(self._arm.gripper_velocity_m_s) < STILL_M_S else 0
        self._phase = Phase.LIFT if self._phase is Phase.CLOSE else self._phase
        return self.width_m

    def tare(self) -> None:
        """See HandRig."""
        load = self.weigh()
        self._bias += 0.0 if load is None else load

    def weigh(self) -> FloatArray | None:
        """See HandRig."""
        self.wait(SETTLE_S)
        return None if self._force is None else np.asarray(self._force.raw.mean(axis=0) - self._bias)

    def wait(self, seconds: float, ticks: int = 0) -> None:
        """See HandRig; for so many ticks at least."""
        began_ns = self.time_ns
        while self.time_ns - began_ns < seconds * 1e9 or ticks > 0:
            self._tick(STILL)
            ticks -= 1

    def hold(self) -> NoReturn:
        """See where the named object is, on the table or else in the hand, and hold on."""
        view = self.look()
        named = view.points_m()[view.owner == NAMED]
        named = named[np.isfinite(named).all(axis=1)]
        self._target_m = np.median(named, axis=0) + TABLE_ORIGIN_M if len(named) > SEEN_PX else None
        self._phase = Phase.HOLD
        while True:
            self._tick(STILL)

    def _take(self, observation: Observation) -> None:
        arm = observation.joints.value
        assert arm is not None, "a policy acts where joints are present; see Pipeline.tick"
        self.time_ns, self._arm, self._force = observation.t_ns, arm, observation.force.value
        self.pose, self.width_m = hand_pose(arm.T_base_tool, arm.position_rad), arm.gripper_width_m

    def _error(self, wanted: FloatArray) -> FloatArray:
        return pose_error(self._arm.T_base_tool, wanted)

    def _felt_n(self) -> float:
        """The largest force of the newest readings; 0 where force is masked."""
        force = self._force
        return 0.0 if force is None else float(np.linalg.norm(force.raw[:, :3] - self._bias[:3], axis=1).max())

    def _tick(self, twist: FloatArray) -> float:
        """One action; returns for how long [s] the arm followed it."""
        target_m = self._arm.T_base_tool[:3, 3] if self._target_m is None else self._target_m
        before_ns = self.time_ns
        self._take(self._thread.act(Action(twist, self._command_m, self._phase, target_m)))
        return min((self.time_ns - before_ns) / 1e9, LONGEST_TICK_S)


class ScriptedPolicy:
    """A baseline as a Policy; it grasps what the masks call named, whatever the instruction says."""

    def __init__(self, baseline: Callable[[], Baseline], patience_s: float | None = None) -> None:
        """Wait for an instruction.

        Args:
            baseline: makes the script of an episode.
            patience_s: how long a tick waits for a script that thinks; None for ever.
        """
        self._baseline, self.patience_s = baseline, patience_s
        self._images = MaskedFrames()
        self._rng = np.random.default_rng(0)
        self._thread: ScriptThread | None = None
        self._action, self._late = FIRST, False

    def encode(self, frame: Frame) -> FloatArray:
        """Keep the frame; no tokens are made of it, but (1, 1) to say that the camera sees."""
        self._images.push_frame(frame)
        return np.zeros((1, 1), np.float32)

    def push_mask(self, stamp_ns: int, mask: NDArray[np.uint8]) -> None:
        """See MaskedFrames."""
        self._images.push_mask(stamp_ns, mask)

    def act(self, observation: Observation) -> ActionChunk:
        """The script's action, a chunk of one; when late the last once more, then to stand still."""
        if self._thread is None:
            raise InstructionError("a script begins with an instruction, but none was given")
        ready = self._thread.step(observation, self.patience_s)
        action = ready or (replace(self._action, twist=STILL) if self._late else self._action)
        self._action, self._late = action, ready is None
        return ActionChunk(
            t_ns=observation.t_ns,
            dt_ns=TICK_NS,
            twist=action.twist[None],
            gripper_width_m=np.array([action.gripper_width_m]),
            phase=action.phase,
            referent=Referent.ONE,
            target_m=action.target_m,
            gate=np.zeros(4),
            latent=np.zeros(1),
        )

    def reset(self, instruction: str) -> None:
        """Begin the script anew; see Policy."""
        self._abandon()
        self._thread = ScriptThread(self._run)

    def close(self) -> None:
        """End the script."""
        self._abandon()

    def _abandon(self) -> None:
        if self._thread is not None:
            self._thread.abandon()
        self._thread, self._action = None, FIRST

    def _run(self, thread: ScriptThread) -> None:
        hand = ObservedHand(thread, self._images)
        hand.wait(0.0, LOOK_TICKS)
        self._baseline().run(hand, NAMED, self._rng)
        hand.hold()


def _forget_oldest(images: dict[int, Frame] | dict[int, NDArray[np.uint8]]) -> None:
    if len(images) > KEPT:
        del images[min(images)]
