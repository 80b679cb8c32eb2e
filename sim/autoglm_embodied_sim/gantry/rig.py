"""The gantry as a policy drives it: look, move, grip, feel. What only the simulator knows is apart, for the judge."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import mujoco
import numpy as np

from autoglm_embodied.types import FloatArray
from autoglm_embodied_sim.gantry.model import AXES, TIMESTEP_S, TIP_BELOW_HAND_M, build_gantry, overhead
from autoglm_embodied_sim.surroundings import PLAIN, Surroundings
from autoglm_embodied_sim.tabletop.hand_pose import MAX_WIDTH_M, TRAVEL_M_S, HandPose
from autoglm_embodied_sim.tabletop.item import Item
from autoglm_embodied_sim.tabletop.item_camera import ItemCamera
from autoglm_embodied_sim.tabletop.item_reader import ItemReader
from autoglm_embodied_sim.tabletop.view import View

FINGER_SPEED_M_S, FINGER_LEAD_M = 0.12, 0.015
TURN_RAD_S = 2.5
REST_S = 0.16  # a wrench read while the hand still slows down is off by a newton
WRENCH_SIGMA = np.array([0.05] * 3 + [0.002] * 3)  # N, N·m
AVERAGED = 25  # readings of a weighing
_TIP = np.array([0.0, 0.0, TIP_BELOW_HAND_M, 0.0])


ASIDE = HandPose(0.42, 0.0, 0.30, 0.0)
"""Out of the camera's sight."""
DUMPS = tuple(HandPose(ASIDE.x_m, 0.06 * place, 0.05, 0.0) for place in range(-2, 3))


class Gantry:
    """One scene on the gantry.

    Args:
        items: what lies on the table.
        hand_eye_m: (3,) how far the camera is believed to be from where it is.
        grip_force_n: of each finger.
        seed: of the sensors' noise.
        surroundings: light, table and camera.
    """

    def __init__(
        self,
        items: Sequence[Item],
        hand_eye_m: FloatArray,
        grip_force_n: float,
        seed: int,
        surroundings: Surroundings = PLAIN,
    ) -> None:
        self.model = build_gantry(items, surroundings)
        self._believed = overhead(surroundings, np.asarray(hand_eye_m, dtype=float))
        self.data = mujoco.MjData(self.model)
        self.grip_force_n = grip_force_n
        self._rng = np.random.default_rng(seed)
        self.truth = ItemReader(self.model, len(items))
        self._camera: ItemCamera | None = None
        gripper = self.model.actuator("gripper").id
        self.model.actuator_forcerange[gripper] = [-2 * grip_force_n, 2 * grip_force_n]  # its tendon halves it
        self._fingers = self.data.qpos[len(AXES) : len(AXES) + 2]  # a view
        self._bias = np.zeros(6)
        self._steps = 0
        self.origin_m: FloatArray = np.zeros(3)
        self.watch: Callable[[], None] | None = None  # called after every step; may read, and change nothing
        self.park()

    def park(self) -> None:
        """Put the hand aside, open, at once; only before an episode."""
        hand = ASIDE.values + _TIP
        self.data.qpos[: len(AXES)] = hand
        self.data.qvel[: len(AXES) + 2] = 0
        self.data.qpos[len(AXES) : len(AXES) + 2] = MAX_WIDTH_M / 2
        self.data.ctrl[: len(AXES)] = hand
        self._width_m, self._finger_m = MAX_WIDTH_M, MAX_WIDTH_M / 2

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
        return float(self._fingers.sum())

    @property
    def aside(self) -> HandPose:
        """Out of the camera's sight."""
        return ASIDE

    @property
    def dumps(self) -> Sequence[HandPose]:
        """Where to lay down, in turn, what is in the way of others: out of the camera's sight, too."""
        return DUMPS

    def look(self) -> View:
        """A picture from above."""
        mujoco.mj_kinematics(self.model, self.data)
        return self.eye().view(self.data, self.time_ns, self._rng)

    def eye(self) -> ItemCamera:
        """The camera, made when it is first needed: an episode without pictures needs no OpenGL."""
        if self._camera is None:
            self._camera = ItemCamera(self.model, "overhead", self._believed, self.truth.item_of_geom)
        return self._camera

    def wrench(self) -> FloatArray:
        """(6,) load on the wrist in the hand's frame [N, N·m], z down, less what was tared."""
        reading = -self.data.sensordata[:6] + WRENCH_SIGMA * self._rng.standard_normal(6)
        return np.asarray(reading - self._bias)

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
            if guard_n is not None and float(np.linalg.norm(self.wrench()[:3])) > guard_n:
                self.data.ctrl[: len(AXES)] = self.data.qpos[: len(AXES)]
                return False
        return True

    def swing(self, middle: HandPose, amplitude: HandPose, rate_hz: float, times: int) -> None:
        """Move to and fro about a pose along `amplitude`, as a sine that swells and fades within half a swing."""
        count = round(times / rate_hz / TIMESTEP_S)
        for index in range(count):
            turn = 2 * np.pi * rate_hz * index * TIMESTEP_S
            swell = min(1.0, 2 * times * min(index, count - index) / count)
            offset = amplitude.values * np.sin(turn) * (swell * swell * (3 - 2 * swell))
            self.data.ctrl[: len(AXES)] = middle.values + offset + _TIP
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
