"""The suite primitives on the arm as a gymnasium environment, `AutoGLMGrasp-v0`; needs the extra `gymnasium`.

What an agent sees and does has units and frames; readings out of range saturate.
"""

from __future__ import annotations

from collections import deque
from functools import partial
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from autoglm_embodied.errors import ConfigError
from autoglm_embodied.grasping.hand import MAX_WIDTH_M
from autoglm_embodied.kinematics import Robot
from autoglm_embodied.types import FloatArray, Frame
from autoglm_embodied.vocabulary import COLOURS, SHAPES
from autoglm_embodied_sim.judge import hanging, judge
from autoglm_embodied_sim.language.grammar import LEARNING_GRAMMAR
from autoglm_embodied_sim.robots.arm import Arm
from autoglm_embodied_sim.robots.hand_rig import command_array
from autoglm_embodied_sim.robots.layout import GraspTask, lay_out_task
from autoglm_embodied_sim.scenes.scene import sample_grasp_scene
from autoglm_embodied_sim.scenes.suite import suite_named
from autoglm_embodied_sim.sensors.camera import MAX_HEIGHT_PX, MAX_WIDTH_PX
from autoglm_embodied_sim.sensors.renderer import release_gl
from autoglm_embodied_sim.sensors.sensor import Moment, Shutter
from autoglm_embodied_sim.sensors.sensor_specs import PANDA, Sensors

STEPS_PER_ACTION = 33
SETTLE_STEPS = 200
LONGEST_SETTLING_NS = 2_000_000_000
SUITE = suite_named("primitives")

FARTHEST_M = 10.0
WRENCH_SAMPLES = 64
WRENCH_RANGE = np.repeat([500.0, 50.0], 3)  # [N, N·m]
POSITION_RANGE = (2 * np.pi, 2 * MAX_WIDTH_M)  # of a joint [rad] and of a finger [m]
VELOCITY_RANGE = (20.0, 5.0)  # [rad/s, m/s]
TWIST_RANGE = np.repeat([0.3, 1.0], 3)  # [m/s, rad/s], what the governor lets pass on a robot
LONGEST = len("pick up the ") + max(map(len, COLOURS)) + 1 + max(map(len, SHAPES))

Observation = dict[str, Any]


def observation_spaces(width: int, height: int, robot: Robot) -> dict[str, spaces.Box]:
    """What the sensors delivered last, and what is asked for; no state of the simulator.

    - `rgb` (height, width, 3): colour of the fixed camera, 0 to 255.
    - `depth_m` (height, width): depth along the optical axis, aligned with colour [m]; 0 where unknown.
    - `wrench` (64, 6): force, then torque on the wrist sensor in panda_ft, the hand's weight included [N, N·m]; the
      newest sample is the last.
    - `joint_position` (n,): the arm's joints [rad], then its fingers [m], as the robot's file lists them.
    - `joint_velocity` (n,): the same [rad/s, m/s].
    - `instruction` (27,): the sentence in UTF-8, filled up with zeros, which `instruction_text` reads. A `spaces.Text`
      would be "aaa..." in an AsyncVectorEnv, which reads texts in shared memory but once, before the first reset.

    Args:
        width, height: of the image [px].
        robot: whose joints are read.
    """
    joints = len(robot.joint_names), len(robot.finger_joint_names)
    return {
        "rgb": spaces.Box(0, 255, (height, width, 3), np.uint8),
        "depth_m": spaces.Box(0.0, FARTHEST_M, (height, width), np.float32),
        "wrench": _symmetric(np.tile(WRENCH_RANGE, (WRENCH_SAMPLES, 1))),
        "joint_position": _symmetric(np.repeat(POSITION_RANGE, joints)),
        "joint_velocity": _symmetric(np.repeat(VELOCITY_RANGE, joints)),
        "instruction": spaces.Box(0, 255, (LONGEST,), np.uint8),
    }


def action_space() -> spaces.Box:
    """What is commanded for the next 33 ms, (7,).

    - 0 to 2: linear velocity of the tool, between the fingertips, in the base frame panda_link0, +-0.3 [m/s].
    - 3 to 5: its angular velocity in the base frame, +-1 [rad/s].
    - 6: opening of the gripper between the fingers, 0 to 0.08 [m].
    """
    low, high = np.append(-TWIST_RANGE, 0.0), np.append(TWIST_RANGE, MAX_WIDTH_M)
    return spaces.Box(low.astype(np.float32), high.astype(np.float32), dtype=np.float32)


def saturated(space: spaces.Box, value: NDArray[Any]) -> NDArray[Any]:
    """`value` in the type and within the range of a Box; the result is the caller's own."""
    return np.asarray(np.clip(value, space.low, space.high), space.dtype)


def _symmetric(limit: FloatArray) -> spaces.Box:
    limit = limit.astype(np.float32)
    return spaces.Box(-limit, limit, dtype=np.float32)


