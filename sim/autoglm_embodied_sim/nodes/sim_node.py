"""The simulated robot as a ROS 2 node: the topics and services of config, in real time."""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from geometry_msgs.msg import TwistStamped
from rclpy.node import Node
from rclpy.parameter import Parameter
from rclpy.task import Future
from std_msgs.msg import Float64MultiArray
from std_srvs.srv import Trigger

from autoglm_embodied.errors import AutoGLMError, ConfigError
from autoglm_embodied.kinematics import Robot
from autoglm_embodied.nodes.conversions import twist_array
from autoglm_embodied.nodes.diagnostics import Diagnostics, Health
from autoglm_embodied.nodes.lifetime import run
from autoglm_embodied.nodes.parameters import file_parameter, parameter
from autoglm_embodied.nodes.polled import PolledSubscription
from autoglm_embodied.nodes.qos import COMMANDS
from autoglm_embodied.types import FloatArray
from autoglm_embodied_sim.camera import CameraSettings
from autoglm_embodied_sim.judge import held_things, trial
from autoglm_embodied_sim.nodes.camera_thread import CameraThread
from autoglm_embodied_sim.nodes.publishers import FastPublishers, FramePublishers
from autoglm_embodied_sim.nodes.stepper import WAKE_STEPS, Job, Stepper
from autoglm_embodied_sim.rig import STEP_NS, ArmRig
from autoglm_embodied_sim.scene import Scene, sample_scene
from autoglm_embodied_sim.sensor_specs import SHIPPED, Sensors
from autoglm_embodied_sim.shutter import Shutter

SWITCH_INTERVAL_S = 0.0005  # the stepping thread must not wait 5 ms for another one's turn to end
MIN_SLOTS = 3
LATE_NS = 50_000_000


