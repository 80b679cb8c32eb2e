"""The simulated robot as a ROS 2 node: the topics and services of config, in real time."""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
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

from autoglm_embodied.errors import AutoGLMError, CommandError
from autoglm_embodied.kinematics import Robot
from autoglm_embodied.ros.conversions import twist_array
from autoglm_embodied.ros.diagnostics import Diagnostics, Item, Level, trouble_if
from autoglm_embodied.ros.parameters import file_parameter, parameter, topic_about
from autoglm_embodied.ros.polled_subscription import PolledSubscription
from autoglm_embodied.ros.qos import COMMANDS
from autoglm_embodied.ros.run_node import run
from autoglm_embodied.setting import About
from autoglm_embodied.types import FloatArray
from autoglm_embodied_sim.eval.splits import named_shapes, split_grammar
from autoglm_embodied_sim.nodes.camera_thread import CameraThread
from autoglm_embodied_sim.nodes.publishers import FastPublishers, FramePublishers, MaskPublisher
from autoglm_embodied_sim.nodes.stepper import WAKE_STEPS, Job, Stepper
from autoglm_embodied_sim.nodes.table import Table
from autoglm_embodied_sim.robots.arm import Arm
from autoglm_embodied_sim.robots.arm_rig import STEP_NS
from autoglm_embodied_sim.robots.hand_rig import command_array
from autoglm_embodied_sim.robots.layout import GraspTask
from autoglm_embodied_sim.scenes.suite import Suite, suite_named
from autoglm_embodied_sim.sensors.camera import CameraSettings
from autoglm_embodied_sim.sensors.sensor import Shutter
from autoglm_embodied_sim.sensors.sensor_specs import SHIPPED, Sensors

SWITCH_INTERVAL_S = 0.0005  # the stepping thread must not wait 5 ms for another one's turn to end
LATE_NS = 50_000_000


