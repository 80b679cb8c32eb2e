"""The privileged expert: sees the true scene, tries grasps out in a copy of it, and carries out one that held there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from functools import partial

import numpy as np

from autoglm_embodied.errors import ConfigError
from autoglm_embodied.grasping.antipodal_search import DEEPEST_M, SHALLOWEST_M, antipodal_grasps, best_object, in_sight
from autoglm_embodied.grasping.force_feedback import PolicyReport, same
from autoglm_embodied.grasping.grasp import (
    ALMOST_M,
    EMPTY_M,
    GUARD_N,
    GUARDED_M_S,
    LIFT_M_S,
    TRIAL_LIFT_M,
    Grasp,
    close_and_feel,
    come_down,
    grasp_at,
    lay_aside,
    let_go,
)
from autoglm_embodied.grasping.hand import MAX_WIDTH_M, HandPose, HandRig, unwrapped
from autoglm_embodied.grasping.height_map import HeightMap, height_map
from autoglm_embodied.types import FloatArray
from autoglm_embodied_sim.judge import judge
from autoglm_embodied_sim.robots.gantry import Gantry, overhead

SCATTER_M, DEEP = 0.012, 0.5
LOWEST_SCATTERED_TIP_M = 0.001
"""Lower than a policy dares that does not know where the table is: a ledge 7 mm up a fingertip then carries an edge."""
TRIES, DIGS = 10, 4  # each try that fails turns the object over
DISTINCT, SCATTERED, OF_NEIGHBOUR = 24, 200, 5  # grasps rehearsed
NEAR_M = 0.1  # between centres: such a neighbour may be in the way
ABOVE_M = 0.01  # the highest object, where a rehearsed descent begins


class Outcome(Enum):
    """What a rehearsed grasp does to an object."""

    LEFT = 0  # lying on the table
    LIFTED = 1  # a little, and lost again, or not alone
    HELD = 2  # this object alone, through lift and shake


class Rehearsal:
    """A twin of a rig whose hand is empty and aside; every grasp is tried from the same state."""

    def __init__(self, rig: Gantry, rest_height_m: FloatArray) -> None:
        """Copy the rig; `rest_height_m` (count,) is where the objects lay when the episode began."""
        self._twin, self._rest_height_m = rig.twin(), rest_height_m
        self._twin.tare()  # which takes as long as the objects need to fall asleep
        self._start = self._twin.state()
        self.heights = true_heights(rig)
        self._over_m = float(self.heights.height_m.max()) + ABOVE_M

    def centre_m(self, obj: int) -> FloatArray:
        """(3,) centre of mass of an object."""
        return np.asarray(self._twin.truth.position_m(self._start.data)[obj])

    def outcome(self, grasp: Grasp, obj: int) -> Outcome:
        """What becomes of this object by a guarded descent, closing, lift and shake."""
        twin = self._twin
        twin.restore(self._start)
        twin.park(grasp.pose.raised_to(self._over_m), grasp.opening_m)
        arrived = twin.move(grasp.pose, GUARDED_M_S, GUARD_N) or twin.pose.z_m < grasp.pose.z_m + ALMOST_M
        if not arrived or twin.grip(0.0) < EMPTY_M:
            return Outcome.LEFT
        twin.move(twin.pose.raised_to(twin.pose.z_m + TRIAL_LIFT_M), LIFT_M_S)
        risen_m = twin.truth.position_m(twin.data)[obj, 2] - self.centre_m(obj)[2]
        if risen_m < TRIAL_LIFT_M / 2:
            return Outcome.LEFT
        return Outcome.HELD if judge(twin, self._rest_height_m).success(obj) else Outcome.LIFTED


def keeps(rig: Gantry, obj: int, rest_height_m: FloatArray) -> bool:
    """Whether what the hand holds now would be this object and no other after lift and shake."""
    return judge(rig.twin(), rest_height_m).success(obj)


def true_heights(rig: Gantry) -> HeightMap:
    """The height map of a camera that knows where it is; the rig's own noise is left alone."""
    true = overhead(rig.surroundings, np.zeros(3))
    return height_map(rig.eye().view(rig.data, rig.time_ns, np.random.default_rng(0), true))


def distinct_grasps(
    heights: HeightMap, obj: int, centre_m: FloatArray, avoided: Sequence[Grasp], most: int
) -> list[Grasp]:
    """Up to `most` antipodal grasps of an object, each unlike those before it and those to avoid.

    Args:
        heights: of the table as it is.
        object: whose surface to take.
        centre_m: (3,) its centre of mass.
        avoided: grasps that failed.
        most: how many at most.
    """
    found = antipodal_grasps(heights, obj, preshape=True)
    found = replace(found, off_centre_m=np.linalg.norm(found.centre_m - centre_m[:2], axis=1))
    found = found.where(np.argsort(-found.score, kind="stable"))
    for grasp in avoided:
        found = found.where(~same(found, grasp))
    chosen: list[Grasp] = []
    while len(found) and len(chosen) < most:
        chosen.append(grasp_at(found, 0))
        found = found.where(~same(found, chosen[-1]))
    return chosen


