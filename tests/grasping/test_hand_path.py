"""A hand's motions stay within what the governor lets pass."""

from __future__ import annotations

import numpy as np

from autoglm_embodied.grasping.hand import HandPose
from autoglm_embodied.grasping.hand_path import StraightPath
from autoglm_embodied.grasping.scripted_policy import FASTEST_M_S, GOVERNED
from autoglm_embodied.safety.limits import Limits


def test_the_paths_of_a_script_are_within_what_the_governor_lets_pass() -> None:
    limits, step_s = Limits(), 0.001
    for goal in (HandPose(0.3, 0.3, 0.1, 0.2), HandPose(0.01, 0, 0, 0), HandPose(0, 0, 0, 1.5)):
        path = StraightPath(HandPose(0, 0, 0, 0), goal, FASTEST_M_S, GOVERNED)
        places = np.array([path.at(seconds) for seconds in np.arange(0, path.seconds, step_s)])
        velocity = np.diff(places, axis=0) / step_s
        assert np.linalg.norm(velocity[:, :3], axis=1).max() < limits.max_linear_m_s
        assert np.abs(velocity[:, 3]).max() < limits.max_angular_rad_s
        acceleration = np.diff(velocity, axis=0) / step_s
        assert np.linalg.norm(acceleration[:, :3], axis=1).max() < limits.max_linear_m_s2
        assert np.abs(acceleration[:, 3]).max() < limits.max_angular_rad_s2
