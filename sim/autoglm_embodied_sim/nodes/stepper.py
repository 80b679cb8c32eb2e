"""Runs the rig in real time in a thread of its own, and does what others ask of it between two steps."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator

from autoglm_embodied.types import FloatArray
from autoglm_embodied_sim.robots.arm_rig import STEP_NS, ArmRig

Job = Iterator[FloatArray]
"""Yields the twists (6,) of a motion, one each JOB_PERIOD_STEPS; while it runs, commands from outside are ignored."""
JOB_PERIOD_STEPS = 10
WAKE_STEPS = 2  # done at one waking, when the last of them is due: half the wakings save a quarter of the work
TOO_LATE_NS = 400_000_000  # stamps that are later would be taken for another clock's: time jumps instead


class Stepper:
    """Keeps an absolute schedule on the monotonic clock: late steps are caught up, none is left out.

    A machine that is too busy lets the schedule, and with it the stamps, jump by `jumped_ns` in all.

    Args:
        rig: used by no other thread from `start` on.
        after_step: called after each step with its stamp [ns], in this thread.
        fail: called with the error if the thread cannot go on.
    """

    def __init__(self, rig: ArmRig, after_step: Callable[[int], None], fail: Callable[[Exception], None]) -> None:
        self._rig, self._after_step, self._fail = rig, after_step, fail
        self._twist: FloatArray | None = None  # the newest from outside
        self._width_m: float | None = None
        self._jobs: queue.Queue[Job] = queue.Queue()
        self._job: Job | None = None
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="stepper")
        self.steps = 0
        self.jumped_ns = 0
        self._worst_lag_ns = 0

    def start(self) -> None:
        """Start stepping now, which is also the first stamp."""
        self._begin_ns = time.time_ns()
        self._thread.start()

    def close(self) -> None:
        """End the thread after the step it is in."""
        self._ending.set()
        self._thread.join()

    def command_twist(self, twist: FloatArray) -> None:
        """Hand over a twist (6,) for the next step."""
        self._twist = twist

    def command_width(self, width_m: float) -> None:
        """Hand over a gripper opening for the next step."""
        self._width_m = width_m

    def do(self, job: Job) -> None:
        """Have the stepping thread run `job`, after those given before it."""
        self._jobs.put(job)

    def exchange(self, rig: ArmRig) -> None:
        """Go on with another rig; for a job."""
        self._rig = rig

    def take_worst_lag_ns(self) -> int:
        """How late the latest step was since this was last asked."""
        lag_ns, self._worst_lag_ns = self._worst_lag_ns, 0
        return lag_ns

    def _run(self) -> None:
        try:
            self._keep_schedule()
        except Exception as error:
            self._fail(error)

    def _keep_schedule(self) -> None:
        due_ns = time.monotonic_ns()
        while not self._ending.is_set():
            due_ns += WAKE_STEPS * STEP_NS
            ahead_ns = due_ns - time.monotonic_ns()
            if ahead_ns > 0:
                time.sleep(ahead_ns * 1e-9)
            elif -ahead_ns > TOO_LATE_NS:
                missed_ns = -ahead_ns // STEP_NS * STEP_NS  # whole steps: what was never sent can be counted
                due_ns += missed_ns
                self.jumped_ns += missed_ns
            self._worst_lag_ns = max(self._worst_lag_ns, -ahead_ns)
            for _ in range(WAKE_STEPS):
                self._step()

    def _step(self) -> None:
        if self.steps % JOB_PERIOD_STEPS == 0:
            self._work()
        self._obey()
        self._rig.step(1)
        self.steps += 1
        self._after_step(self._begin_ns + self.jumped_ns + self.steps * STEP_NS)

    def _work(self) -> None:
        if self._job is None and not self._jobs.empty():
            self._job = self._jobs.get()
        if self._job is not None:
            twist = next(self._job, None)
            if twist is None:
                self._job = None
            else:
                self._rig.command(twist, self._rig.gripper_command_m)

    def _obey(self) -> None:
        twist, self._twist = self._twist, None
        width_m, self._width_m = self._width_m, None
        if self._job is not None:
            return
        if width_m is not None:
            self._rig.grip(width_m)
        if twist is not None:
            self._rig.command(twist, self._rig.gripper_command_m)
