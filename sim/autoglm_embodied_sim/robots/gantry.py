"""The gantry as a policy drives it: look, move, grip, feel. What only the simulator knows is apart, for the judge."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import dataclass
from typing import Any

import mujoco
import numpy as np

from autoglm_embodied.types import FloatArray
from autoglm_embodied_sim.robots.gantry_model import AXES, TIMESTEP_S, TIP_BELOW_HAND_M, build_gantry, overhead
from autoglm_embodied_sim.robots.hand_rig import MAX_WIDTH_M, TRAVEL_M_S, HandPose
from autoglm_embodied_sim.robots.object_state import ObjectState
from autoglm_embodied_sim.scenes.scene_object import SceneObject
from autoglm_embodied_sim.scenes.surroundings import PLAIN, Surroundings
from autoglm_embodied_sim.sensors.object_camera import ObjectCamera
from autoglm_embodied_sim.sensors.view import View

FINGER_SPEED_M_S, FINGER_LEAD_M = 0.12, 0.015
TURN_RAD_S = 2.5
REST_S = 0.16  # a wrench read while the hand still slows down is off by a newton
WRENCH_SIGMA = np.array([0.05] * 3 + [0.002] * 3)  # N, N·m
AVERAGED = 25  # readings of a weighing
_TIP = np.array([0.0, 0.0, TIP_BELOW_HAND_M, 0.0])


ASIDE = HandPose(0.42, 0.0, 0.30, 0.0)
"""Out of the camera's sight."""
SET_DOWN_POSES = tuple(HandPose(ASIDE.x_m, 0.06 * place, 0.05, 0.0) for place in range(-2, 3))


@dataclass(frozen=True)
class GantryState:
    """Everything that a gantry's motion from now on depends on, but its commands and its sensors' noise."""

    data: Any  # a copy of the MjData
    width_m: float
    finger_m: float
    bias: FloatArray
    steps: int


