"""The strongest script: look, come down, stop at what is touched, close, lift, sway and feel, look again, dig."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import Protocol, runtime_checkable

import numpy as np

from autoglm_embodied.grasping.antipodal_search import (
    DEEPEST_M,
    LOWEST_TIP_M,
    BoolArray,
    Grasps,
    antipodal_grasps,
    best_object,
    in_sight,
)
from autoglm_embodied.grasping.grasp import (
    Grasp,
    close_and_feel,
    come_down,
    go_aside,
    grasp_at,
    lay_aside,
    let_go,
    sway_and_feel,
)
from autoglm_embodied.grasping.hand import HandPose, HandRig, View
from autoglm_embodied.grasping.height_map import CELL_M, HALF_M, HeightMap, height_map
from autoglm_embodied.types import FloatArray, Referent

TRIES, COLLISIONS, DIGS = 3, 3, 4
SAME_M, SAME_TIP_M, SAME_RAD = 0.008, 0.008, 0.35
POOR_OBSTACLE_M = 0.004  # above the fingertips: such a grasp would collide
SEEN_CELLS = 20


@dataclass(frozen=True)
class PolicyReport:
    """How an episode went, as the policy saw it."""

    approaches: int  # times the hand came down
    tries: int  # times it closed, or gave up
    confident: bool  # whether the policy believes that it holds the object; open loop always does


class GraspScript(Protocol):
    """A script that grasps with a hand."""

    def run(self, rig: HandRig, target: int | None, rng: np.random.Generator) -> PolicyReport:
        """Grasp the object `target`, by its index in what the hand's camera shows, and end holding it up.

        Without a target any object will do: choose among those in sight, whose pixels are told apart, and try once.
        """


@runtime_checkable
class ReadsWords(Protocol):
    """A script that is told what is said, and not which pixels that means."""

    def find(self, rig: HandRig, words: str, rng: np.random.Generator) -> Referent:
        """How many objects the words mean, as far as the camera tells; where it is one, `run` grasps that."""

    def see(self) -> View:
        """An image of the table, in which the object that was found is 0."""


def middle_grasp(heights: HeightMap, obj: int) -> Grasp | None:
    """The grasp across the longer axis of an object's visible surface; None if nothing of it is seen."""
    mine = heights.owner == obj
    if not mine.any():
        return None
    rows, columns = np.nonzero(mine)
    points = (np.stack([columns, rows], axis=1) + 0.5) * CELL_M - HALF_M
    spread = np.cov(points.T) if len(points) > 1 else np.eye(2)
    longer = np.linalg.eigh(spread)[1][:, 1]
    yaw = float(np.arctan2(longer[1], longer[0]))  # at yaw 0 the fingers close along y, across x
    top = float(np.quantile(heights.height_m[mine], 0.95))
    x, y = (float(value) for value in points.mean(axis=0))
    tip = max(LOWEST_TIP_M, top - DEEPEST_M)
    return Grasp(HandPose(x, y, tip, (yaw + np.pi / 2) % np.pi - np.pi / 2))


def best_of(found: Grasps, heights: HeightMap, obj: int) -> Grasp | None:
    """The candidate with the highest score; across the object's middle if there is none, None if it is not seen."""
    return grasp_at(found, int(np.argmax(found.score))) if len(found) else middle_grasp(heights, obj)


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
            if self.skills.dig and self.digs < DIGS and self.buried(heights, self.target):
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
        obj = self.any_object(heights)
        held = obj is not None and self.take(heights, obj)
        if not held:
            let_go(self.rig)
        return PolicyReport(self.approaches, 1, held)

    def heights(self) -> HeightMap:
        """The table as it is now."""
        heights = height_map(self.rig.look())
        return heights.lowered(heights.table_m()) if self.skills.calibrate else heights

    def take(self, heights: HeightMap, obj: int) -> bool:
        """One try: come down on the best grasp, on another after each collision, close, lift, sway and feel."""
        if not self.skills.no_repeats:
            self.failed = []
        for _ in range(COLLISIONS):
            grasp = self.choose(heights, obj)
            if grasp is None:
                return False
            self.approaches += 1
            self.failed.append((obj, grasp))
            held = self.carry_out(grasp)
            if held is not None:
                return held
        return False

    def carry_out(self, grasp: Grasp) -> bool | None:
        """Come down, close, lift and sway: whether something is felt in the hand; None after a collision."""
        if not come_down(self.rig, grasp):
            return None
        return close_and_feel(self.rig) and sway_and_feel(self.rig)

    def choose(self, heights: HeightMap, obj: int) -> Grasp | None:
        """The next grasp of an object; None if nothing of it is seen."""
        return best_of(self.candidates(heights, obj), heights, obj)

    def any_object(self, heights: HeightMap) -> int | None:
        """The object to take where any will do."""
        return best_object(heights, partial(self.candidates, heights))

    def buried(self, heights: HeightMap, obj: int) -> bool:
        """Whether something else should be taken away first."""
        return not len(self.free(heights, obj))

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
        obj = self.neighbour(heights)
        if obj is None:
            return False
        self.take(heights, obj)
        self.put_aside()
        return True

    def neighbour(self, heights: HeightMap) -> int | None:
        """The object that is best taken away."""
        choices = [(obj, self.free(heights, obj)) for obj in in_sight(heights) if obj != self.target]
        choices = [(obj, found) for obj, found in choices if len(found)]
        return max(choices, key=lambda choice: float(choice[1].score.max()))[0] if choices else None

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
    return alike(found.centre_m, found.closing_rad, found.tip_m, grasp.pose)


def alike(centre_m: FloatArray, closing_rad: FloatArray, tip_m: FloatArray, pose: HandPose) -> BoolArray:
    """(n,) which of n grasps, by the fields of `Grasps`, come down almost as at a pose."""
    near = np.linalg.norm(centre_m - [pose.x_m, pose.y_m], axis=1) < SAME_M
    turn = np.abs((closing_rad - pose.yaw_rad) % np.pi - np.pi / 2)  # 0 where both close alike
    return np.asarray(near & (turn < SAME_RAD) & (np.abs(tip_m - pose.z_m) < SAME_TIP_M))


ALL = Skills(calibrate=True, verify=True, dig=True, preshape=True, no_repeats=True)
