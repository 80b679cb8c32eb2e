"""Demonstrations of the privileged expert in a suite: images, force at every step, what was told and how it ended."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autoglm_embodied.data.shards import Arrays, Shard
from autoglm_embodied.errors import ConfigError
from autoglm_embodied.grasping.force_feedback import PolicyReport
from autoglm_embodied.grasping.hand import View
from autoglm_embodied.types import Camera, FloatArray, Frame
from autoglm_embodied.vocabulary import COLOURS
from autoglm_embodied_sim.collect.step_recorder import Recorder, Steps
from autoglm_embodied_sim.collect.suite_settings import SuiteSettings
from autoglm_embodied_sim.judge import Verdict, judge
from autoglm_embodied_sim.language.grammar import LEARNING_GRAMMAR
from autoglm_embodied_sim.language.instruction import Instruction, instruct
from autoglm_embodied_sim.policies.expert import Approach, Search
from autoglm_embodied_sim.robots.gantry import Gantry
from autoglm_embodied_sim.robots.layout import lay_out
from autoglm_embodied_sim.scenes.scene import GraspScene
from autoglm_embodied_sim.scenes.scene_object import SceneObject
from autoglm_embodied_sim.scenes.suite import Suite, suite_named

SIZE_PX = 96
"""Of the square images: every fifth row and column of what the rig's own camera shows."""
MM = 1000
RANDOM_URDFS, OTHER_SHAPE = "random_urdfs", -1
PER_SHARD = 10
REST_S = 0.6
"""Before the hand sets out: who learns from it can tare the wrist, and fill the longest window of the force pyramid."""


@dataclass(frozen=True)
class DemonstrationSettings(SuiteSettings):
    """What to demonstrate."""

    image_hz: float = 30.0

    def __post_init__(self) -> None:
        if not suite_named(self.suite).named:
            raise ConfigError(f"nothing is named in the suite {self.suite!r}, so there is nothing to demonstrate there")
        super().__post_init__()
        if not 0 < self.image_hz <= 500:
            raise ConfigError(f"images must come at more than 0 and at most 500 Hz, got {self.image_hz}")


def demonstration(settings: DemonstrationSettings, number: int) -> Shard:
    """One episode, judged.

    Args:
        settings: suite, objects and the camera's rate.
        number: of the scene; all that is random follows from it and the seed.
    """
    suite, scene = suite_named(settings.suite), settings.scene(number)
    rig = lay_out(suite, scene)
    rig.let_sleep()  # half the time of a scene of five
    try:
        return _demonstrate(settings, suite, scene, rig)
    finally:
        rig.close()


def _demonstrate(settings: DemonstrationSettings, suite: Suite, scene: GraspScene, rig: Gantry) -> Shard:
    objects, rest_m = _objects(rig, scene), rig.truth.position_m(rig.data)
    rest_height_m, instruction = rest_m[:, 2], instruct(suite, scene, rest_m, LEARNING_GRAMMAR)
    recorder, views, tares = Recorder(rig, settings.image_hz, SIZE_PX, scene.seed), [], []
    began_ns = rig.time_ns
    rig.wait(REST_S)

    def before() -> None:
        views.append(recorder.view())
        tares.append(rig.tared)

    search = Search(rig, scene.target, np.random.default_rng([scene.seed, 1]), rest_height_m, rig, before)
    report = search.run()
    seconds = (rig.time_ns - began_ns) / 1e9
    steps = recorder.stop()
    verdict = judge(rig, rest_height_m)
    episode = _episode(suite, scene, report, verdict, seconds) | camera_arrays(recorder.frames[0].camera)
    arrays = {name: np.asarray(value)[None] for name, value in episode.items()} | objects
    arrays |= _approaches(search.approaches, views, [*tares[1:], rig.tared]) | _frames(recorder.frames) | _steps(steps)
    counted = {"objects": "object_shape", "approaches": "approach_ns", "frames": "frame_ns", "steps": "step_ns"}
    arrays |= {name: np.array([len(arrays[rows])]) for name, rows in counted.items()}
    return Shard(arrays, (_note(scene, report, verdict.success(scene.target), instruction),))