class SimNode:
    """Owns the rig, its stepping and camera threads, and their ROS objects."""

    def __init__(self) -> None:
        self.failure: Exception | None = None
        self.ros = Node("sim_node")
        parameter(self.ros, "seed", 0)
        parameter(self.ros, "things", 3)
        parameter(self.ros, "unique", True)
        robot = Robot.from_file(file_parameter(self.ros, "robot_file", "panda.yaml"))
        camera = CameraSettings.from_file(file_parameter(self.ros, "camera_file", "camera.yaml"))
        sensors = Sensors.from_file(file_parameter(self.ros, "sensors_file", SHIPPED))
        self._model_lock = threading.Lock()
        self._slots = max(MIN_SLOTS, self._value("things"))
        scene = self._next_scene()
        self._rig = ArmRig(self._value("seed"), slots=self._slots, camera=camera, sensors=sensors)
        self._shutter = Shutter(sensors)
        self._rig.reset(scene)
        self._shutter.restart(np.random.default_rng(scene.seed), self._rig.time_ns)
        self._fast = FastPublishers(self.ros, robot)
        self._frames = FramePublishers(self.ros, camera.frame_id)
        self._camera = CameraThread(self._rig, self._model_lock, self._frames.publish, self._fail)
        self._stepper = Stepper(self._rig, self._after_step, self._fail)
        self._subscribe()
        self.ros.create_service(Trigger, "sim/reset", self._on_reset)
        self.ros.create_service(Trigger, "sim/judge", self._on_judge)
        self._diagnostics = Diagnostics(self.ros, robot.name, self._health)
        self._marked = (time.monotonic_ns(), 0)
        self._start()

    def close(self) -> None:
        """End both threads."""
        self._stepper.close()
        self._camera.close()

    def _start(self) -> None:
        sys.setswitchinterval(SWITCH_INTERVAL_S)
        self._camera.start()
        if self.failure is not None:
            self._camera.close()
            raise self.failure
        self._stepper.start()

    def _subscribe(self) -> None:
        twist_topic = parameter(self.ros, "twist_topic", "servo_node/delta_twist_cmds")
        gripper_topic = parameter(self.ros, "gripper_topic", "gripper_controller/commands")
        self._commands = [
            PolledSubscription(self.ros, TwistStamped, twist_topic, self._on_twist, COMMANDS),
            PolledSubscription(self.ros, Float64MultiArray, gripper_topic, self._on_gripper, COMMANDS),
        ]

    def _on_twist(self, message: TwistStamped) -> None:
        twist = twist_array(message.twist)
        if np.isfinite(twist).all():
            self._stepper.command_twist(twist)
        else:
            self.ros.get_logger().warning("a twist that is not finite was ignored", throttle_duration_sec=1.0)

    def _on_gripper(self, message: Float64MultiArray) -> None:
        if len(message.data) and np.isfinite(message.data[0]):
            self._stepper.command_width(2 * message.data[0])

    def _after_step(self, t_ns: int) -> None:
        """Send what arrives in this millisecond, and take what was commanded; in the stepping thread."""
        now_ns = self._rig.time_ns
        self._fast.publish(self._rig.wrench_samples(), self._rig.joint_samples(), t_ns - now_ns)
        if self._stepper.steps % WAKE_STEPS == 0:
            for subscription in self._commands:
                subscription.poll()
        for moment in self._shutter.expose(now_ns, self._rig.data.qpos):
            self._camera.take(replace(moment, stamp_ns=t_ns - now_ns + moment.stamp_ns))

    async def _on_reset(self, _: Trigger.Request, response: Any) -> Any:
        """Lay out the scene of parameter `seed`, and count the seed up for the next time."""
        seed = self._value("seed")
        try:
            scene = self._next_scene()
        except AutoGLMError as error:
            response.success, response.message = False, str(error)
            return response
        await self._done(partial(self._reset, scene))
        self.ros.set_parameters([Parameter("seed", value=seed + 1)])
        response.success, response.message = True, json.dumps({"seed": seed, "things": _listed(scene)})
        return response

    async def _on_judge(self, _: Trigger.Request, response: Any) -> Any:
        """Lift what is in the hand if it is not up yet, shake it, and say what is still held."""
        held = await self._done(self._judge)
        things = _listed(self._rig.scene)
        answer = {"held": [things[index] for index in held], "things": things}
        for index, thing in enumerate(things):
            thing["held"] = index in held
        response.success, response.message = True, json.dumps(answer)
        return response

    def _done(self, job: Callable[[Future], Job]) -> Future:
        """A future of what `job` gives, which the stepping thread runs."""
        future = Future(executor=self.ros.executor)
        self._stepper.do(job(future))
        return future

    def _reset(self, scene: Scene, future: Future) -> Iterator[FloatArray]:
        with self._model_lock:
            self._rig.reset(scene)
            self._shutter.forget()  # no frame is late or early for a new scene
        future.set_result(None)
        yield np.zeros(6)

    def _judge(self, future: Future) -> Iterator[FloatArray]:
        yield from trial(self._rig)
        future.set_result(held_things(self._rig))

    def _next_scene(self) -> Scene:
        seed, count = self._value("seed"), self._value("things")
        if seed < 0:
            raise ConfigError(f"parameter seed must be 0 or more, got {seed}")
        if not 1 <= count <= self._slots:
            raise ConfigError(
                f"parameter things must be 1 to {self._slots}, got {count}; for more, start the node with it"
            )
        return sample_scene(np.random.default_rng(seed), count, self._value("unique"))

    def _value(self, name: str) -> Any:
        return self.ros.get_parameter(name).value

    def _health(self) -> Health:
        now_ns, steps = time.monotonic_ns(), self._stepper.steps
        (marked_ns, marked_steps), self._marked = self._marked, (now_ns, steps)
        lag_ns = self._stepper.take_worst_lag_ns()
        values = {
            "sent_wrench": self._fast.sent_wrench,
            "sent_joints": self._fast.sent_joints,
            "sent_rgb": self._frames.sent_colour,
            "sent_depth": self._frames.sent_depth,
            "realtime_factor": (steps - marked_steps) * STEP_NS / max(1, now_ns - marked_ns),
            "worst_lag_ms": lag_ns / 1e6,
            "jumped_ms": self._stepper.jumped_ns / 1e6,
        }
        well = lag_ns < LATE_NS
        return Health(well, "in real time" if well else "late: this machine is too busy", values)

    def _fail(self, error: Exception) -> None:
        self.failure = error


def _listed(scene: Scene) -> list[dict[str, Any]]:
    return [
        {
            "colour": thing.colour,
            "shape": thing.shape,
            "size_m": round(thing.size_m, 4),
            "position_m": [round(value, 4) for value in thing.position_m],
            "mass_kg": round(thing.mass_kg, 3),
            "friction": round(thing.friction, 3),
        }
        for thing in scene.things
    ]


def main() -> None:
    """Run the node until it is told to end."""
    sys.exit(run(SimNode))


if __name__ == "__main__":
    main()
