"""The privileged expert: sees the true scene, tries grasps out in a copy of it, and carries out one that held there."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from autoglm_embodied.errors import ConfigError
from autoglm_embodied.types import FloatArray
from autoglm_embodied_sim.baselines.baseline import Told
from autoglm_embodied_sim.baselines.feeling import neighbours
from autoglm_embodied_sim.baselines.grasp import Grasp, close_and_feel, come_down, lay_aside, let_go
from autoglm_embodied_sim.gantry.hand_rig import HandRig
from autoglm_embodied_sim.gantry.rig import Gantry
from autoglm_embodied_sim.measure.trial import ALOFT_M
from autoglm_embodied_sim.privileged.candidates import coarse_grasps, distinct_grasps
from autoglm_embodied_sim.privileged.rehearsal import Rehearsal

TRIES, DIGS = 3, 4
REHEARSED, REHEARSED_OF_NEIGHBOUR = 24, 5


class Expert:
    """Shown the simulator's state; no policy that is to run on a robot may be built like this."""

    def run(self, rig: HandRig, target: int, rng: np.random.Generator) -> Told:
        """See Baseline."""
        if not isinstance(rig, Gantry):
            raise ConfigError("the expert tries grasps out in copies of the gantry; run it with --rig gantry")
        return Search(rig, target, rig.truth.position_m(rig.data)[:, 2]).run()


@dataclass
class Search:
    """One episode of the expert; `failed` are grasps that held in rehearsal and not in earnest."""

    rig: Gantry
    target: int
    rest_height_m: FloatArray
    approaches: int = 0
    tries: int = 0
    digs: int = 0
    failed: list[Grasp] = field(default_factory=list)

    def run(self) -> Told:
        """Try until the object is held; take neighbours aside where nothing holds it."""
        while self.tries < TRIES:
            rehearsal = Rehearsal(self.rig, self.rest_height_m)
            grasp = self.found(rehearsal)
            if grasp is None and self.digs < DIGS and self.dig(rehearsal):
                continue
            self.tries += 1
            if grasp is not None and self.take(grasp) and self.aloft():
                return Told(self.approaches, self.tries, True)
            if grasp is None:
                break
            self.failed.append(grasp)
            let_go(self.rig)
        return Told(self.approaches, self.tries, False)

    def found(self, rehearsal: Rehearsal) -> Grasp | None:
        """The best grasp of the target that holds in rehearsal."""
        centre_m = rehearsal.centre_m(self.target)
        wanted = distinct_grasps(rehearsal.heights, self.target, centre_m, self.failed, REHEARSED)
        wanted += coarse_grasps(rehearsal.heights, self.target, centre_m)
        return next((grasp for grasp in wanted if rehearsal.holds(grasp, self.target)), None)

    def dig(self, rehearsal: Rehearsal) -> bool:
        """Take the nearest neighbour aside for which a grasp holds in rehearsal; False if there is none."""
        self.digs += 1
        here = rehearsal.centre_m(self.target)[:2]
        near = sorted(
            neighbours(rehearsal.heights, self.target),
            key=lambda item: float(np.linalg.norm(rehearsal.centre_m(item)[:2] - here)),
        )
        for item in near:
            wanted = distinct_grasps(rehearsal.heights, item, rehearsal.centre_m(item), (), REHEARSED_OF_NEIGHBOUR)
            grasp = next((grasp for grasp in wanted if rehearsal.holds(grasp, item)), None)
            if grasp is not None:
                self.take(grasp)
                lay_aside(self.rig, self.digs)
                return True
        return False

    def take(self, grasp: Grasp) -> bool:
        """Come down, close and lift; whether something is felt in the hand."""
        self.approaches += 1
        return come_down(self.rig, grasp) and close_and_feel(self.rig)

    def aloft(self) -> bool:
        """Whether the target is up in the air."""
        return bool(self.rig.truth.position_m(self.rig.data)[self.target, 2] - self.rest_height_m[self.target] > ALOFT_M)
