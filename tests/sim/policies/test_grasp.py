"""How a script feels whether it holds something: at rest, and while it sways."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pytest
from autoglm_embodied_sim.objects.shape import box
from autoglm_embodied_sim.robots.gantry import Gantry
from autoglm_embodied_sim.scenes.scene_object import SceneObject

from autoglm_embodied.grasping.grasp import Grasp, close_and_feel, come_down, sway_and_feel
from autoglm_embodied.grasping.hand import HandPose

ACROSS = Grasp(HandPose(0, 0, 0.008, 0))
Lay = Callable[[float], Gantry]


@pytest.fixture
def lay() -> Iterator[Lay]:
    """Makes gantries of 8 N with a brick at the origin, of which friction of 0.35 carries 0.57 kg at rest."""
    rigs = []

    def made(mass_kg: float) -> Gantry:
        brick = SceneObject(box(0.04, 0.03, 0.04), "red", (0.8, 0.1, 0.1), mass_kg, 0.35)
        rigs.append(Gantry([brick], np.zeros(3), 8.0, seed=0))
        rigs[-1].truth.place(rigs[-1].data, 0, np.array([0, 0, 0.02]), np.array([1.0, 0, 0, 0]))
        rigs[-1].wait(0.2)
        return rigs[-1]

    yield made
    for rig in rigs:
        rig.close()


@pytest.mark.parametrize(("mass_kg", "lifted", "stays"), [(0.3, True, True), (0.55, True, False), (0.7, False, False)])
def test_what_only_just_holds_is_lost_while_it_sways(lay: Lay, mass_kg: float, lifted: bool, stays: bool) -> None:
    rig = lay(mass_kg)
    assert come_down(rig, ACROSS)
    assert close_and_feel(rig) is lifted
    assert sway_and_feel(rig) is stays


def test_swaying_ends_where_it_began(lay: Lay) -> None:
    rig = lay(0.3)
    come_down(rig, ACROSS)
    close_and_feel(rig)
    before = rig.pose
    sway_and_feel(rig)
    np.testing.assert_allclose(rig.pose.values, before.values, atol=1e-3)