class SimNode:
    """Owns the rig, its stepping and camera threads, and their ROS objects."""

    def __init__(self) -> None:
        self.failure: Exception | None = None
        self.ros = Node("sim_node")
        parameter(self.ros, "seed", 0, About("of the next scene", least=0, most=2**31 - 1, live=True))
        parameter(self.ros, "suite", "primitives", About("of scenes, as autoglm evaluate --suite names them"))
        parameter(self.ros, "count", 0, About("objects of a scene; 0: as the suite has it", least=0, most=100))
        parameter(self.ros, "unique", True, About("whether no two primitives are alike"))
        parameter(self.ros, "objects", "validate", About("split, train, validate or test, or a folder of meshes"))
        parameter(self.ros, "easy", False, About("whether the physics is the easy one"))
        robot = Robot.from_file(file_parameter(self.ros, "robot_file", "panda.yaml"))
        camera = CameraSettings.from_file(file_parameter(self.ros, "camera_file", "camera.yaml"))
        sensors = Sensors.from_file(file_parameter(self.ros, "sensors_file", SHIPPED), robot)
        objects = self._value("objects")
        shapes = () if self._suite().primitives else named_shapes(objects)
        self._table = Table(self._suite, shapes, split_grammar(objects), camera, sensors, self._value("seed"), robot)
        self._rig = self._table.rig
        self._shutter = Shutter(sensors)
        self._shutter.restart(np.random.default_rng(self._rig.seed), 0)
        self._fast = FastPublishers(self.ros, robot)
        self._frames = FramePublishers(self.ros, camera.frame_id)
        masks = MaskPublisher(self.ros, camera.frame_id)
        self._camera = CameraThread(self._table.task, self._frames.publish, masks, self._fail)
        self._stepper = Stepper(self._rig, self._after_step, self._fail)
        self._subscribe()
        self.ros.create_service(Trigger, "sim/reset", self._on_reset)
        self.ros.create_service(Trigger, "sim/judge", self._on_judge)
        self._diagnostics = Diagnostics(self.ros, robot.name, self._items)
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
        twist_topic = parameter(self.ros, "twist_topic", "servo_node/delta_twist_cmds", topic_about("twist"))
        gripper_topic = parameter(self.ros, "gripper_topic", "gripper_controller/commands", topic_about("gripper"))
        self._commands = [
            PolledSubscription(self.ros, TwistStamped, twist_topic, self._on_twist, COMMANDS),
            PolledSubscription(self.ros, Float64MultiArray, gripper_topic, self._on_gripper, COMMANDS),
        ]

    def _on_twist(self, message: TwistStamped) -> None:
        with self._refusing():
            self._stepper.command_twist(command_array("a twist [m/s, rad/s]", twist_array(message.twist), (6,)))

    def _on_gripper(self, message: Float64MultiArray) -> None:
        with self._refusing():
            self._stepper.command_width(2 * command_array("a finger's position [m]", message.data[:1], (1,)).item())

    @contextmanager
    def _refusing(self) -> Iterator[None]:
        """Passes over a command that is none, with a warning."""
        try:
            yield
        except CommandError as error:
            self.ros.get_logger().warning(str(error), throttle_duration_sec=1.0)

    def _after_step(self, t_ns: int) -> None:
        """Send what arrives in this millisecond, and take what was commanded; in the stepping thread."""
        self._fast.publish(self._rig.wrench_samples(), self._rig.joint_samples(), t_ns - self._rig.time_ns)
        if self._stepper.steps % WAKE_STEPS == 0:
            for subscription in self._commands:
                subscription.poll()
        since_start_ns = self._stepper.steps * STEP_NS  # which goes on over resets, as the cameras' beat does
        for moment in self._shutter.expose(since_start_ns, self._rig.data.qpos):
            self._camera.take(replace(moment, stamp_ns=t_ns - since_start_ns + moment.stamp_ns))

    async def _on_reset(self, _: Trigger.Request, response: Any) -> Any:
        """Lay out the scene of parameter `seed`, and count the seed up for the next time."""
        seed = self._value("seed")
        try:
            task: Any = await self._prepared(seed)
        except AutoGLMError as error:
            response.success, response.message = False, str(error)
            return response
        await self._done(partial(self._reset, task))
        self.ros.set_parameters([Parameter("seed", value=seed + 1)])
        answer = {"seed": seed, "suite": self._value("suite")} | self._table.scene()
        response.success, response.message = True, json.dumps(answer)
        return response

    async def _on_judge(self, _: Trigger.Request, response: Any) -> Any:
        """Lift what is in the hand if it is not up yet, shake it, and say what is still held."""
        held: Any = await self._done(self._judge)
        objects = [obj | {"held": index in held} for index, obj in enumerate(self._table.objects())]
        response.success, response.message = True, json.dumps({"held": held, "objects": objects})
        return response

    def _prepared(self, seed: int) -> Future[Any]:
        """A future of the scene of a seed, which a thread of its own prepares: the arm must not stand still for it."""
        future: Future[Any] = Future(executor=self.ros.executor)

        def prepare() -> None:
            try:
                future.set_result(self._table.prepare(seed))
            except Exception as error:
                future.set_exception(error)

        threading.Thread(target=prepare, name="prepare", daemon=True).start()
        return future

    def _done(self, job: Callable[[Future[Any]], Job]) -> Future[Any]:
        """A future of what `job` gives, which the stepping thread runs."""
        future: Future[Any] = Future(executor=self.ros.executor)
        self._stepper.do(job(future))
        return future

    def _reset(self, task: GraspTask[Arm], future: Future[Any]) -> Iterator[FloatArray]:
        self._table.lay(task)
        self._rig = self._table.rig
        self._stepper.exchange(self._rig)
        self._camera.exchange(task)
        self._shutter.forget()  # no frame is late or early for a new scene
        future.set_result(None)
        yield np.zeros(6)

    def _judge(self, future: Future[Any]) -> Iterator[FloatArray]:
        future.set_result((yield from self._table.judge()))

    def _suite(self) -> Suite:
        """The suite as the parameters have it; `count` of 0 leaves it the number of its objects."""
        suite, count = suite_named(self._value("suite")), self._value("count")
        suite = replace(suite, objects=count or suite.objects, unique=self._value("unique"))
        return suite.eased() if self._value("easy") else suite

    def _value(self, name: str) -> Any:
        return self.ros.get_parameter(name).value

    def _items(self) -> list[Item]:
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
        late = f"a step came {lag_ns / 1e6:.0f} ms late; end other programs on this machine"
        return [Item("simulator", values, trouble_if(lag_ns >= LATE_NS, Level.WARN, late))]

    def _fail(self, error: Exception) -> None:
        self.failure = error


def main() -> None:
    """Run the node until it is ended."""
    sys.exit(run(SimNode))


if __name__ == "__main__":
    main()
