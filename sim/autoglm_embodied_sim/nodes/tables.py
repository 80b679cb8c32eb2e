"""What lies on the simulated table: coloured primitives, or the objects of a suite, scene by scene."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

import numpy as np

from autoglm_embodied.errors import ConfigError
from autoglm_embodied.types import FloatArray
from autoglm_embodied_sim.judge import lift_and_shake
from autoglm_embodied_sim.language.grammar import Grammar
from autoglm_embodied_sim.language.instruction import Instruction, instruct, words_for
from autoglm_embodied_sim.objects.shape import Shape
from autoglm_embodied_sim.primitive_judge import held_things, trial
from autoglm_embodied_sim.robots.arm import Arm
from autoglm_embodied_sim.robots.layout import lay_out
from autoglm_embodied_sim.robots.panda import ArmRig
from autoglm_embodied_sim.scenes.primitive_scene import Scene, Thing, sample_scene
from autoglm_embodied_sim.scenes.scene import GraspScene, sample_grasp_scene
from autoglm_embodied_sim.scenes.scene_object import SceneObject
from autoglm_embodied_sim.scenes.suite import Suite
from autoglm_embodied_sim.sensors.camera import CameraSettings
from autoglm_embodied_sim.sensors.sensor_specs import Sensors

MIN_SLOTS = 3


class Table(Protocol):
    """Scenes one after the other. Any thread may prepare the next; all else is for the stepping thread."""

    rig: ArmRig

    def prepare(self, seed: int) -> Any:
        """The scene of a seed, ready to be laid; ConfigError if there is none."""

    def lay(self, prepared: Any) -> None:
        """Make it the scene on the table, which may bring a new `rig`."""

    def told(self) -> dict[str, Any]:
        """The scene, for a JSON answer: its `things`, and what else is to be known of it."""

    def judge(self) -> Generator[FloatArray, None, tuple[int, ...]]:
        """Twists (6,) of the judge's test, one each 10 ms; returns which objects the hand holds."""


class PrimitiveTable:
    """One model, re-dressed for every scene.

    Args:
        wanted: says how many things the next scene has, and whether no two may look alike.
        make_rig: makes the rig for a number of slots.
        seed: of the first scene.
    """

    def __init__(self, wanted: Callable[[], tuple[int, bool]], make_rig: Callable[[int], ArmRig], seed: int) -> None:
        self._wanted = wanted
        self._slots = max(MIN_SLOTS, wanted()[0])
        scene = self.prepare(seed)
        self.rig = make_rig(self._slots)
        self.lay(scene)

    def prepare(self, seed: int) -> Scene:
        """See Table."""
        count, unique = self._wanted()
        _check_seed(seed)
        if not 1 <= count <= self._slots:
            raise ConfigError(
                f"parameter things must be 1 to {self._slots}, got {count}; for more, start the node with it"
            )
        return sample_scene(np.random.default_rng(seed), count, unique)

    def lay(self, prepared: Scene) -> None:
        """See Table."""
        self.rig.reset(prepared)

    def told(self) -> dict[str, Any]:
        """See Table."""
        return {"things": [_thing_told(thing) for thing in self.rig.scene.things]}

    def judge(self) -> Generator[FloatArray, None, tuple[int, ...]]:
        """See Table."""
        yield from trial(self.rig)
        return held_things(self.rig)


@dataclass(frozen=True)
class _Laid:
    """A scene of a suite, its objects at rest on a table of their own."""

    arm: Arm
    scene: GraspScene
    rest_height_m: FloatArray
    instruction: Instruction | None


class SuiteTable:
    """A rig of its own for every scene, since each has other meshes."""

    def __init__(
        self,
        suite: Suite,
        shapes: Sequence[Shape],
        grammar: Grammar,
        camera: CameraSettings,
        sensors: Sensors,
        seed: int,
    ) -> None:
        self._suite, self._shapes, self._grammar = suite, shapes, grammar
        self._kind = partial(Arm, camera=camera, sensors=sensors)
        self.lay(self.prepare(seed))

    def prepare(self, seed: int) -> _Laid:
        """See Table."""
        _check_seed(seed)
        scene = sample_grasp_scene(self._suite, self._shapes, seed)
        arm = lay_out(self._suite, scene, self._kind)
        rest_m = arm.truth.position_m(arm.data)
        return _Laid(arm, scene, rest_m[:, 2], instruct(self._suite, scene, rest_m, self._grammar))

    def lay(self, prepared: _Laid) -> None:
        """See Table."""
        self._laid, self.rig = prepared, prepared.arm.rig

    def told(self) -> dict[str, Any]:
        """See Table."""
        arm, scene, instruction = self._laid.arm, self._laid.scene, self._laid.instruction
        places = zip(scene.objects, arm.truth.position_m(arm.data), strict=True)
        return {
            "suite": self._suite.name,
            "instruction": words_for(instruction, scene),
            "kind": None if instruction is None else instruction.kind.value,
            "target": scene.target if instruction is None else instruction.target,
            "things": [_object_told(obj, position_m) for obj, position_m in places],
        }

    def judge(self) -> Generator[FloatArray, None, tuple[int, ...]]:
        """See Table."""
        verdict = yield from lift_and_shake(self._laid.arm, self._laid.rest_height_m)
        return verdict.held


def _check_seed(seed: int) -> None:
    if seed < 0:
        raise ConfigError(f"parameter seed must be 0 or more, got {seed}")


def _thing_told(thing: Thing) -> dict[str, Any]:
    return {
        "colour": thing.colour,
        "shape": thing.shape,
        "size_m": round(thing.size_m, 4),
        "position_m": [round(value, 4) for value in thing.position_m],
        "mass_kg": round(thing.mass_kg, 3),
        "friction": round(thing.friction, 3),
    }


def _object_told(obj: SceneObject, position_m: FloatArray) -> dict[str, Any]:
    """As of a primitive; the position is in the table frame."""
    return {
        "colour": obj.colour,
        "shape": obj.shape.name,
        "position_m": [round(value, 4) for value in position_m.tolist()],
        "mass_kg": round(obj.mass_kg, 3),
        "friction": round(obj.friction, 3),
    }
