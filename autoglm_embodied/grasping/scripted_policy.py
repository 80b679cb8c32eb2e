"""A grasp script as a policy: an unchanged script whose hand is made of observations, and whose motions become chunks.

The script runs in a thread of its own, as a coroutine: it is given one observation and gives one action a tick. Its
only clock is that of the observations.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from threading import Lock
from typing import NoReturn

import numpy as np
from numpy.typing import NDArray

from autoglm_embodied.errors import InstructionError, SensorError
from autoglm_embodied.grasping.force_feedback import GraspScript, ReadsWords
from autoglm_embodied.grasping.hand import (
    MAX_WIDTH_M,
    NAMED_LABEL,
    NOTHING,
    REST_S,
    STILL_M_S,
    TRAVEL_M_S,
    HandPose,
    View,
)
from autoglm_embodied.grasping.hand_path import ARRIVED, LOST, REACHED, PathLimits, StraightPath, Tolerance, within
from autoglm_embodied.grasping.script_thread import FIRST, STILL, Action, ScriptThread
from autoglm_embodied.grasping.work_area import Workplace
from autoglm_embodied.policy.grasp_episode import GraspSettings
from autoglm_embodied.types import ActionChunk, FloatArray, Frame, Observation, Phase, Referent

TICK_NS = 33_333_333
PATIENCE_S = 0.025  # of a tick: less than its period, so that orders and stops are heard while a script thinks
LONGEST_TICK_S = 0.1  # the governor stops the arm when no command has come for so long
FASTEST_M_S = 0.27
GOVERNED = PathLimits(turn_rad_s=0.9, acceleration_m_s2=1.6, acceleration_rad_s2=6.0)
"""A little less than the governor lets pass: what it cuts would be missing from the path."""
GAIN = 5.0  # 1/s, pulls the hand onto its path; a command takes effect two ticks after what it answers to
ARRIVE_S = 1.0  # after the end of the path, at most
SLOWS, WAITS = Tolerance(0.01, 0.1), Tolerance(0.02, 0.2)  # of the path, for a hand that is so far behind: the governor
# may allow a small part of the speed that is asked for
STALL_S, STALL_M_S = 1.0, 0.0005  # slower than this for so long, the hand is blocked
SETTLE_S = REST_S + 0.1  # of the wrench before it is read: the commands' delay besides
GRIP_S, STILL_TICKS = 2.0, 6
LOOK_TICKS = 2 * GraspSettings.look_ticks  # an episode begins by looking, and follows no command until then
MASK_S = 10.0  # a script that waits longer for a mask has nobody to tell it
KEPT = 8  # frames and masks
STEEP_M = 0.05  # a motion that comes down by more is a descent
NAMED = 0
SEEN_PX = 30


class MaskedFrames:
    """The newest frames, and masks of the objects in them, which come from elsewhere; from any thread.

    Args:
        origin_m: (3,) of the table frame, base frame.
    """

    def __init__(self, origin_m: FloatArray) -> None:
        self._origin_m = origin_m
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

    def since(self, t_ns: int, masked: bool = True) -> View | None:
        """The newest frame, not older than this, in the table frame.

        Args:
            t_ns: of the oldest that will do.
            masked: one with a mask, in which the named object is NAMED; else all of it is NOTHING.
        """
        with self._lock:
            there = self._frames.keys() & self._masks.keys() if masked else self._frames.keys()
            stamp_ns = max(there, default=t_ns - 1)
            if stamp_ns < t_ns:
                return None
            frame = self._frames[stamp_ns]
            mask = self._masks[stamp_ns] if masked else np.zeros(frame.depth_m.shape, np.uint8)
        T_table_camera = frame.camera.T_base_camera.copy()
        T_table_camera[:3, 3] -= self._origin_m
        owner = np.where(mask == 0, NOTHING, mask.astype(np.int16) - NAMED_LABEL + NAMED).astype(np.int16)
        return View(replace(frame, camera=replace(frame.camera, T_base_camera=T_table_camera)), owner)


class ObservedHand:
    """A HandRig that observes and acts tick by tick; after each of its motions the hand stands still."""

    def __init__(self, thread: ScriptThread, images: MaskedFrames, workplace: Workplace, masked: bool) -> None:
        """Wait for the first observation.

        Args:
            thread: of the script that has this hand.
            images: of the camera.
            workplace: of the arm.
            masked: whether their masks are waited for; a script that reads words has to do without.
        """
        self._thread, self._images, self._masked = thread, images, masked
        self._frame, self.aside, self._R_tool_sensor = workplace.frame, workplace.aside, workplace.R_tool_sensor
        self.set_down_poses: Sequence[HandPose] = workplace.set_down_poses
        self.half_size_m, self.grip_force_n = workplace.half_size_m, workplace.grip_force_n
        self.referent: Referent | None = Referent.ONE if masked else None
        self._bias = np.zeros(6)
        self._phase = Phase.REACH
        self._target_m: FloatArray | None = None  # None: in the hand
        self._take(thread.receive())
        self._command_m = self.width_m

    def look(self) -> View:
        """A frame that is taken from now on; SensorError where nobody tells which objects it shows."""
        asked_ns = self.time_ns
        while (view := self._images.since(asked_ns, self._masked)) is None:
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
        now_s, moved_ns = 0.0, self.time_ns
        while now_s < path.seconds + ARRIVE_S:
            here, error = path.at(now_s), self._error(path.at(now_s))
            if now_s >= path.seconds and within(error, ARRIVED):
                break
            pace = _pace(error)
            velocity = pace * (path.at(now_s + TICK_NS / 1e9) - here) / (TICK_NS / 1e9)
            before = self.pose.values
            elapsed_s = self._tick(GAIN * error + [*velocity[:3], 0.0, 0.0, velocity[3]])
            now_s += pace * elapsed_s
            if pace == 1 or np.abs(self.pose.values - before).max() > STALL_M_S * elapsed_s:
                moved_ns = self.time_ns
            lost = not within(self._error(path.at(now_s)), LOST)
            if lost or self.time_ns - moved_ns > STALL_S * 1e9 or self._felt_n() > most_n:
                self._tick(STILL)
                return False
        self._tick(STILL)
        return within(self._error(pose.values), REACHED)

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
        loads = self._loads()
        return None if loads is None else np.asarray(loads.mean(axis=0))

    def wait(self, seconds: float, ticks: int = 0) -> None:
        """See HandRig; for so many ticks at least."""
        began_ns = self.time_ns
        while self.time_ns - began_ns < seconds * 1e9 or ticks > 0:
            self._tick(STILL)
            ticks -= 1

    def hold(self, view: View) -> NoReturn:
        """Hold on, and tell where the named object is: see `show_target`."""
        self.show_target(view)
        self._phase = Phase.HOLD
        self.stand()

    def show_target(self, view: View) -> None:
        """From now on tell that the named object is where a view shows it, or else in the hand."""
        named = view.points_m()[view.owner == NAMED]
        named = named[np.isfinite(named).all(axis=1)]
        self._target_m = np.median(named, axis=0) + self._frame.origin_m if len(named) > SEEN_PX else None

    def stand(self) -> NoReturn:
        """Stand still."""
        while True:
            self._tick(STILL)

    def _take(self, observation: Observation) -> None:
        arm = observation.joints.value
        assert arm is not None, "a policy acts where joints are present; see Pipeline.tick"
        self.time_ns, self._arm, self._force = observation.t_ns, arm, observation.force.value
        self.pose, self.width_m = self._frame.hand_pose(arm.T_base_tool), arm.gripper_width_m

    def _error(self, wanted: FloatArray) -> FloatArray:
        return self._frame.pose_error(self._arm.T_base_tool, wanted)

    def _loads(self) -> FloatArray | None:
        """(n, 6) the newest readings of the wrist in the tool frame [N, N·m], zeroed; None where force is masked."""
        if self._force is None:
            return None
        turned: FloatArray = self._force.raw.reshape(-1, 2, 3) @ self._R_tool_sensor.T
        return turned.reshape(-1, 6) - self._bias

    def _felt_n(self) -> float:
        """The largest force of the newest readings; 0 where force is masked."""
        loads = self._loads()
        return 0.0 if loads is None else float(np.linalg.norm(loads[:, :3], axis=1).max())

    def _tick(self, twist: FloatArray) -> float:
        """One action; returns for how long [s] the arm followed it."""
        target_m = self._arm.T_base_tool[:3, 3] if self._target_m is None else self._target_m
        before_ns = self.time_ns
        self._take(self._thread.act(Action(twist, self._command_m, self._phase, target_m, self.referent)))
        return min((self.time_ns - before_ns) / 1e9, LONGEST_TICK_S)


class ScriptedPolicy:
    """A grasp script as a Policy; unless it reads words, it grasps what the masks call named, whatever is said."""

    def __init__(
        self, script: Callable[[], GraspScript], workplace: Workplace, patience_s: float | None = None
    ) -> None:
        """Wait for an instruction.

        Args:
            script: makes that of an episode.
            workplace: of the arm.
            patience_s: how long a tick waits for a script that thinks; None for ever.
        """
        self._script, self._workplace, self.patience_s = script, workplace, patience_s
        self._images = MaskedFrames(workplace.frame.origin_m)
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

    def act(self, observation: Observation) -> ActionChunk | None:
        """The script's action, a chunk of one; when late the last once more, then to stand still.

        None while a script that reads words does not know what they mean.
        """
        if self._thread is None:
            raise InstructionError("a script begins with an instruction, but none was given")
        ready = self._thread.step(observation, self.patience_s)
        action = ready or (replace(self._action, twist=STILL) if self._late else self._action)
        self._action, self._late = action, ready is None
        if action.referent is None:
            return None
        return ActionChunk(
            t_ns=observation.t_ns,
            dt_ns=TICK_NS,
            twist=action.twist[None],
            gripper_width_m=np.array([action.gripper_width_m]),
            phase=action.phase,
            referent=action.referent,
            target_m=action.target_m,
            gate=np.zeros(4),
            latent=np.zeros(1),
        )

    def reset(self, instruction: str) -> None:
        """Begin the script anew; see Policy."""
        self._abandon()
        script = self._script()
        self._action = replace(FIRST, referent=None) if isinstance(script, ReadsWords) else FIRST
        self._thread = ScriptThread(partial(self._run, script, instruction))

    def close(self) -> None:
        """End the script."""
        self._abandon()

    def _abandon(self) -> None:
        if self._thread is not None:
            self._thread.abandon()
        self._thread = None

    def _run(self, script: GraspScript, instruction: str, thread: ScriptThread) -> None:
        reads = isinstance(script, ReadsWords)
        hand = ObservedHand(thread, self._images, self._workplace, masked=not reads)
        if isinstance(script, ReadsWords):
            hand.referent = script.find(hand, instruction, self._rng)
            if hand.referent is not Referent.ONE:
                hand.stand()
            hand.show_target(script.see())  # a place beside it asks for no more
        hand.wait(0.0, LOOK_TICKS)
        script.run(hand, NAMED, self._rng)
        hand.hold(script.see() if isinstance(script, ReadsWords) else hand.look())


def _pace(error: FloatArray) -> float:
    """How fast the path may go on, from 1 down to 0, for a hand that is so far off it (6,)."""
    off = np.abs(error).reshape(2, 3).max(axis=1)
    return float(((WAITS - off) / np.subtract(WAITS, SLOWS)).clip(0, 1).min())


def _forget_oldest(images: dict[int, Frame] | dict[int, NDArray[np.uint8]]) -> None:
    if len(images) > KEPT:
        del images[min(images)]