def _note(scene: GraspScene, report: PolicyReport, held: bool, instruction: Instruction | None) -> dict[str, Any]:
    """What is said; no instruction where it means another object than the one that was grasped, or none."""
    meant = instruction is not None and instruction.target == scene.target
    text = instruction.text if instruction is not None and meant else None
    return {"seed": scene.seed, "instruction": text, "held": held, "sure": report.confident}


def _episode(suite: Suite, scene: GraspScene, report: PolicyReport, verdict: Verdict, seconds: float) -> dict[str, Any]:
    return {
        "seed": scene.seed,
        "target": scene.target,
        "held": verdict.success(scene.target),
        "wrong_object": verdict.wrong_object(scene.target),
        "tries": report.tries,
        "seconds": seconds,
        "hand_eye_m": scene.hand_eye_m,
        "grip_force_n": suite.grip_force_n,
    }


def camera_arrays(camera: Camera) -> Arrays:
    """The rows `camera` and `T_base_camera` of a schema."""
    intrinsics = np.array([*camera.K[[0, 1, 0, 1], [0, 1, 2, 2]], camera.width, camera.height])
    return {"camera": intrinsics, "T_base_camera": camera.T_base_camera}


def _objects(rig: Gantry, scene: GraspScene) -> Arrays:
    def each(value: Any) -> NDArray[Any]:
        return np.array([value(obj) for obj in scene.objects])

    def number(obj: SceneObject) -> int:
        folder, _, number = obj.shape.name.rpartition("/")
        return int(number) if folder == RANDOM_URDFS else OTHER_SHAPE

    return {
        "object_shape": each(number),
        "object_extent_m": each(lambda obj: obj.shape.extent_m),
        "object_colour": each(lambda obj: COLOURS.index(obj.colour)),
        "object_rgb": each(lambda obj: obj.rgb),
        "object_mass_kg": each(lambda obj: obj.mass_kg),
        "object_friction": each(lambda obj: obj.friction),
        "object_pose": rig.truth.pose(rig.data),
    }


def _approaches(approaches: list[Approach], views: list[View], tares: list[FloatArray]) -> Arrays:
    grasps = [[*approach.grasp.pose.values, approach.grasp.opening_m] for approach in approaches]
    empty = np.zeros((0, SIZE_PX, SIZE_PX))
    return {
        "approach_ns": np.array([approach.stamp_ns for approach in approaches], np.int64),
        "approach_object": np.array([approach.obj for approach in approaches], np.int64),
        "approach_grasp": np.array(grasps).reshape(-1, 5),
        "approach_tare": np.array(tares[: len(approaches)]).reshape(-1, 6),
        "approach_rgb": np.array([view.frame.rgb for view in views], np.uint8).reshape(-1, SIZE_PX, SIZE_PX, 3),
        "approach_depth_mm": np.array([_mm(view.frame) for view in views] or empty, np.uint16),
        "approach_owner": np.array([view.owner for view in views] or empty, np.int8),
    }


def _frames(frames: list[Frame]) -> Arrays:
    return {
        "frame_ns": np.array([frame.stamp_ns for frame in frames], np.int64),
        "rgb": np.stack([frame.rgb for frame in frames]),
        "depth_mm": np.stack([_mm(frame) for frame in frames]),
    }


def _mm(frame: Frame) -> NDArray[np.uint16]:
    return np.asarray((np.asarray(frame.depth_m) * MM).round().clip(0, 2**16 - 1), np.uint16)


def _steps(steps: Steps) -> Arrays:
    arrays = {name: values.astype(np.float32) for name, values in vars(steps).items() if name != "stamp_ns"}
    return arrays | {"step_ns": steps.stamp_ns, "phase": steps.phases()}
