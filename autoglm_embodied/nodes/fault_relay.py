"""Stands between the simulator and the nodes: passes streams on as they come, or as a fault has them.

python -m autoglm_embodied.nodes.fault_relay wrench joints

`fault/order` names the fault that begins, or nothing when it clears; `fault/onset` tells when it first changed a
message, in ns of the monotonic clock, which is the same in every process of a machine.
"""

from __future__ import annotations

import sys
import time
from collections import deque
from collections.abc import Callable
from threading import Lock

from rclpy.node import Node
from std_msgs.msg import String

from autoglm_embodied.faults.change import Change, noisy
from autoglm_embodied.faults.fault import FAULTS
from autoglm_embodied.ingest.sensor_input import SENSOR_STREAMS
from autoglm_embodied.ros.adaptive_subscription import STREAM_TYPES
from autoglm_embodied.ros.polled_subscription import PolledSubscription, ThreadedSubscription
from autoglm_embodied.ros.qos import EVENTS
from autoglm_embodied.ros.run_node import run
from autoglm_embodied.ros.ticker import MEASURING_PRIORITY, Ticker, real_time_threads

SIMULATED = "simulated/"  # before the name of a topic: as the simulator publishes it
ORDER, ONSET = "fault/order", "fault/onset"
RELEASE_HZ = 1000.0
SWITCH_INTERVAL_S = 0.0005  # a wrench must not wait 5 ms for an image's turn to end


class RelayedStream:
    """One stream; `changed` is called when a change takes its first message."""

    def __init__(self, node: Node, name: str, changed: Callable[[int], None]) -> None:
        topic, kind = SENSOR_STREAMS[name].topic, STREAM_TYPES[name]
        self._publisher = node.create_publisher(kind.message, topic, kind.qos)
        self._waiting: deque[tuple[int, bytes]] = deque()  # when to send, and what
        self._lock = Lock()
        self._change: Change | None = None
        self._changed, self._told = changed, True
        self._noisy, self._received = name == "rgb", 0  # simulated colour has no noise, and would count as frozen
        polled = PolledSubscription(node, kind.message, SIMULATED + topic, self._take, kind.qos, raw=True)
        self.close = ThreadedSubscription(polled).destroy

    def begin(self, change: Change | None) -> None:
        """Change what comes from now on; None lets it pass, after all that waits."""
        with self._lock:
            self._change, self._told = change, change is None
            while change is None and self._waiting:
                self._publisher.publish(self._waiting.popleft()[1])

    def release(self) -> None:
        """Send what is due."""
        with self._lock:
            while self._waiting and self._waiting[0][0] <= time.monotonic_ns():
                self._publisher.publish(self._waiting.popleft()[1])

    def _take(self, data: bytes) -> None:
        now_ns = time.monotonic_ns()
        self._received += 1
        data = noisy(data, self._received) if self._noisy else data
        with self._lock:
            if self._change is None:
                self._publisher.publish(data)
                return
            for due_ns, sent in self._change(data, now_ns):
                if due_ns <= now_ns:
                    self._publisher.publish(sent)
                else:
                    self._waiting.append((due_ns, sent))
            first, self._told = not self._told, True
        if first:
            self._changed(now_ns)


class FaultRelay:
    """Relays the streams that the command line names."""

    def __init__(self) -> None:
        self.failure: Exception | None = None
        self.ros = Node("fault_relay", enable_rosout=False)
        self._onset = self.ros.create_publisher(String, ONSET, EVENTS)
        names = [name for name in sys.argv[1:] if name in SENSOR_STREAMS]
        self._streams = {name: RelayedStream(self.ros, name, self._tell) for name in names}
        self.ros.create_subscription(String, ORDER, self._on_order, EVENTS)
        self._ticker = Ticker(RELEASE_HZ, self._release, self._fail)

    def close(self) -> None:
        """End all threads."""
        self._ticker.close()
        for stream in self._streams.values():
            stream.close()

    def _on_order(self, order: String) -> None:
        fault = next((fault for fault in FAULTS if fault.name == order.data), None)
        for name, stream in self._streams.items():
            change = None if fault is None or name not in fault.streams else fault.streams[name]()
            stream.begin(change)

    def _tell(self, onset_ns: int) -> None:
        self._onset.publish(String(data=str(onset_ns)))

    def _release(self) -> None:
        for stream in self._streams.values():
            stream.release()

    def _fail(self, error: Exception) -> None:
        self.failure = error


def main() -> int:
    """Run the node until it is ended."""
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    with real_time_threads(MEASURING_PRIORITY):
        return run(FaultRelay)


if __name__ == "__main__":
    raise SystemExit(main())
