"""An observer of the graph: records what others publish, calls their services, and publishes nothing itself."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from itertools import groupby
from typing import Any

import cv2
from autoglm_embodied_interfaces.msg import FusionState, VoiceCommand
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from sensor_msgs.msg import Image
from std_srvs.srv import Trigger

from autoglm_embodied.errors import SensorError
from autoglm_embodied.graph_recording import CompressedFrame, FusionTick, GraphRecording, NodeStatus, RecordedCommand
from autoglm_embodied.ingest.cdr import read_image, read_wrench
from autoglm_embodied.ingest.image_encodings import rgb_array
from autoglm_embodied.ingest.joint_states import JointStateReader
from autoglm_embodied.ingest.sensor_input import SENSOR_STREAMS
from autoglm_embodied.ros.adaptive_subscription import STREAM_TYPES
from autoglm_embodied.ros.conversions import stamp_ns
from autoglm_embodied.ros.diagnostics import OK, TOPIC
from autoglm_embodied.ros.polled_subscription import PolledSubscription
from autoglm_embodied.ros.qos import EVENTS, FAST, FRAMES
from autoglm_embodied.ros.run_node import BackgroundNode

FINGERS = ("panda_finger_joint1", "panda_finger_joint2")
EVERY_NTH_FRAME = 2  # 15 images a second: half the work, and enough for a film
JPEG_QUALITY = 92
POLL_S = 0.05


class Observer(BackgroundNode):
    """Watches the graph in a thread of its own; use it as a context manager.

    Args:
        domain: the ROS domain to watch.
        sensors: whether to record images, wrenches and joints too, which takes a fifth of a core.
    """

    def __init__(self, domain: int, sensors: bool = True) -> None:
        super().__init__("observer", domain)
        self._changed = threading.Condition()
        self.recording = GraphRecording()  # all so far; it grows while the observer watches
        self._frames = 0
        self._joints = JointStateReader()
        self._fast = self._subscribe(sensors)
        self._spin()

    def wait_for(
        self, condition: Callable[[GraphRecording], bool], timeout_s: float, meanwhile: Callable[[], None]
    ) -> bool:
        """Wait until `condition` holds of the recording; False if it does not within `timeout_s`.

        It is looked at again whenever something but the fast topics came.
        """
        deadline_s = time.monotonic() + timeout_s
        while time.monotonic() < deadline_s:
            meanwhile()
            with self._changed:
                if self._changed.wait_for(lambda: condition(self.recording), timeout=0.2):
                    return True
        return False

    def call(self, service: str, timeout_s: float, meanwhile: Callable[[], None]) -> str:
        """The message with which a Trigger service answers.

        Raises:
            SetupError: the service is not there in time.
            SensorError: it answered that it failed.
        """
        deadline_s = time.monotonic() + timeout_s
        late = f"within {timeout_s:.0f} s; see the log of its node"
        client: Any = self._node.create_client(Trigger, service)
        try:
            absent = f"service {service} did not appear {late}"
            self._wait(lambda: client.wait_for_service(timeout_sec=0.2), deadline_s, meanwhile, absent)
            asked = client.call_async(Trigger.Request())
            answer = self._result(asked, deadline_s, meanwhile, f"service {service} did not answer {late}")
        finally:
            self._node.destroy_client(client)
        if not answer.success:
            raise SensorError(f"{service} failed: {answer.message}")
        return str(answer.message)

    def _subscribe(self, sensors: bool) -> list[PolledSubscription]:
        subscribe = self._node.create_subscription
        subscribe(VoiceCommand, "voice/command", self._on_command, EVENTS)
        subscribe(FusionState, "fusion/state", self._on_state, EVENTS)
        subscribe(DiagnosticArray, TOPIC, self._on_diagnostics, EVENTS)
        if not sensors:
            return []
        subscribe(Image, SENSOR_STREAMS["rgb"].topic, self._on_image, FRAMES, raw=True)
        self._node.create_timer(POLL_S, self._poll)
        takers: dict[str, Callable[[bytes], None]] = {"wrench": self._on_wrench, "joints": self._on_joints}
        return [
            PolledSubscription(self._node, STREAM_TYPES[name].message, SENSOR_STREAMS[name].topic, take, FAST, raw=True)
            for name, take in takers.items()
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
        alike = _alike(message, "intent", "text", "instruction", "confidence", "latency_ns")
        self._append(self.recording.commands, RecordedCommand(stamp_ns(message.header.stamp), **alike))

    def _on_state(self, message: FusionState) -> None:
        tick = FusionTick(
            stamp_ns=stamp_ns(message.header.stamp),
            modality=tuple(message.modality),
            present=tuple(message.present),
            gate=tuple(message.gate_weight),
            target_m=(message.target.x, message.target.y, message.target.z),
            **_alike(message, "instruction", "phase", "outcome", "message", "tries", "held_force_n", "tick_ms"),
        )
        self._append(self.recording.ticks, tick)

    def _on_diagnostics(self, message: DiagnosticArray) -> None:
        at_ns = stamp_ns(message.header.stamp)
        for node, items in groupby(message.status, key=lambda status: status.name.partition(": ")[0]):
            self._append(self.recording.statuses, _node_status(at_ns, node, list(items)))

    def _append(self, records: list[Any], record: Any) -> None:
        with self._changed:
            records.append(record)
            self._changed.notify_all()


def _node_status(at_ns: int, node: str, items: list[DiagnosticStatus]) -> NodeStatus:
    """All items of a node in one, which is as bad as the worst."""
    values = {pair.key: pair.value for item in items for pair in item.values}
    bad = [item for item in items if item.level != DiagnosticStatus.OK]
    level = max(int.from_bytes(item.level, "little") for item in items)
    return NodeStatus(at_ns, node, level, ". ".join(item.message for item in bad) or OK, values)


def _alike(message: Any, *fields: str) -> dict[str, Any]:
    """The fields of a message that a record holds by the same name."""
    return {field: getattr(message, field) for field in fields}
