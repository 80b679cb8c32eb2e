"""Objects laid on the arm's table by hand, and a hand on the joystick."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
from autoglm_embodied_sim.objects.shape import solid
from autoglm_embodied_sim.policies.primitive_expert import ExpertState, expert_action, observe
from autoglm_embodied_sim.robots.arm import Arm
from autoglm_embodied_sim.robots.arm_rig import TABLE_ORIGIN_M, ArmRig
from autoglm_embodied_sim.robots.layout import lay_out
from autoglm_embodied_sim.scenes.scene import sample_grasp_scene
from autoglm_embodied_sim.scenes.scene_object import SceneObject
from autoglm_embodied_sim.scenes.suite import suite_named
from autoglm_embodied_sim.sensors.sensor_specs import PANDA

from autoglm_embodied.kinematics import Robot
from autoglm_embodied.types import Phase


@dataclass(frozen=True)
class Laid:
    """An arm and the objects on its table."""

    arm: Arm
    objects: tuple[SceneObject, ...]

    @property
    def rig(self) -> ArmRig:
        return self.arm.rig

    def expert(self, index: int) -> ExpertState:
        return observe(self.arm, self.objects, index)

    def grasp(self, index: int, seconds: float = 6.0, until: Phase | None = None) -> None:
        for _ in range(round(seconds / 0.03)):
            twist, width, phase = expert_action(self.expert(index))
            if phase is until:
                return
            self.rig.command(twist, width)
            self.rig.step(30)


def primitive(shape: str, size_m: float = 0.04, mass_kg: float = 0.2) -> SceneObject:
    return SceneObject(solid(shape, size_m), "red", (0.8, 0.1, 0.1), mass_kg, friction=0.7)


def laid(*placed: tuple[SceneObject, float, float], yaw_rad: float = 0.0) -> Laid:
    """Objects at rest where they are put, base frame."""
    objects = tuple(obj for obj, _, _ in placed)
    arm = Arm(objects, np.zeros(3), 20.0, seed=0)
    turn = np.array([np.cos(yaw_rad / 2), 0, 0, np.sin(yaw_rad / 2)])
    for index, (obj, x_m, y_m) in enumerate(placed):
        place = np.array([x_m, y_m, obj.shape.extent_m[-1] / 2])
        arm.truth.place(arm.data, index, place - TABLE_ORIGIN_M, turn)
    arm.rig.step(60)
    return Laid(arm, objects)


def laid_scene(seed: int, robot: Robot = PANDA) -> Laid:
    """A scene of the suite primitives."""
    suite = suite_named("primitives")
    scene = sample_grasp_scene(suite, (), seed)
    return Laid(lay_out(suite, scene, partial(Arm, robot=robot)), scene.objects)


def drive(rig: ArmRig, twist: list[float], seconds: float, width_m: float = 0.08) -> None:
    for _ in range(round(seconds * 100)):
        rig.command(np.array(twist), width_m)
        rig.step(10)
