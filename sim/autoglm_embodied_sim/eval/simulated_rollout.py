"""A simulated arm behind the governor, whose sensors feed a controller tick by tick: for evaluation and collection.

As on a robot, the policy's command reaches the arm only through the governor, which is stepped at its own rate, takes
every wrench, and answers at once where the force limit is passed.
"""

from __future__ import annotations

from collections import deque

import numpy as np

from autoglm_embodied.align.aligner import Aligner
from autoglm_embodied.grasping.hand import MAX_WIDTH_M
from autoglm_embodied.policy.grasp_controller import ControlStep, GraspController
from autoglm_embodied.policy.pipeline import Pipeline
from autoglm_embodied.safety.governor import Governor, GovernorLoop
from autoglm_embodied.safety.limits import Limits
from autoglm_embodied.types import Command, Frame
from autoglm_embodied_sim.robots.arm_rig import ArmRig

STEPS_PER_TICK = 33
GOVERNOR_STEPS = 10  # 100 Hz, as the parameter output_hz of governor_node
JOINT_STEPS = 11  # between two readings the aligner interpolates
FRAME_DELAY_TICKS = 1  # how late the camera delivers
SETTLE_STEPS = 1100  # the gripper has travelled and the longest window of the force pyramid is full


class SimulatedRollout:
    """Steps the rig by one tick after the other."""

    def __init__(self, rig: ArmRig, sink: Aligner | Pipeline, limits: Limits = Limits()) -> None:  # noqa: B008
        """Put the arm behind a governor.

        Args:
            rig: what is stepped.
            sink: takes what wrist and joints deliver; an aligner is zeroed by `settle`, a pipeline by its controller.
            limits: of the governor; the shipped ones by default.
        """
        self.rig = rig
        self.aligner = sink.aligner if isinstance(sink, Pipeline) else sink
        self._sink = sink
        self._governor = GovernorLoop(Governor(limits), rig.robot)
        self._frames: deque[Frame] = deque(maxlen=FRAME_DELAY_TICKS + 1)
        self._steps = 0

    @property
    def delivered(self) -> Frame:
        """The newest frame that the camera has delivered."""
        return self._frames[0]

    def settle(self, gripper_width_m: float = MAX_WIDTH_M) -> None:
        """In the scene as it is, bring the gripper to a width and let the sensors fill their windows."""
        self._frames.clear()
        for _ in range(SETTLE_STEPS // STEPS_PER_TICK):
            self.advance(Command(np.zeros(6), gripper_width_m))
        if self._sink is self.aligner:
            self.aligner.tare(self.rig.time_ns)

    def sense(self, controller: GraspController, begin: str | None) -> ControlStep:
        """A tick of the controller, with the frame that the camera has delivered by now.

        Args:
            controller: of the pipeline that this rig's sensors feed.
            begin: an instruction to begin with, if one came.
        """
        now_ns = self.rig.time_ns
        self._frames.append(self.rig.frame())
        controller.pipeline.push_frame(self._frames[0], now_ns)
        return controller.step(now_ns, now_ns, begin, None)

    def advance(self, command: Command | None) -> None:
        """One tick of physics; None holds still with the gripper as it is."""
        self._governor.push_command(self.rig.time_ns, command)
        for _ in range(STEPS_PER_TICK):
            force_limit_passed = self._step()
            if force_limit_passed or self._steps % GOVERNOR_STEPS == 0:
                self._govern()

    def _step(self) -> bool:
        """One millisecond; returns whether the governor must act at once."""
        rig = self.rig
        rig.step(1)
        self._steps += 1
        force_limit_passed = False
        wrench, joints = rig.wrench_samples(), rig.joint_samples()
        for row, stamp_ns in enumerate(wrench.stamp_ns.tolist()):
            receive_ns = int(wrench.receive_ns[row])
            force_limit_passed |= self._governor.push_wrench(receive_ns, wrench.value[row])
            self._sink.push_wrench(stamp_ns, receive_ns, wrench.value[row])
        if len(joints) and self._steps % JOINT_STEPS == 0:
            stamp_ns, receive_ns = int(joints.stamp_ns[-1]), int(joints.receive_ns[-1])
            position, velocity = rig.joints()
            self._governor.push_joints(receive_ns, position)
            self._sink.push_joints(stamp_ns, receive_ns, position, velocity)
        return force_limit_passed

    def _govern(self) -> None:
        verdict = self._governor.step(self.rig.time_ns)
        width_m = self.rig.gripper_command_m if verdict.gripper_width_m is None else verdict.gripper_width_m
        self.rig.command(verdict.twist, width_m)
