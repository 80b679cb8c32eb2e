"""Lays a scene out on a rig: drops its objects, waits until they lie still, and finds what to ask for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Generic, TypeVar, overload

import numpy as np
from numpy.typing import NDArray

from autoglm_embodied.errors import ConfigError
from autoglm_embodied.grasping.hand import NAMED_LABEL, NOTHING
from autoglm_embodied.kinematics import Robot
from autoglm_embodied.types import FloatArray
from autoglm_embodied_sim.language.grammar import Grammar
from autoglm_embodied_sim.language.instruction import Instruction, instruct, words_for
from autoglm_embodied_sim.robots.arm import Arm
from autoglm_embodied_sim.robots.gantry import Gantry
from autoglm_embodied_sim.robots.hand_rig import SuiteRig
from autoglm_embodied_sim.robots.object_bodies import raise_walls
from autoglm_embodied_sim.scenes.scene import GraspScene
from autoglm_embodied_sim.scenes.scene_object import SceneObject
from autoglm_embodied_sim.scenes.suite import Suite
from autoglm_embodied_sim.scenes.surroundings import Surroundings
from autoglm_embodied_sim.sensors.camera import rotation
from autoglm_embodied_sim.sensors.sensor_specs import PANDA

CLEARANCE_M = 0.004
BETWEEN_S = 0.25  # from one object dropped on the pile to the next
SETTLE_S, MOST_S = 0.6, 4.0
STILL_M_S = 0.004
ROLLED_OUT_S, ROLLED_OUT_M_S = 10.0, 0.0005  # likewise for scenes with balls, cans and lemons
WAITING_M = np.array([1.5, 0.0, 0.3])  # where objects wait for their turn; the table goes on for ever there

Rig = TypeVar("Rig", bound=SuiteRig)
RigFactory = Callable[[Sequence[SceneObject], FloatArray, float, int, Surroundings], Rig]
"""Makes a rig: objects, hidden offset of the camera, grip force of each finger, seed of the noise, surroundings."""
RIGS: dict[str, RigFactory[SuiteRig]] = {"gantry": Gantry, "arm": Arm}


def rig_named(name: str, robot: Robot = PANDA) -> RigFactory[SuiteRig]:
    """The kind of rig of this name; ConfigError with the valid ones if there is none.

    Args:
        name: of the kind.
        robot: that an arm is.
    """
    if name not in RIGS:
        raise ConfigError(f"suites run on the rig {' or '.join(RIGS)}, got {name!r}")
    return partial(Arm, robot=robot) if name == "arm" else RIGS[name]


@overload
def lay_out(suite: Suite, scene: GraspScene) -> Gantry: ...
@overload
def lay_out(suite: Suite, scene: GraspScene, kind: RigFactory[Rig]) -> Rig: ...
def lay_out(suite: Suite, scene: GraspScene, kind: RigFactory[SuiteRig] = Gantry) -> SuiteRig:
    """A rig of some kind with the scene on its table, everything at rest."""
    rig = kind(scene.objects, scene.hand_eye_m, suite.grip_force_n, scene.seed, scene.surroundings)
    if suite.piled:
        raise_walls(rig.model, True)
        _pile(rig, scene)
        raise_walls(rig.model, False)
    else:
        for index in range(len(scene.objects)):
            _drop(rig, scene, index, 0.0)
    if suite.mixed:
        settle(rig, ROLLED_OUT_S, ROLLED_OUT_M_S)
    else:
        settle(rig)
    return rig


@dataclass(frozen=True)
class GraspTask(Generic[Rig]):
    """A scene at rest on a rig's table, and what is asked for there."""

    rig: Rig
    scene: GraspScene
    rest_height_m: FloatArray  # (count,) of the objects' centres of mass
    instruction: Instruction | None  # None where no clear one names the target

    @property
    def target(self) -> int | None:
        """The object to grasp; None where the instruction fits none or several."""
        return self.scene.target if self.instruction is None else self.instruction.target

    @property
    def kind(self) -> str | None:
        """How many objects the instruction fits: one, none or many; None without a clear one."""
        return None if self.instruction is None else self.instruction.kind.value

    @property
    def words(self) -> str:
        """What is said."""
        return words_for(self.instruction, self.scene)

    @property
    def label_of_geom(self) -> NDArray[np.uint8]:
        """(ngeom,) 0 for what is no object, NAMED_LABEL for the target, higher ones for the other objects."""
        obj = self.rig.truth.object_of_geom
        labels = np.where(obj == self.target, NAMED_LABEL, NAMED_LABEL + 1 + obj)
        return np.where(obj == NOTHING, 0, labels).astype(np.uint8)


def lay_out_task(suite: Suite, scene: GraspScene, grammar: Grammar, kind: RigFactory[Rig]) -> GraspTask[Rig]:
    """The scene at rest on a rig of some kind, with its instruction.

    Args:
        suite: where the scene comes from.
        scene: what to lay out.
        grammar: how its instruction is said.
        kind: makes the rig.
    """
    rig = lay_out(suite, scene, kind)
    rest_m = rig.truth.position_m(rig.data)
    return GraspTask(rig, scene, rest_m[:, 2], instruct(suite, scene, rest_m, grammar))


def put_away(rig: SuiteRig, index: int) -> None:
    """Put an object where nobody sees it."""
    rig.truth.place(rig.data, index, WAITING_M + [0.25 * index, 0, 0], np.array([1.0, 0, 0, 0]))


def settle(rig: SuiteRig, most_s: float = MOST_S, still_m_s: float = STILL_M_S) -> None:
    """Wait until every object is as slow as this, but no longer than so many seconds."""
    waited = 0.0
    while waited < most_s:
        rig.wait(SETTLE_S)
        waited += SETTLE_S
        if rig.truth.speed_m_s(rig.data).max() < still_m_s:
            return


def _pile(rig: SuiteRig, scene: GraspScene) -> None:
    for index in range(len(scene.objects)):
        put_away(rig, index)
    top = 0.0
    for index in range(len(scene.objects)):
        _drop(rig, scene, index, top)
        rig.wait(BETWEEN_S)
        top = float(rig.truth.position_m(rig.data)[: index + 1, 2].max()) + 0.02


def _drop(rig: SuiteRig, scene: GraspScene, index: int, above_m: float) -> None:
    """Put an object, turned as the scene says, so that its lowest point is just above `above_m`."""
    turn = rotation(scene.quaternion_wxyz[index])
    lowest = min(float((piece @ turn.T)[:, 2].min()) for piece in scene.objects[index].shape.pieces)
    place = np.array([*scene.drop_xy_m[index], above_m + CLEARANCE_M - lowest])
    rig.truth.place(rig.data, index, place, scene.quaternion_wxyz[index])