class GraspEnvironment(gymnasium.Env[Observation, Any]):
    """Grasp and lift the object that the instruction names, from what the sensors deliver.

    See `observation_spaces` and `action_space`. The episode terminates once an object hangs from the hand, 13.5 cm
    above where it lay and touching nothing else: the judge then lifts and shakes it, and the reward is 1 if the named
    object, and no other, still hangs there; it is 0 in every other case and every other step. `info["held"]` lists by
    name what the judge found.
    A seed gives the same episode to the bit, whatever came before it. Any thread may go on with it, one at a time; once
    reset, it cannot be copied or pickled.

    Args:
        width, height: of the image [px], at most 640 and 480.
        sensors_file: what the sensors deliver, YAML; as shipped without it.
        render_mode: None, or "rgb_array" for the colour image.
    """

    metadata = {"render_modes": ["rgb_array"], "render_fps": 30}

    def __init__(
        self, width: int = 320, height: int = 240, sensors_file: str | None = None, render_mode: str | None = None
    ) -> None:
        if render_mode not in (None, *self.metadata["render_modes"]):
            raise ConfigError(f"render_mode must be None or rgb_array, got {render_mode!r}")
        if width not in range(1, MAX_WIDTH_PX + 1) or height not in range(1, MAX_HEIGHT_PX + 1):
            raise ConfigError(f"an image must be 1x1 to {MAX_WIDTH_PX}x{MAX_HEIGHT_PX} px, got {width}x{height}")
        self.render_mode = render_mode
        self._readings, self._action = observation_spaces(width, height, PANDA), action_space()
        self.observation_space = spaces.Dict({**self._readings})
        self.action_space = self._action
        self._size = width, height
        sensors = Sensors.from_file(Path(sensors_file) if sensors_file else None)
        self._kind = partial(Arm, sensors=sensors, scattered=True)
        self._shutter = Shutter(sensors)
        self._wrenches: deque[FloatArray] = deque(maxlen=WRENCH_SAMPLES)
        self._task: GraspTask[Arm] | None = None

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observation, dict[str, Any]]:
        """Draw a scene, lay it out, and wait until the sensors have something to say; `options` must be empty."""
        super().reset(seed=seed)
        if options:
            raise ConfigError(f"reset knows no options, got {', '.join(options)}")
        self.close()
        scene = sample_grasp_scene(SUITE, (), int(self.np_random.integers(2**31)))
        self._task = lay_out_task(SUITE, scene, LEARNING_GRAMMAR, self._kind)
        self._rig = self._task.rig.rig
        self._shutter.restart(np.random.default_rng(scene.seed), self._rig.time_ns)
        self._wrenches.clear()
        self._colour = self._depth = self._draw(Moment(self._rig.time_ns, self._rig.data.qpos))
        latest_ns = self._rig.time_ns + LONGEST_SETTLING_NS
        self._run(SETTLE_STEPS)
        while len(self._wrenches) < WRENCH_SAMPLES:
            if self._rig.time_ns > latest_ns:
                raise ConfigError("the wrist sensor delivers too few samples; raise its rate or lower its dropout")
            self._run(STEPS_PER_ACTION)
        return self._observe(), {}

    def step(self, action: FloatArray) -> tuple[Observation, float, bool, bool, dict[str, Any]]:
        """Move for 33 ms; see the class for reward and end.

        Raises:
            CommandError: the action is not 7 finite numbers; nothing was moved.
        """
        task = self._begun()
        wanted = saturated(self._action, command_array("an action [m/s, rad/s, m]", action, self._action.shape))
        self._rig.command(wanted[:6], float(wanted[6]))
        self._run(STEPS_PER_ACTION)
        observation = self._observe()
        if not hanging(task.rig, task.rest_height_m):
            return observation, 0.0, False, False, {}
        verdict = judge(task.rig, task.rest_height_m)
        held = [task.scene.objects[obj].name for obj in verdict.held]
        return observation, float(verdict.success(task.target)), True, False, {"held": held}

    def render(self) -> NDArray[np.uint8] | None:
        """The newest colour image in render mode rgb_array."""
        self._begun()
        return self._colour.rgb.copy() if self.render_mode == "rgb_array" else None

    def close(self) -> None:
        """Free the renderer."""
        if self._task is not None:
            self._task.rig.close()
            self._task = None

    def __getstate__(self) -> dict[str, Any]:
        """What is copied or pickled; ConfigError once there is a simulator, which cannot be."""
        if self._task is not None:
            raise ConfigError(
                "an environment cannot be copied or pickled once it was reset; make another, and reset it with the "
                "same seed, or close this one first"
            )
        return vars(self)

    def _begun(self) -> GraspTask[Arm]:
        if self._task is None:
            raise ConfigError("the environment has no task yet; call reset first")
        return self._task

    def _run(self, steps: int) -> None:
        """Go on by `steps` ms, and take what the sensors deliver meanwhile."""
        newest: dict[str, Moment] = {}
        for _ in range(steps):
            self._rig.step(1)
            self._wrenches.extend(self._rig.wrenches())
            for moment in self._shutter.expose(self._rig.time_ns, self._rig.data.qpos):
                newest |= {name: moment for name in ("colour", "depth") if getattr(moment, name)}
        drawn = {moment.stamp_ns: self._draw(moment) for moment in newest.values()}
        if "colour" in newest:
            self._colour = drawn[newest["colour"].stamp_ns]
        if "depth" in newest:
            self._depth = drawn[newest["depth"].stamp_ns]

    def _draw(self, moment: Moment) -> Frame:
        frame = self._rig.draw(moment, *self._size)
        release_gl()
        return frame

    def _observe(self) -> Observation:
        position, velocity = self._rig.joints()
        readings = {
            "rgb": self._colour.rgb,
            "depth_m": self._depth.depth_m,
            "wrench": np.stack(self._wrenches),
            "joint_position": position,
            "joint_velocity": velocity,
            "instruction": np.frombuffer(self._begun().words.encode().ljust(LONGEST, b"\0"), np.uint8),
        }
        return {name: saturated(self._readings[name], value) for name, value in readings.items()}
