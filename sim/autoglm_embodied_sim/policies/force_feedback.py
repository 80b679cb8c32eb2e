"""Baselines that feel: come down until something is touched, close, weigh, and look again if nothing is held."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial

import numpy as np

from autoglm_embodied_sim.policies.antipodal_search import BoolArray, Grasps, antipodal_grasps, best_object, in_sight
from autoglm_embodied_sim.policies.baseline import PolicyReport
from autoglm_embodied_sim.policies.grasp import (
    Grasp,
    close_and_feel,
    come_down,
    go_aside,
    grasp_at,
    lay_aside,
    let_go,
    sway_and_feel,
)
from autoglm_embodied_sim.policies.height_map import HeightMap, height_map
from autoglm_embodied_sim.policies.open_loop import middle_grasp
from autoglm_embodied_sim.robots.hand_rig import HandRig

TRIES, COLLISIONS, DIGS = 3, 3, 4
SAME_M, SAME_TIP_M, SAME_RAD = 0.008, 0.008, 0.35
POOR_OBSTACLE_M = 0.004  # above the fingertips: such a grasp would collide
SEEN_CELLS = 20


@dataclass(frozen=True)
class Skills:
    """What a script can do beyond coming down on the best grasp, closing and weighing."""

    calibrate: bool = False  # take the height of the table that is seen for 0
    verify: bool = False  # with the hand aside, look whether the object is gone from the table
    dig: bool = False  # take a neighbour away where no grasp of the object is free
    preshape: bool = False  # open only as far as needed
    no_repeats: bool = False  # never come down twice in the same way


@dataclass
class ForceFeedbackGrasp:
    """One episode of a script with these skills; `failed` are the object and the grasp of every descent to avoid.

    Without a target it is a single try for the object with the best grasp of all.
    """

    rig: HandRig
    target: int | None
    skills: Skills
    approaches: int = 0
    tries: int = 0
    digs: int = 0
    failed: list[tuple[int, Grasp]] = field(default_factory=list)

    def run(self) -> PolicyReport:
        """Try until the object is felt, and where it can be, seen, to be held."""
        if self.target is None:
            return self.try_any()
        while self.tries < TRIES:
            heights = self.heights()
            if self.skills.dig and self.digs < DIGS and not len(self.free(heights, self.target)):
                self.digs += 1
                if self.take_neighbour(heights):
                    continue
            self.tries += 1
            if self.take(heights, self.target) and self.confirmed():
                return PolicyReport(self.approaches, self.tries, True)
            let_go(self.rig)
        return PolicyReport(self.approaches, self.tries, False)

    def try_any(self) -> PolicyReport:
        """One try for whatever has the best grasp; what is felt in the hand need not be looked up then."""
        heights = self.heights()
        obj = best_object(heights, partial(self.candidates, heights))
        held = obj is not None and self.take(heights, obj)
        if not held:
            let_go(self.rig)
        return PolicyReport(self.approaches, 1, held)

    def heights(self) -> HeightMap:
        """The table as it is now."""
        heights = height_map(self.rig.look())
        return heights.lowered(heights.table_m()) if self.skills.calibrate else heights

    def take(self, heights: HeightMap, obj: int) -> bool:
        """One try: come down, on another grasp after each collision, close, lift, sway and feel."""
        if not self.skills.no_repeats:
            self.failed = []
        for _ in range(COLLISIONS):
            grasp = self.best(heights, obj)
            if grasp is None:
                return False
            self.approaches += 1
            self.failed.append((obj, grasp))
            if come_down(self.rig, grasp):
                return close_and_feel(self.rig) and sway_and_feel(self.rig)
        return False

    def best(self, heights: HeightMap, obj: int) -> Grasp | None:
        """The candidate with the highest score that did not fail before; across the middle if there is none."""
        found = self.candidates(heights, obj)
        return grasp_at(found, int(np.argmax(found.score))) if len(found) else middle_grasp(heights, obj)

    def candidates(self, heights: HeightMap, obj: int) -> Grasps:
        """All grasps of an object but those that failed before."""
        found = antipodal_grasps(heights, obj, self.skills.preshape)
        tried = [grasp for of, grasp in self.failed if of == obj]
        return found.where(~np.any([same(found, grasp) for grasp in tried], axis=0)) if tried else found

    def free(self, heights: HeightMap, obj: int) -> Grasps:
        """The grasps of an object that should meet nothing on the way down."""
        found = self.candidates(heights, obj)
        return found.where(found.obstacle_m < POOR_OBSTACLE_M)

    def take_neighbour(self, heights: HeightMap) -> bool:
        """Put the neighbour with the best free grasp aside; False if none has one."""
        choices = [(obj, self.free(heights, obj)) for obj in in_sight(heights) if obj != self.target]
        choices = [(obj, found) for obj, found in choices if len(found)]
        if not choices:
            return False
        obj = max(choices, key=lambda choice: float(choice[1].score.max()))[0]
        self.take(heights, obj)
        self.put_aside()
        return True

    def confirmed(self) -> bool:
        """Whether the object is gone from the table, where that can be looked up."""
        if not self.skills.verify:
            return True
        go_aside(self.rig)
        if int((height_map(self.rig.look()).owner == self.target).sum()) < SEEN_CELLS:
            return True
        self.put_aside()
        return False

    def put_aside(self) -> None:
        """Lay what is in the hand down where it is in nobody's way."""
        lay_aside(self.rig, self.digs + self.tries)


def same(found: Grasps, grasp: Grasp) -> BoolArray:
    """(n,) which candidates come down as `grasp` did, more or less."""
    pose = grasp.pose
    near = np.linalg.norm(found.centre_m - [pose.x_m, pose.y_m], axis=1) < SAME_M
    turn = np.abs((found.closing_rad - pose.yaw_rad) % np.pi - np.pi / 2)  # 0 where both close alike
    return np.asarray(near & (turn < SAME_RAD) & (np.abs(found.tip_m - pose.z_m) < SAME_TIP_M))


class AntipodalForce:
    """Stops at what it touches, weighs what it lifts, and looks again before another try."""

    def run(self, rig: HandRig, target: int | None, rng: np.random.Generator) -> PolicyReport:
        """See Baseline."""
        return ForceFeedbackGrasp(rig, target, Skills()).run()


ALL = Skills(calibrate=True, verify=True, dig=True, preshape=True, no_repeats=True)


class Script:
    """Calibrates on the table, verifies by looking, digs, preshapes, and repeats no grasp that failed."""

    def __init__(self) -> None:
        self._failed: list[tuple[int, Grasp]] = []

    def run(self, rig: HandRig, target: int | None, rng: np.random.Generator) -> PolicyReport:
        """See Baseline; where any object will do, what failed is remembered from try to try."""
        return ForceFeedbackGrasp(rig, target, ALL, failed=self._failed if target is None else []).run()
