"""The objects of a suite on the simulated table, scene by scene."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from functools import partial
from typing import Any

from autoglm_embodied.errors import ConfigError
from autoglm_embodied.kinematics import Robot
from autoglm_embodied.types import FloatArray
from autoglm_embodied_sim.judge import lift_and_shake
from autoglm_embodied_sim.language.grammar import Grammar
from autoglm_embodied_sim.objects.shape import Shape
from autoglm_embodied_sim.robots.arm import Arm
from autoglm_embodied_sim.robots.arm_rig import ArmRig
from autoglm_embodied_sim.robots.layout import GraspTask, lay_out_task
from autoglm_embodied_sim.scenes.scene import sample_grasp_scene
from autoglm_embodied_sim.scenes.scene_object import SceneObject
from autoglm_embodied_sim.scenes.suite import Suite
from autoglm_embodied_sim.sensors.camera import CameraSettings
from autoglm_embodied_sim.sensors.sensor_specs import Sensors


class Table:
    """Scenes one after the other, each with an arm of its own, since each has other objects.

    Any thread may prepare the next scene; all else is for the stepping thread.

    Args:
        suite: says which suite the next scene is of.
        shapes: what its objects are drawn from.
        grammar: how its instructions are said.
        camera: as it is believed to stand.
        sensors: of the arm.
        seed: of the first scene.
        robot: the arm.
    """

    def __init__(
        self,
        suite: Callable[[], Suite],
        shapes: Sequence[Shape],
        grammar: Grammar,
        camera: CameraSettings,
        sensors: Sensors,
        seed: int,
        robot: Robot,
    ) -> None:
        self._suite, self._shapes, self._grammar = suite, shapes, grammar
        self._kind = partial(Arm, camera=camera, sensors=sensors, robot=robot)
        self.lay(self.prepare(seed))

    @property
    def rig(self) -> ArmRig:
        """The arm of the scene on the table, `task`."""
        return self.task.rig.rig

    def prepare(self, seed: int) -> GraspTask[Arm]:
        """The scene of a seed, ready to be laid; ConfigError if there is none."""
        if seed < 0:
            raise ConfigError(f"parameter seed must be 0 or more, got {seed}")
        suite = self._suite()
        return lay_out_task(suite, sample_grasp_scene(suite, self._shapes, seed), self._grammar, self._kind)

    def lay(self, task: GraspTask[Arm]) -> None:
        """Make it the scene on the table, which brings a new `rig`."""
        self.task = task

    def scene(self) -> dict[str, Any]:
        """The scene, for the JSON answer to a reset."""
        task = self.task
        return {"instruction": task.words, "kind": task.kind, "target": task.target, "objects": self.objects()}

    def objects(self) -> list[dict[str, Any]]:
        """The objects where they are now, for a JSON answer; positions are in the table frame."""
        position_m = self.task.rig.truth.position_m(self.task.rig.data)
        return [_object(*each) for each in zip(self.task.scene.objects, position_m, strict=True)]

    def judge(self) -> Generator[FloatArray, None, tuple[int, ...]]:
        """Twists (6,) of the judge's test, one each 10 ms; returns which objects the hand holds."""
        verdict = yield from lift_and_shake(self.task.rig, self.task.rest_height_m)
        return verdict.held


def _object(obj: SceneObject, position_m: FloatArray) -> dict[str, Any]:
    return {
        "colour": obj.colour,
        "shape": obj.shape.name,
        "position_m": [round(value, 4) for value in position_m.tolist()],
        "mass_kg": round(obj.mass_kg, 3),
        "friction": round(obj.friction, 3),
    }
