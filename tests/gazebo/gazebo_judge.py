"""The one judge of success, in Gazebo: it moves the hand through the servo node and looks at poses and contacts."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Condition
from typing import Any

import numpy as np
from autoglm_embodied_sim.judge import Verdict, judge
from autoglm_embodied_sim.robots.object_bodies import borne_by_hand
from gazebo_graph import BASE, PATIENCE_S, GazeboGraph
from gazebo_messages import parsed
from gazebo_transport import message_type
from geometry_msgs.msg import TwistStamped

from autoglm_embodied.ros.conversions import to_twist
from autoglm_embodied.ros.qos import COMMANDS
from autoglm_embodied.ros.run_node import BackgroundNode
from autoglm_embodied.types import FloatArray

FINGERS = ("panda::panda_left_finger", "panda::panda_right_finger")
POLL_S, CATCH_UP_S = 0.002, 0.05  # Gazebo tells its time a few times in that
HAND = ("panda::panda_hand", *FINGERS)


class GazeboJudge(BackgroundNode):
    """Drives the hand of a graph, and is asked where objects are and what touches them."""

    data: Any = None  # Gazebo's own state is asked instead

    def __init__(self, graph: GazeboGraph) -> None:
        super().__init__("judge", graph.domain)
        self.truth = self.contacts = self
        self._graph = graph
        self._changed = Condition()
        self._newest = b""
        self._due_s = 0.0
        graph.transport.subscribe(f"{BASE}/physics/contacts", message_type("Contacts"), self._take)
        self._publisher = self._node.create_publisher(TwistStamped, "servo_node/delta_twist_cmds", COMMANDS)
        self._spin()

    def verdict(self, rest_height_m: FloatArray) -> Verdict:
        """Lift and shake what is in the hand, and look.

        Args:
            rest_height_m: (K,) of the objects' centres where they lay.
        """
        self._due_s = self._graph.watch.time_s
        with self._governor_stopped():
            return judge(self, rest_height_m)

    def drive(self, twist: FloatArray, seconds: float) -> None:
        """Have the servo node follow a twist (6,) [m/s, rad/s, base frame] for so long of Gazebo's time."""
        self._publisher.publish(TwistStamped(twist=to_twist(twist)))
        watch = self._graph.watch
        self._due_s = max(self._due_s + seconds, watch.time_s - CATCH_UP_S)  # what looking took is not caught up
        while watch.time_s < self._due_s:
            time.sleep(POLL_S)

    def position_m(self, _: Any) -> FloatArray:
        """(K, 3) centres of the objects, now."""
        self._graph.watch.pass_time(0.1)
        return np.array([self._graph.watch.position_m[name] for name in self._graph.objects])

    def between(self, _: Any) -> frozenset[int]:
        """Objects that both fingers touch."""
        touched = self._touching()
        return frozenset(k for k, name in enumerate(self._graph.objects) if all((name, f) in touched for f in FINGERS))

    def borne_by_hand(self, _: Any, objects: frozenset[int]) -> frozenset[int]:
        """Of some objects, those that touch nothing but the hand and one another."""
        numbers = {name: k for k, name in enumerate(self._graph.objects)}
        elsewhere = [(one, other) for one, other in self._touching() if one in numbers and other not in HAND]
        return borne_by_hand(objects, [(numbers[one], numbers.get(other, -1)) for one, other in elsewhere])

    @contextmanager
    def _governor_stopped(self) -> Iterator[None]:
        """Its process does not run meanwhile: without commands of a policy it would hold the arm still."""
        governor = next(each for each in self._graph.processes.running if each.name == "governor_node").popen
        governor.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            governor.send_signal(signal.SIGCONT)

    def _touching(self) -> set[tuple[str, str]]:
        """What touches what in the next step that Gazebo tells of, from either side."""
        with self._changed:
            assert self._changed.wait(PATIENCE_S), "Gazebo tells of no contacts"
            contacts = parsed("Contacts", self._newest).contact
        pairs = [(_owner(each.collision1), _owner(each.collision2)) for each in contacts]
        return {*pairs, *((other, one) for one, other in pairs)}

    def _take(self, data: bytes) -> None:
        with self._changed:
            self._newest = data
            self._changed.notify_all()


def _owner(collision: str) -> str:
    """The link of a collision of the arm, the model of one of anything else."""
    model, link, _ = collision.split("::")
    return f"{model}::{link}" if model == "panda" else model