class Gantry:
    """One scene on the gantry.

    Args:
        objects: what lies on the table.
        hand_eye_m: (3,) how far the camera is believed to be from where it is.
        grip_force_n: of each finger.
        seed: of the sensors' noise.
        surroundings: light, table and camera.
    """

    def __init__(
        self,
        objects: Sequence[SceneObject],
        hand_eye_m: FloatArray,
        grip_force_n: float,
        seed: int,
        surroundings: Surroundings = PLAIN,
    ) -> None:
        self.model = build_gantry(objects, surroundings)
        self.data = mujoco.MjData(self.model)
        self.grip_force_n = grip_force_n
        self.surroundings, self.hand_eye_m = surroundings, np.asarray(hand_eye_m, dtype=float)
        self._rng = np.random.default_rng(seed)
        self.truth = ObjectState(self.model, len(objects))
        self._camera: ObjectCamera | None = None
        gripper = self.model.actuator("gripper").id
        self.model.actuator_forcerange[gripper] = [-2 * grip_force_n, 2 * grip_force_n]  # its tendon halves it
        self._fingers = self.data.qpos[len(AXES) : len(AXES) + 2]  # a view
        self._bias: FloatArray = np.zeros(6)
        self._reading: FloatArray = np.zeros(6)
        self._read_at = -1  # step
        self._steps = 0
        self.origin_m: FloatArray = np.zeros(3)
        self.watch: Callable[[], None] | None = None  # called after every step; may read, and change nothing
        self.park()

    def park(self, pose: HandPose = ASIDE, width_m: float = MAX_WIDTH_M) -> None:
        """Put the hand somewhere at once, aside and open by default; only before an episode, or in a twin."""
        hand = pose.values + _TIP
        self.data.qpos[: len(AXES)] = hand
        self.data.qvel[: len(AXES) + 2] = 0
        self.data.qpos[len(AXES) : len(AXES) + 2] = width_m / 2
        self.data.ctrl[: len(AXES)] = hand
        self._width_m, self._finger_m = width_m, width_m / 2

    def twin(self) -> Gantry:
        """A copy in the same state in which objects at rest cost nothing; what is done to it does not touch this rig.

        Its sensors' noise is the same for every twin, and it must not be looked through.
        """
        twin = object.__new__(Gantry)
        vars(twin).update(vars(self))
        twin.model, twin.data = copy(self.model), copy(self.data)
        twin.let_sleep()
        twin._fingers = twin.data.qpos[len(AXES) : len(AXES) + 2]
        twin._bias, twin._rng, twin._read_at = self._bias.copy(), np.random.default_rng(0), -1
        twin._camera, twin.watch = None, None
        return twin

    def let_sleep(self) -> None:
        """From now on, objects that lie still are left out of the physics until something touches them."""
        self.model.opt.enableflags |= int(mujoco.mjtEnableBit.mjENBL_SLEEP)

    def state(self) -> GantryState:
        """The state now, to come back to."""
        return GantryState(copy(self.data), self._width_m, self._finger_m, self._bias.copy(), self._steps)

    def restore(self, state: GantryState) -> None:
        """Go back to a state of this rig; the noise goes on where it is."""
        mujoco.mj_copyData(self.data, self.model, state.data)
        self._width_m, self._finger_m, self._steps = state.width_m, state.finger_m, state.steps
        self._bias, self._read_at = state.bias.copy(), -1

    @property
    def time_ns(self) -> int:
        """Simulated time since the rig was made."""
        return round(self._steps * TIMESTEP_S * 1e9)

    @property
    def pose(self) -> HandPose:
        """Where the fingertips are, as the axes' encoders say."""
        x, y, z, yaw = (float(value) for value in self.data.qpos[: len(AXES)])
        return HandPose(x, y, z - TIP_BELOW_HAND_M, yaw)

    @property
    def width_m(self) -> float:
        """The opening, as the fingers' encoders say."""
        return float(self._fingers[0] + self._fingers[1])

    @property
    def aside(self) -> HandPose:
        """Out of the camera's sight."""
        return ASIDE

    @property
    def set_down_poses(self) -> Sequence[HandPose]:
        """Where to lay down, in turn, what is in the way of others: out of the camera's sight, too."""
        return SET_DOWN_POSES

    def look(self) -> View:
        """An image from above."""
        return self.eye().view(self.data, self.time_ns, self._rng)

    def eye(self) -> ObjectCamera:
        """The camera, made when it is first needed: an episode without images needs no OpenGL."""
        if self._camera is None:
            believed = overhead(self.surroundings, self.hand_eye_m)
            self._camera = ObjectCamera(self.model, "overhead", believed, self.truth.object_of_geom)
        return self._camera

    def reading(self) -> FloatArray:
        """(6,) load on the wrist in the hand's frame [N, N·m], z down; one reading a step, however often it is read."""
        if self._read_at != self._steps:
            noise = WRENCH_SIGMA * self._rng.standard_normal(6)
            self._reading = np.asarray(noise - self.data.sensordata[:6])
            self._read_at = self._steps
        return self._reading

    def wrench(self) -> FloatArray:
        """(6,) the reading less what was tared."""
        return np.asarray(self.reading() - self._bias)

    @property
    def tared(self) -> FloatArray:
        """(6,) what is called nothing."""
        return self._bias.copy()

    @property
    def asked_width_m(self) -> float:
        """The opening that the fingers are to reach."""
        return self._width_m

    def tare(self) -> None:
        """Call what the wrist carries now nothing; the hand must be at rest."""
        self._bias += self.weigh()

    def weigh(self) -> FloatArray:
        """(6,) the wrench at rest, averaged."""
        self.wait(REST_S)
        readings = []
        for _ in range(AVERAGED):
            self._step()
            readings.append(self.wrench())
        return np.asarray(np.mean(readings, axis=0))

    def wait(self, seconds: float) -> None:
        """Stand still."""
        for _ in range(round(seconds / TIMESTEP_S)):
            self._step()

    def move(self, pose: HandPose, speed_m_s: float = TRAVEL_M_S, guard_n: float | None = None) -> bool:
        """Go straight to a pose, smoothly; with `guard_n`, stop where the wrist feels that much more force.

        Returns:
            Whether the pose was reached, that is, nothing was felt on the way.
        """
        start, goal = self.data.ctrl[: len(AXES)].copy(), pose.values + _TIP
        way = goal - start
        seconds = 1.875 * max(float(np.linalg.norm(way[:3])) / speed_m_s, abs(float(way[3])) / TURN_RAD_S)
        count = max(1, round(seconds / TIMESTEP_S))
        for index in range(1, count + 1):
            part = index / count
            self.data.ctrl[: len(AXES)] = start + way * (part**3 * (10 - 15 * part + 6 * part**2))
            self._step()
            if guard_n is not None and _newtons(self.wrench()) > guard_n:
                self.data.ctrl[: len(AXES)] = self.data.qpos[: len(AXES)]
                return False
        return True

    def drive(self, twist: FloatArray, seconds: float) -> None:
        """Move the hand with a twist (6,) [m/s, rad/s, table frame] for so long, whatever it meets."""
        start, velocity = self.data.ctrl[: len(AXES)].copy(), np.asarray(twist)[[0, 1, 2, 5]]
        for step in range(1, round(seconds / TIMESTEP_S) + 1):
            self.data.ctrl[: len(AXES)] = start + velocity * (step * TIMESTEP_S)
            self._step()

    def grip(self, width_m: float) -> float:
        """Move the fingers to an opening, or until they stand against something; returns the opening reached."""
        self._width_m = float(np.clip(width_m, 0, MAX_WIDTH_M))
        still = 0
        for _ in range(round(1.5 / TIMESTEP_S)):
            self._step()
            speed = abs(float(self.data.qvel[len(AXES) : len(AXES) + 2].sum()))
            still = still + 1 if speed < 0.004 else 0
            if still >= round(0.06 / TIMESTEP_S):
                break
        return self.width_m

    def close(self) -> None:
        """Free what is held on the GL side."""
        if self._camera is not None:
            self._camera.close()
            self._camera = None

    def _step(self) -> None:
        self.data.ctrl[len(AXES)] = self._next_finger()
        mujoco.mj_step(self.model, self.data)
        self._steps += 1
        if self.watch is not None:
            self.watch()

    def _next_finger(self) -> float:
        """The finger set-point moves at the gripper's speed and never runs far ahead of the fingers."""
        actual = 0.5 * float(self._fingers[0] + self._fingers[1])
        step = FINGER_SPEED_M_S / 2 * TIMESTEP_S
        wanted = min(max(self._width_m / 2, self._finger_m - step), self._finger_m + step)
        self._finger_m = min(max(wanted, actual - FINGER_LEAD_M), actual + FINGER_LEAD_M)
        return self._finger_m


def _newtons(wrench: FloatArray) -> float:
    force = wrench[:3]
    return math.sqrt(force.dot(force))  # what np.linalg.norm does, in a third of its time
