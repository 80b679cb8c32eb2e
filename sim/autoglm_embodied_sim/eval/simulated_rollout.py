"""A simulated arm whose sensors feed a pipeline, tick by tick: what collection and evaluation stand on."""

from __future__ import annotations

from collections import deque

import numpy as np

from autoglm_embodied.align.aligner import Aligner
from autoglm_embodied.types import Command, Frame
from autoglm_embodied_sim.robots.panda import MAX_WIDTH_M, ArmRig
from autoglm_embodied_sim.scenes.primitive_scene import Scene

JOINTS_EVERY = 11  # steps; between two readings the aligner interpolates
STEPS_PER_TICK = 3 * JOINTS_EVERY
SETTLE_STEPS = 100 * JOINTS_EVERY  # the gripper has travelled and the longest window of the force pyramid is full


class SimulatedRollout:
    """Runs the rig in steps of one tick and pushes what its 1 kHz sensors say into an aligner.

    Args:
        rig: what is run.
        aligner: what is fed.
        frame_delay_ticks: how late the camera delivers.
        feels: False where the wrist sensor is missing: not a sample of it arrives.
    """

    def __init__(self, rig: ArmRig, aligner: Aligner, frame_delay_ticks: int = 1, feels: bool = True) -> None:
        self.rig = rig
        self.aligner = aligner
        self._feels = feels
        self._frames: deque[Frame] = deque(maxlen=frame_delay_ticks + 1)

    def begin(self, scene: Scene, gripper_width_m: float = MAX_WIDTH_M) -> None:
        """Dress the scene, then settle."""
        self.rig.reset(scene)
        self.settle(gripper_width_m)

    def settle(self, gripper_width_m: float = MAX_WIDTH_M) -> None:
        """In the scene as it is, bring the gripper to a width, let the sensors fill their windows, and tare."""
        self.rig.command(np.zeros(6), gripper_width_m)
        self._frames.clear()
        self._run(SETTLE_STEPS)
        if self._feels:
            self.aligner.tare(self.rig.time_ns)

    def advance(self, command: Command | None) -> None:
        """One tick of physics under `command`; None holds still."""
        if command is not None:
            self.rig.command(command.twist, command.gripper_width_m)
        self._run(STEPS_PER_TICK)

    def late_frame(self) -> Frame:
        """The frame that a camera with its usual delay has delivered by now."""
        self._frames.append(self.rig.frame())
        return self._frames[0]

    def _run(self, steps: int) -> None:
        for _ in range(steps // JOINTS_EVERY):
            self.rig.step(JOINTS_EVERY)
            wrench, joints = self.rig.wrench_samples(), self.rig.joint_samples()
            for row, stamp_ns in enumerate(wrench.stamp_ns.tolist() if self._feels else ()):
                self.aligner.push_wrench(stamp_ns, int(wrench.receive_ns[row]), wrench.value[row])
            if len(joints):
                newest = int(joints.stamp_ns[-1]), int(joints.receive_ns[-1])
                self.aligner.push_joints(*newest, *self.rig.joints())
