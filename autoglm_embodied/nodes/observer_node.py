"""An observer of the graph: records what others publish, calls their services, and publishes nothing itself."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import cv2
from autoglm_embodied_interfaces.msg import FusionState, VoiceCommand
from diagnostic_msgs.msg import DiagnosticArray
from geometry_msgs.msg import WrenchStamped
from sensor_msgs.msg import Image, JointState
from std_srvs.srv import Trigger

from autoglm_embodied.errors import SensorError, SetupError
from autoglm_embodied.graph_recording import CompressedFrame, FusionTick, GraphRecording, NodeStatus, RecordedCommand
from autoglm_embodied.ingest.cdr import read_image, read_wrench
from autoglm_embodied.ingest.joint_states import JointStateReader
from autoglm_embodied.ingest.rgbd_frames import rgb_array
from autoglm_embodied.ros.background_node import BackgroundNode
from autoglm_embodied.ros.conversions import stamp_ns
from autoglm_embodied.ros.polled_subscription import PolledSubscription
from autoglm_embodied.ros.qos import EVENTS, FAST, FRAMES

FINGERS = ("panda_finger_joint1", "panda_finger_joint2")
EVERY_NTH_FRAME = 2  # 15 images a second: half the work, and enough for a film
JPEG_QUALITY = 92
POLL_S = 0.05


class Observer(BackgroundNode):
    """Watches the graph in a thread of its own; use it as a context manager.

    Args:
        domain: the ROS domain to watch.
        sensors: whether to record images, wrenches and joints too, which takes a fifth of a core.

    Attributes:
        recording: all so far; it grows while the observer watches.
    """

    def __init__(self, domain: int, sensors: bool = True) -> None:
        super().__init__("observer", domain)
        self._changed = threading.Condition()
        self.recording = GraphRecording()
        self._frames = 0
        self._joints = JointStateReader()
        self._fast = self._subscribe(sensors)
        self._spin()

    def wait_for(
        self, condition: Callable[[GraphRecording], bool], timeout_s: float, meanwhile: Callable[[], None]
    ) -> bool:
        """Wait until `condition` holds of the recording; False if it does not within `timeout_s`.

        Args:
            condition: looked at again whenever something but the fast topics came.
            timeout_s: how long to wait.
            meanwhile: called a few times a second, such as a check that the nodes are alive.
        """
        deadline_ns = self._now_ns() + round(timeout_s * 1e9)
        while self._now_ns() < deadline_ns:
            meanwhile()
            with self._changed:
                if self._changed.wait_for(lambda: condition(self.recording), timeout=0.2):
                    return True
        return False

    def call(self, service: str, timeout_s: float, meanwhile: Callable[[], None]) -> str:
        """The message with which a Trigger service answers.

        Args:
            service: its name.
            timeout_s: for the service to appear and to answer.
            meanwhile: called a few times a second, such as a check that the nodes are alive.

        Raises:
            SetupError: the service is not there in time.
            SensorError: it answered that it failed.
        """
        client: Any = self._node.create_client(Trigger, service)
        try:
            answer = self._answer(client, service, timeout_s, meanwhile)
        finally:
            self._node.destroy_client(client)
        if not answer.success:
            raise SensorError(f"{service} failed: {answer.message}")
        return str(answer.message)

    def _answer(self, client: Any, service: str, timeout_s: float, meanwhile: Callable[[], None]) -> Any:
        deadline_ns = self._now_ns() + round(timeout_s * 1e9)
        while not client.wait_for_service(timeout_sec=0.2):
            meanwhile()
            if self._now_ns() > deadline_ns:
                raise SetupError(f"service {service} did not appear within {timeout_s:.0f} s; see the log of its node")
        done = threading.Event()
        future = client.call_async(Trigger.Request())
        future.add_done_callback(lambda _: done.set())
        while not done.wait(0.2):
            meanwhile()
            if self._now_ns() > deadline_ns:
                raise SetupError(f"service {service} did not answer within {timeout_s:.0f} s; see the log of its node")
        return future.result()

    def _subscribe(self, sensors: bool) -> list[PolledSubscription]:
        subscribe = self._node.create_subscription
        subscribe(VoiceCommand, "voice/command", self._on_command, EVENTS)
        subscribe(FusionState, "fusion/state", self._on_state, EVENTS)
        subscribe(DiagnosticArray, "diagnostics", self._on_diagnostics, EVENTS)
        if not sensors:
            return []
        subscribe(Image, "camera/color/image_raw", self._on_image, FRAMES, raw=True)
        self._node.create_timer(POLL_S, self._poll)
        wrench = "force_torque_sensor_broadcaster/wrench"
        return [
            PolledSubscription(self._node, WrenchStamped, wrench, self._on_wrench, FAST, raw=True),
            PolledSubscription(self._node, JointState, "joint_states", self._on_joints, FAST, raw=True),
        ]

    def _poll(self) -> None:
        for subscription in self._fast:
            subscription.poll()

    def _on_wrench(self, data: bytes) -> None:
        stamp, _, wrench = read_wrench(data)
        self.recording.wrench.append((stamp, tuple(wrench.tolist())))

    def _on_joints(self, data: bytes) -> None:
        stamp, position, _ = self._joints.read(data)
        values = dict(zip(self._joints.names, position.tolist(), strict=True))
        width_m = sum(values.pop(finger, 0.0) for finger in FINGERS)
        self.recording.joints.append((stamp, (*values.values(), width_m)))

    def _on_image(self, data: bytes) -> None:
        self._frames += 1
        if self._frames % EVERY_NTH_FRAME:
            return
        image = read_image(data)
        _, jpeg = cv2.imencode(".jpg", rgb_array(image)[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
        self._append(self.recording.images, CompressedFrame(image.stamp_ns, jpeg.tobytes()))

    def _on_command(self, message: VoiceCommand) -> None:
        heard = RecordedCommand(
            stamp_ns=stamp_ns(message.header.stamp),
            intent=message.intent,
            text=message.text,
            instruction=message.instruction,
            confidence=message.confidence,
            latency_ns=message.latency_ns,
        )
        self._append(self.recording.commands, heard)

    def _on_state(self, message: FusionState) -> None:
        tick = FusionTick(
            stamp_ns=stamp_ns(message.header.stamp),
            instruction=message.instruction,
            phase=message.phase,
            outcome=message.outcome,
            message=message.message,
            tries=message.tries,
            modality=tuple(message.modality),
            present=tuple(message.present),
            gate=tuple(message.gate_weight),
            target_m=(message.target.x, message.target.y, message.target.z),
            held_force_n=message.held_force_n,
            tick_ms=message.tick_ms,
        )
        self._append(self.recording.ticks, tick)

    def _on_diagnostics(self, message: DiagnosticArray) -> None:
        at_ns = stamp_ns(message.header.stamp)
        for status in message.status:
            values = {pair.key: pair.value for pair in status.values}
            level = int.from_bytes(status.level, "little")
            self._append(self.recording.statuses, NodeStatus(at_ns, status.name, level, status.message, values))

    def _append(self, records: list[Any], record: Any) -> None:
        with self._changed:
            records.append(record)
            self._changed.notify_all()

    def _now_ns(self) -> int:
        return int(self._node.get_clock().now().nanoseconds)
