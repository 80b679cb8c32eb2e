"""When the cameras of a rig take images, and when those arrive."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from autoglm_embodied.types import FloatArray
from autoglm_embodied_sim.sensors.sensor import Delivery
from autoglm_embodied_sim.sensors.sensor_specs import Sensors


@dataclass(frozen=True)
class Moment:
    """An image not drawn yet: the whole configuration at an instant, and which cameras deliver it now."""

    stamp_ns: int
    qpos: FloatArray
    colour: bool = True
    depth: bool = True


class Shutter:
    """Takes moments at the rates of both cameras and hands them over when they arrive."""

    def __init__(self, sensors: Sensors) -> None:
        self._colour, self._depth = Delivery(sensors.colour.timing), Delivery(sensors.depth.timing)
        self._waiting: dict[tuple[int, int], Moment] = {}  # by arrival and stamp

    def restart(self, rng: np.random.Generator, now_ns: int) -> None:
        """Forget what is under way; losses and delays are drawn from children of `rng`."""
        for delivery, own in zip((self._colour, self._depth), rng.spawn(2), strict=True):
            delivery.restart(own, now_ns)
        self._waiting.clear()

    def forget(self) -> None:
        """Drop what is under way; the cameras go on in their beat."""
        self._waiting.clear()

    def expose(self, now_ns: int, qpos: FloatArray) -> list[Moment]:
        """Offer the configuration of the next instant; returns the moments that arrive by then, oldest first."""
        for delivery, colour in ((self._colour, True), (self._depth, False)):
            if delivery.due(now_ns):
                self._take(delivery, colour, now_ns, qpos)
        if not self._waiting:
            return []
        arrived = sorted(key for key in self._waiting if key[0] <= now_ns)
        return [self._waiting.pop(key) for key in arrived]

    def _take(self, delivery: Delivery, colour: bool, now_ns: int, qpos: FloatArray) -> None:
        for arrival_ns in delivery.sample(np.array([now_ns]))[1].tolist():
            both = (arrival_ns, now_ns) in self._waiting
            copied = qpos.copy()
            self._waiting[arrival_ns, now_ns] = Moment(now_ns, copied, colour or both, both or not colour)
