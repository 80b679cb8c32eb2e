"""The one definition of success, on the gantry and on the arm."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import autoglm_embodied_sim
import mujoco
import numpy as np
import pytest
from autoglm_embodied_sim.judge import LIFT_M, MOST_LIFT_M, RAISED_M, Verdict, hanging, judge
from autoglm_embodied_sim.objects.shape import Shape, box
from autoglm_embodied_sim.robots.arm import Arm
from autoglm_embodied_sim.robots.gantry import Gantry
from autoglm_embodied_sim.robots.hand_rig import SuiteRig
from autoglm_embodied_sim.scenes.scene_object import SceneObject
from sources import SIM, imports

from autoglm_embodied.grasping.hand import HandPose
from autoglm_embodied.types import FloatArray

SOURCES = Path(autoglm_embodied_sim.__file__).parent
UPRIGHT = np.array([1.0, 0, 0, 0])
BRICK = box(0.04, 0.03, 0.04)
PILLAR = box(0.04, 0.04, 0.3)


def laid(shapes: Sequence[Shape], at_m: Sequence[list[float]], friction: float = 0.5, kind: type = Gantry) -> SuiteRig:
    """Objects of 0.3 kg at rest where they are put."""
    objects = [SceneObject(shape, "red", (0.8, 0.1, 0.1), 0.3, friction) for shape in shapes]
    rig: SuiteRig = kind(objects, np.zeros(3), 20.0, seed=0)
    for obj, place in enumerate(at_m):
        rig.truth.place(rig.data, obj, np.array(place), UPRIGHT)
    rig.wait(0.3)
    return rig


def rest_m(rig: SuiteRig) -> FloatArray:
    return rig.truth.position_m(rig.data)[:, 2]


def grasp(rig: SuiteRig, x_m: float = 0.0, y_m: float = 0.0, close: bool = True) -> None:
    rig.move(HandPose(x_m, y_m, 0.1, 0))
    rig.move(HandPose(x_m, y_m, 0.01, 0))
    if close:
        rig.grip(0)


@pytest.mark.parametrize("kind", [Gantry, Arm])
def test_what_a_policy_did_not_lift_the_judge_lifts_and_shakes(kind: type) -> None:
    rig = laid([BRICK, BRICK], [[0, 0, 0.02], [0.15, 0, 0.02]], kind=kind)
    rest = rest_m(rig)
    grasp(rig)
    assert judge(rig, rest) == Verdict((0,), (0,))
    risen_m = rest_m(rig) - rest
    assert LIFT_M < risen_m[0] < LIFT_M + 0.02 and abs(risen_m[1]) < 0.001
    rig.close()


def test_a_grasp_that_slips_or_never_closed_holds_nothing() -> None:
    for friction, close in ((0.05, True), (0.5, False)):
        rig = laid([BRICK], [[0, 0, 0.02]], friction)
        rest = rest_m(rig)
        grasp(rig, close=close)
        assert judge(rig, rest) == Verdict((), ())


def test_only_the_object_that_was_meant_is_a_success() -> None:
    verdict = Verdict((1,), (1,))
    assert verdict.success(1) and not verdict.wrong_object(1)
    assert not verdict.success(0) and verdict.wrong_object(0)
    assert not verdict.success(None) and verdict.wrong_object(None)
    assert not Verdict((0, 1), (0, 1)).success(0) and not Verdict((0,), ()).success(0)


@pytest.mark.parametrize(("risen_m", "hangs"), [(0.134, False), (0.136, True)])
def test_an_object_must_hang_13_5_cm_above_where_it_lay(risen_m: float, hangs: bool) -> None:
    rig = laid([BRICK], [[0, 0, 0.02]])
    grasp(rig)
    rig.move(HandPose(0, 0, 0.2, 0))
    rig.wait(0.2)
    assert RAISED_M == 0.135
    assert hanging(rig, rest_m(rig) - risen_m) == ((0,) if hangs else ())


def test_an_object_that_leans_on_a_neighbour_is_not_held() -> None:
    rig = laid([BRICK, PILLAR], [[0, 0, 0.02], [0.3, 0, 0.15]])
    rest = rest_m(rig)
    grasp(rig)
    rig.move(HandPose(0, 0, 0.2, 0))
    rig.wait(0.2)
    assert hanging(rig, rest) == (0,)
    x_m = rig.truth.position_m(rig.data)[0, 0] + 0.04 - 0.0005  # their sides touch
    rig.truth.place(rig.data, 1, np.array([x_m, 0, 0.15]), UPRIGHT)
    mujoco.mj_forward(rig.model, rig.data)
    assert hanging(rig, rest) == ()


def test_two_objects_in_one_grip_are_both_held_and_no_success() -> None:
    thin = box(0.04, 0.02, 0.04)
    rig = laid([thin, thin], [[0, -0.0101, 0.02], [0, 0.0101, 0.02]])
    rest = rest_m(rig)
    grasp(rig)
    verdict = judge(rig, rest)
    assert verdict.held == (0, 1)
    assert not verdict.success(0) and not verdict.success(1)


def test_an_object_that_turns_in_the_grip_is_still_lifted_by_15_cm() -> None:
    rig = laid([box(0.16, 0.03, 0.03)], [[0.065, 0, 0.015]], friction=0.16)
    rest = rest_m(rig)
    grasp(rig)
    from_m = rig.pose.z_m
    assert judge(rig, rest).lifted == (0,)
    assert LIFT_M + 0.02 < rig.pose.z_m - from_m < MOST_LIFT_M + 0.01  # its end hangs down


def test_every_caller_is_judged_here_and_nowhere_else() -> None:
    judged = {found.module for found in imports(SIM) if found.name.startswith(f"{SIM}.judge.")}
    suites = ("eval.episode", "eval.learned_episode", "eval.over_graph", "policies.expert")
    others = ("nodes.table", "gym.environment", "collect.outcomes", "collect.demonstrations")
    assert judged >= {f"{SIM}.{module}" for module in (*suites, *others)}
    readers = {path.name for path in SOURCES.rglob("*.py") if "borne_by_hand" in path.read_text()}
    assert readers == {"judge.py", "object_bodies.py"}
