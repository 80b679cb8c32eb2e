"""Observing: nothing changes by it, and what it writes down is what happened."""

from __future__ import annotations

import numpy as np
import pytest
from autoglm_embodied_sim.eval.album import MOMENTS, Album
from autoglm_embodied_sim.eval.episode import Scenario, run_grasp_episode
from autoglm_embodied_sim.eval.failure import Closing, Failure, ObservedRig, failure_of
from autoglm_embodied_sim.judge import Verdict, judge
from autoglm_embodied_sim.objects.shape import box
from autoglm_embodied_sim.policies.baselines import Script
from autoglm_embodied_sim.robots.gantry import Gantry
from autoglm_embodied_sim.scenes.scene_object import SceneObject
from autoglm_embodied_sim.scenes.suite import SUITES

from autoglm_embodied.grasping.hand import HandPose
from autoglm_embodied.types import FloatArray

UPRIGHT = np.array([1.0, 0, 0, 0])
STEPS = 4096
BRICK, OVER, AT, NOTHING = frozenset({0}), HandPose(0, 0, 0.12, 0), HandPose(0, 0, 0.01, 0), frozenset[int]()


class Recorded(Gantry):
    """Keeps the reading of every step."""

    forces: list[FloatArray]

    def _step(self) -> None:
        super()._step()
        self.forces.append(self.data.sensordata[:3].copy())


def table(friction: float = 0.5) -> Recorded:
    """A gantry over one brick of 40 x 30 x 40 mm."""
    Recorded.forces = []
    rig = Recorded(
        [SceneObject(box(0.04, 0.03, 0.04), "red", (0.8, 0.1, 0.1), 0.3, friction)], np.zeros(3), 20.0, seed=0
    )
    rig.truth.place(rig.data, 0, np.array([0, 0, 0.02]), UPRIGHT)
    rig.wait(0.3)
    return rig


def test_an_observed_episode_goes_as_an_unobserved_one_to_the_bit() -> None:
    ends = []
    for observe in (True, False):
        rig = table()
        report = Script().run(ObservedRig(rig, lambda: None) if observe else rig, 0, np.random.default_rng(0))
        ends.append((report, rig.time_ns, rig.data.qpos.tobytes(), rig.data.qvel.tobytes(), rig.wrench().tobytes()))
        rig.close()
    assert ends[0] == ends[1]


def test_the_peak_force_is_the_largest_of_all_steps() -> None:
    rig = table()
    observed = ObservedRig(rig)
    rest_n, rig.forces[:] = rig.data.sensordata[:3].copy(), []
    assert observed.peak_force_n is None
    observed.move(HandPose(0, -0.04, 0.12, 0))
    observed.move(HandPose(0, -0.04, 0.035, 0))  # a finger comes down on the brick
    observed.wait(0.002 * STEPS)
    largest_n = max(float(np.linalg.norm(force - rest_n)) for force in rig.forces)
    assert len(rig.forces) > STEPS and observed.peak_force_n == largest_n > 10
    observed.end()
    for side in (1, -1):
        rig.drive(np.array([0, side, 0, 0, 0, 0]), 0.1)  # the judge's doing
    assert observed.peak_force_n == largest_n
    rig.close()


@pytest.mark.parametrize(
    ("friction", "down", "failure"),
    [
        (0.5, HandPose(0.1, 0.1, 0.01, 0), Failure.CLOSED_ON_NOTHING),
        (0.05, AT, Failure.SLIPPED_IN_LIFT),
    ],
)
def test_what_became_of_a_blind_grasp(friction: float, down: HandPose, failure: Failure) -> None:
    rig = table(friction)
    rest_height_m = rig.truth.position_m(rig.data)[:, 2]
    observed = ObservedRig(rig)
    observed.move(down.raised_to(0.12))
    observed.grip(0.06)  # to prepare is not to close
    observed.move(down)
    observed.grip(0.0)
    observed.move(down.raised_to(0.2), 0.12)
    observed.end()
    events = observed.events(BRICK, judge(rig, rest_height_m))
    gripped = NOTHING if failure is Failure.CLOSED_ON_NOTHING else BRICK
    assert events.closings == (Closing(gripped, NOTHING),) and not events.open_at_end
    assert failure_of(events) is failure
    rig.close()


def test_what_is_held_and_let_go_and_what_is_touched_is_written_down() -> None:
    seen: list[str] = []
    rig = table()
    observed = ObservedRig(rig, lambda: seen.append("contact"))
    observed.move(HandPose(0, -0.04, 0.1, 0))
    observed.tare()
    assert not observed.move(HandPose(0, -0.04, 0.01, 0), 0.1, 8.0)
    observed.move(OVER)
    observed.move(AT)
    observed.grip(0.0)
    observed.move(OVER)
    observed.grip(0.08)
    observed.end()
    events = observed.events(BRICK, Verdict((), ()))
    assert (events.stopped, events.closings, events.open_at_end) == (1, (Closing(BRICK, BRICK),), True)
    assert failure_of(events) is Failure.GAVE_UP and len(seen) == 2
    rig.close()


def test_images_change_nothing_and_show_every_moment() -> None:
    suite, bricks, album = SUITES["separated"].eased(), [box(0.05, 0.06, 0.06)], Album()
    plain = run_grasp_episode(Scenario(suite, bricks, 5), "script")
    assert run_grasp_episode(Scenario(suite, bricks, 5), "script", album=album) == plain
    assert tuple(album.jpegs) == MOMENTS and all(jpeg.startswith(b"\xff\xd8") for jpeg in album.jpegs.values())
    assert len(set(album.jpegs.values())) == len(MOMENTS)
    assert plain.failure is Failure.NONE and plain.peak_force_n is not None and plain.peak_force_n > 1
