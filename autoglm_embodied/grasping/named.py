"""The policy `named`: it finds unknown objects by words alone, and grasps as `scored` does."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from autoglm_embodied.errors import ConfigError, InstructionError
from autoglm_embodied.grasping.force_feedback import PolicyReport
from autoglm_embodied.grasping.hand import MAX_WIDTH_M, HandRig, View
from autoglm_embodied.grasping.scored import Scored
from autoglm_embodied.grasping.scripted_policy import PATIENCE_S, ScriptedPolicy
from autoglm_embodied.grasping.work_area import WorkArea
from autoglm_embodied.kinematics import Robot
from autoglm_embodied.types import Camera, FloatArray, Frame, Referent

if TYPE_CHECKING:
    from autoglm_embodied.grasping.seeing_rig import SeeingRig
    from autoglm_embodied.model.zero_shot import ZeroShotDetector

IMAGE_PX = (480, 640)


class Named(Scored):
    """The same, told nothing but words: it finds what they name in its camera images, and follows it."""

    _eyes: SeeingRig | None = None

    def __init__(self, detector: ZeroShotDetector | None = None) -> None:
        super().__init__()
        self._detector = detector

    def find(self, rig: HandRig, words: str, rng: np.random.Generator) -> Referent:
        """See ReadsWords; what asks for no object means none."""
        from autoglm_embodied.grasping.seeing_rig import seeing  # torch: no other policy needs it

        try:
            self._eyes = seeing(rig, words, rng, self._detector)
        except InstructionError:
            return Referent.NONE
        return self._eyes.find()

    def see(self) -> View:
        """See ReadsWords."""
        assert self._eyes is not None, "see after find"
        return self._eyes.look()

    def run(self, rig: HandRig, target: int | None, rng: np.random.Generator) -> PolicyReport:
        """See GraspScript; of `target` nothing is used but whether there is one."""
        from autoglm_embodied.grasping.seeing_rig import NAMED, SeeingRig

        if self._eyes is None:
            return super().run(SeeingRig(rig, None), None, rng)
        self._eyes = self._eyes.of(rig)  # which feels whether something is in the hand, also for `see` at the end
        return super().run(self._eyes, NAMED, rng)


def named_policy(
    robot: Robot,
    area: WorkArea,
    R_tool_sensor: FloatArray | None = None,
    grounding: Path | None = None,
    device: str = "auto",
) -> ScriptedPolicy:
    """The policy for a robot.

    Args:
        robot: whose tool points along its z axis, with fingers that close along its y axis.
        area: where it stands.
        R_tool_sensor: (3, 3) orientation of the wrist sensor's frame in the tool frame; None where they agree.
        grounding: folder of a ZeroShotDetector.
        device: that it runs on.

    Raises:
        ConfigError: the fingers open less than those that the scorer was trained with, or there is no such detector.
    """
    if robot.gripper_max_width_m < MAX_WIDTH_M:
        raise ConfigError(
            f"policy named grasps with fingers that open {MAX_WIDTH_M} m, but gripper_max_width_m of {robot.name} is "
            f"{robot.gripper_max_width_m}; choose another policy"
        )
    warm_up()
    detector = None
    if grounding is not None:
        from autoglm_embodied.model.checkpoint import torch_device
        from autoglm_embodied.model.zero_shot import ZeroShotDetector

        detector = ZeroShotDetector(grounding, str(torch_device(device)))
    return ScriptedPolicy(partial(Named, detector), area.workplace(robot, R_tool_sensor), PATIENCE_S)


def warm_up() -> None:
    """Load the networks and look at an empty image: that takes seconds, which no hand at work should wait."""
    from autoglm_embodied.grasping.grasp_choice import scorer_of
    from autoglm_embodied.grasping.seeing_rig import segmenter_of
    from autoglm_embodied.model.instances import segment

    scorer_of()
    height, width = IMAGE_PX
    camera = Camera(width, height, np.array([[width, 0, width / 2], [0, width, height / 2], [0, 0, 1.0]]), np.eye(4))
    segment(segmenter_of(), Frame(0, np.zeros((height, width, 3), np.uint8), np.zeros((height, width)), camera))