def scattered_grasps(
    heights: HeightMap, obj: int, centre_m: FloatArray, rng: np.random.Generator, count: int
) -> list[Grasp]:
    """Grasps at random about the centre of mass, wide open: what the outlines seen from above do not show.

    Many reach as deep as the hand can, where fingers get below what bulges.
    """
    mine = heights.owner == obj
    if not mine.any():
        return []
    top = float(np.quantile(heights.height_m[mine], 0.98))
    deepest = max(LOWEST_SCATTERED_TIP_M, top - DEEPEST_M)
    depth = rng.uniform(SHALLOWEST_M, DEEPEST_M, count)
    tip = np.where(rng.random(count) < DEEP, deepest, np.maximum(deepest, top - depth))
    place = centre_m[:2] + SCATTER_M * rng.standard_normal((count, 2))
    yaw = rng.uniform(-np.pi / 2, np.pi / 2, count)
    return [
        Grasp(HandPose(float(x), float(y), float(z), float(turn)), MAX_WIDTH_M)
        for (x, y), z, turn in zip(place, tip, yaw, strict=True)
    ]


class Expert:
    """Shown the simulator's state; no policy that is to run on a robot may be built like this."""

    def run(self, rig: HandRig, target: int | None, rng: np.random.Generator) -> PolicyReport:
        """See GraspScript."""
        gantry = unwrapped(rig)
        if not isinstance(gantry, Gantry):
            raise ConfigError("the expert tries grasps out in copies of the gantry; run it with --rig gantry")
        rest_height_m = gantry.truth.position_m(gantry.data)[:, 2]
        if target is not None:
            return Search(gantry, target, rng, rest_height_m, rig).run()
        heights = true_heights(gantry)
        obj = best_object(heights, partial(antipodal_grasps, heights))
        if obj is None:
            return PolicyReport(0, 1, False)
        return Search(gantry, obj, rng, rest_height_m, rig, tries=TRIES - 1, digs=DIGS).run()


@dataclass(frozen=True)
class Approach:
    """One time that the hand came down in earnest."""

    stamp_ns: int
    obj: int
    grasp: Grasp


@dataclass
class Search:
    """One episode of the expert.

    Args:
        rig: with an empty hand that is aside; it is looked at and copied.
        target: the object to hold in the end.
        rng: for grasps at random.
        rest_height_m: (count,) of the objects' centres of mass.
        hand: moves the same hand, through whatever is wrapped around the rig.
        before: called each time before the hand comes down, while it is aside.
    """

    rig: Gantry
    target: int
    rng: np.random.Generator
    rest_height_m: FloatArray
    hand: HandRig
    before: Callable[[], None] | None = None
    approaches: list[Approach] = field(default_factory=list)
    tries: int = 0
    digs: int = 0
    failed: list[Grasp] = field(default_factory=list)  # held in rehearsal, or were the best there was

    def run(self) -> PolicyReport:
        """Try until the object is held; where nothing would hold it, take neighbours aside, then turn it over."""
        while self.tries < TRIES:
            rehearsal = Rehearsal(self.rig, self.rest_height_m)
            grasp, outcome = self.best(rehearsal)
            if outcome is not Outcome.HELD and self.digs < DIGS and self.dig(rehearsal):
                continue
            if grasp is None:
                break
            self.tries += 1
            if self.take(grasp, self.target) and keeps(self.rig, self.target, self.rest_height_m):
                return PolicyReport(len(self.approaches), self.tries, True)
            self.failed.append(grasp)
            let_go(self.hand)  # from a height: it comes to lie otherwise
        return PolicyReport(len(self.approaches), self.tries, False)

    def best(self, rehearsal: Rehearsal) -> tuple[Grasp | None, Outcome]:
        """The first grasp of the target that holds in rehearsal, else the first that lifts it, else any."""
        centre_m = rehearsal.centre_m(self.target)
        wanted = distinct_grasps(rehearsal.heights, self.target, centre_m, self.failed, DISTINCT)
        wanted += scattered_grasps(rehearsal.heights, self.target, centre_m, self.rng, SCATTERED)
        best, best_outcome = next(iter(wanted), None), Outcome.LEFT
        for grasp in wanted:
            outcome = rehearsal.outcome(grasp, self.target)
            if outcome.value > best_outcome.value:
                best, best_outcome = grasp, outcome
            if outcome is Outcome.HELD:
                break
        return best, best_outcome

    def dig(self, rehearsal: Rehearsal) -> bool:
        """Take the nearest neighbour aside for which a grasp holds in rehearsal; False if there is none."""
        self.digs += 1
        here = rehearsal.centre_m(self.target)[:2]
        far_m = {
            obj: float(np.linalg.norm(rehearsal.centre_m(obj)[:2] - here))
            for obj in in_sight(rehearsal.heights)
            if obj != self.target
        }
        for obj in sorted((obj for obj, far in far_m.items() if far < NEAR_M), key=lambda obj: far_m[obj]):
            wanted = distinct_grasps(rehearsal.heights, obj, rehearsal.centre_m(obj), (), OF_NEIGHBOUR)
            held = (grasp for grasp in wanted if rehearsal.outcome(grasp, obj) is Outcome.HELD)
            grasp = next(held, None)
            if grasp is not None:
                self.take(grasp, obj)
                lay_aside(self.hand, self.digs)
                return True
        return False

    def take(self, grasp: Grasp, obj: int) -> bool:
        """Come down on an object, close and lift; whether something is felt in the hand."""
        if self.before is not None:
            self.before()
        self.approaches.append(Approach(self.rig.time_ns, obj, grasp))
        return come_down(self.hand, grasp) and close_and_feel(self.hand)
