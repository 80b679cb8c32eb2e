"""How fast the whole rig runs on one core: physics and wrist at 1 kHz, an image with depth 30 times a second.

What moves: the arm, led by the expert, grasps and lifts one of the three objects of each of a few scenes. The time is
that of the wall clock, for stepping and for images; what the expert takes to decide and a scene to be laid out is not
the rig's.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np

from autoglm_embodied.metrics import Report
from autoglm_embodied.types import Phase
from autoglm_embodied_sim.policies.primitive_expert import expert_action, observe
from autoglm_embodied_sim.robots.arm import Arm
from autoglm_embodied_sim.robots.arm_rig import STEP_NS
from autoglm_embodied_sim.robots.layout import lay_out
from autoglm_embodied_sim.scenes.scene import sample_grasp_scene
from autoglm_embodied_sim.scenes.scene_object import SceneObject
from autoglm_embodied_sim.scenes.suite import suite_named

SIZES = ((640, 480), (320, 240), (96, 96))
SCENES = 6
FRAME_HZ = 30
LONGEST_FRAMES = 8 * FRAME_HZ  # of one grasp
STEPS_PER_S = 1_000_000_000 // STEP_NS


@dataclass
class Timings:
    """How long was simulated, and what each image and the steps before it took on the wall clock."""

    steps: list[int] = field(default_factory=list)  # before the image
    step_s: list[float] = field(default_factory=list)  # all of these
    frame_s: list[float] = field(default_factory=list)

    @property
    def realtime_factor(self) -> float:
        """Simulated time over the time that it took."""
        return sum(self.steps) / STEPS_PER_S / (sum(self.step_s) + sum(self.frame_s))


def measure(report: Report, say: Callable[[str], None]) -> None:
    """Add the figures of `autoglm bench sim`."""
    report.details["moving"] = f"an expert's grasps in {SCENES} scenes of 3 objects"
    with one_core():
        for size in SIZES:
            say(f"simulating with images of {size[0]}x{size[1]}")
            _add(report, f"{size[0]}x{size[1]}", run(size, report.seed or 0, SCENES))


@contextmanager
def one_core() -> Iterator[None]:
    """Keep this process, and whatever threads drawing starts, on one of the cores that it may use."""
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(cores)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, cores)


def run(size: tuple[int, int], seed: int, scenes: int) -> Timings:
    """Grasp one object in each of some scenes, with images of `size`."""
    timings, suite = Timings(), suite_named("primitives")
    for number in range(scenes):
        scene = sample_grasp_scene(suite, (), seed * scenes + number)
        arm = lay_out(suite, scene, Arm)
        try:
            arm.rig.frame(*size)  # the first image compiles shaders
            for frame in range(LONGEST_FRAMES):
                steps = (frame + 1) * STEPS_PER_S // FRAME_HZ - frame * STEPS_PER_S // FRAME_HZ  # 33, 33, 34, ...
                if _advance(arm, scene.objects, size, timings, steps) is Phase.HOLD:
                    break
        finally:
            arm.close()
    return timings


def _advance(arm: Arm, objects: Sequence[SceneObject], size: tuple[int, int], timings: Timings, steps: int) -> Phase:
    """One frame's time: command, physics, image."""
    rig = arm.rig
    twist, width_m, phase = expert_action(observe(arm, objects, 0))
    rig.command(twist, width_m)
    began_s = time.perf_counter()
    rig.step(steps)
    stepped_s = time.perf_counter()
    rig.frame(*size)
    timings.steps.append(steps)
    timings.step_s.append(stepped_s - began_s)
    timings.frame_s.append(time.perf_counter() - stepped_s)
    return phase


def _add(report: Report, case: str, timings: Timings) -> None:
    frames = len(timings.frame_s)
    report.add("sim.realtime_factor", timings.realtime_factor, "s/s", frames, case=case)
    step_us, frame_ms = np.divide(timings.step_s, timings.steps) * 1e6, np.array(timings.frame_s) * 1e3
    for figure, values, unit in (("sim.step_us", step_us, "us"), ("sim.frame_ms", frame_ms, "ms")):
        report.add_percentiles(figure, values, unit, case=case)
