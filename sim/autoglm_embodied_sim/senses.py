"""The fast sensors of a rig: wrist and joints, fed with the true state of every step."""

from __future__ import annotations

import numpy as np

from autoglm_embodied.types import FloatArray
from autoglm_embodied_sim.delivery import IntArray
from autoglm_embodied_sim.sensor import Sensor
from autoglm_embodied_sim.sensor_specs import Sensors


class Senses:
    """What wrist and joints delivered last, and the newest reading of each.

    Call `restart` before anything else.
    """

    def __init__(self, sensors: Sensors) -> None:
        self._wrench = Sensor(sensors.wrench.timing, sensors.wrench.channels)
        self._joints = Sensor(sensors.joints.timing, sensors.joints.channels)

    def restart(self, rng: np.random.Generator, now_ns: int, wrench: FloatArray, joints: FloatArray) -> None:
        """Begin at rest with the true wrench (6,) and joints (18,: positions, then velocities)."""
        joints_rng = rng.spawn(1)[0]
        self.wrench = self._wrench.restart(rng, now_ns, wrench)
        self.joints = self._joints.restart(joints_rng, now_ns, joints)
        self.newest_wrench: FloatArray = self.wrench.value[-1]
        self.newest_joints: FloatArray = self.joints.value[-1]

    def take(self, stamp_ns: IntArray, wrench: FloatArray, joints: FloatArray, now_ns: int) -> None:
        """Go on by n steps, with what was true (n, 6), (n, 18) after each, until `now_ns`."""
        self.wrench = self._wrench.deliver(stamp_ns, wrench, now_ns)
        self.joints = self._joints.deliver(stamp_ns, joints, now_ns)
        if len(self.wrench):
            self.newest_wrench = self.wrench.value[-1]
        if len(self.joints):
            self.newest_joints = self.joints.value[-1]
