"""One of two processes that test the ingest: the fusion node's sensors, and its ticks as far as aligning.

python -m autoglm_embodied.nodes.probes.ingest_receiver TICK_HZ FILE.npz
"""

from __future__ import annotations

import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import rclpy
import torch
from numpy.typing import NDArray
from rclpy.node import Node
from std_msgs.msg import Empty

from autoglm_embodied.align.settings import AlignSettings
from autoglm_embodied.config import shipped
from autoglm_embodied.errors import SensorError
from autoglm_embodied.ingest.calibration import camera_pose
from autoglm_embodied.ingest.registration import DepthCamera
from autoglm_embodied.kinematics import Robot
from autoglm_embodied.model.checkpoint import SHIPPED
from autoglm_embodied.nodes.fusion_node import SWITCH_INTERVAL_S
from autoglm_embodied.nodes.probes.ingest_sender import END, READY
from autoglm_embodied.policy.learned import load_pipeline
from autoglm_embodied.policy.pipeline import Pipeline
from autoglm_embodied.ros.qos import EVENTS
from autoglm_embodied.ros.run_node import plain_node
from autoglm_embodied.ros.sensor_subscriptions import SensorSubscriptions, declare_parameters
from autoglm_embodied.ros.ticker import Ticker
from autoglm_embodied.types import FloatArray, Frame

READY_LIMIT_S = 60.0
DRAIN_S = 1.0  # after the sender's end, for what still waits
COMPLETE = 3  # modalities of a tick: vision, force and joints


class LoggingSink:
    """A pipeline's sink that logs the stamps of all that the pipeline was given and took."""

    def __init__(self, pipeline: Pipeline) -> None:
        self.aligner = pipeline.aligner
        self.taken: dict[str, list[int]] = {"frame": [], "wrench": [], "joints": []}  # stamps [ns]
        self._pipeline = pipeline

    def push_frame(self, frame: Frame, receive_ns: int) -> None:
        """See SensorSink."""
        self._pipeline.push_frame(frame, receive_ns)
        self.taken["frame"].append(frame.stamp_ns)

    def push_wrench(self, stamp_ns: int, receive_ns: int, wrench: FloatArray) -> None:
        """See SensorSink."""
        self._pipeline.push_wrench(stamp_ns, receive_ns, wrench)
        self.taken["wrench"].append(stamp_ns)

    def push_joints(self, stamp_ns: int, receive_ns: int, position: FloatArray, velocity: FloatArray) -> None:
        """See SensorSink."""
        self._pipeline.push_joints(stamp_ns, receive_ns, position, velocity)
        self.taken["joints"].append(stamp_ns)


class Receiver:
    """The fusion node's ingest and ticks, logged."""

    def __init__(self, node: Node, tick_hz: float) -> None:
        robot = Robot.from_file(shipped("panda.yaml"))
        self._node = node
        self._failure: Exception | None = None
        self._sink = LoggingSink(load_pipeline(SHIPPED, robot, AlignSettings()))
        self._ready = node.create_publisher(Empty, READY, EVENTS)
        self._ends: list[Empty] = []
        node.create_subscription(Empty, END, self._ends.append, EVENTS)
        declare_parameters(node)
        pose = camera_pose(shipped("camera.yaml"))
        self._sensors = SensorSubscriptions(node, self._sink, robot, pose, DepthCamera(), self._fail)
        self._ticks: list[tuple[int, int, int]] = []  # begin [ns], duration [ns], modalities present
        self._ticker = Ticker(tick_hz, self._tick, self._fail)

    def run(self) -> dict[str, NDArray[Any] | float]:
        """Everything that was logged, once the sender has sent it all."""
        self._prepare()
        self._ticks.clear()
        begin_s, cpu_s, busy_s = time.monotonic(), time.process_time(), busy_cores_s()
        skipped = float(self._sensors.frames_skipped)
        self._ready.publish(Empty())
        while not self._ends:
            self._spin()
        elapsed_s = time.monotonic() - begin_s
        log: dict[str, NDArray[Any] | float] = {
            "ticks": np.array(self._ticks),
            "cpu_core": (time.process_time() - cpu_s) / elapsed_s,
            "busy_cores": (busy_cores_s() - busy_s) / elapsed_s,
            "elapsed_s": elapsed_s,
        }
        deadline = time.monotonic() + DRAIN_S
        while time.monotonic() < deadline:
            self._spin()
        log["skipped"] = float(self._sensors.frames_skipped) - skipped
        counts = self._sink.aligner.counts()
        log |= {f"unbelieved_{stream}": float(count.rejected) for stream, count in counts.items()}
        return log | {name: np.array(stamps) for name, stamps in self._sink.taken.items()}

    def close(self) -> None:
        """End all threads."""
        self._ticker.close()
        self._sensors.close()

    def _prepare(self) -> None:
        """Wait for all modalities, with the wrench tared."""
        deadline = time.monotonic() + READY_LIMIT_S
        tared = False
        while not (tared and self._ticks and self._ticks[-1][2] == COMPLETE):
            self._spin()
            if time.monotonic() > deadline:
                sys.exit(
                    "not all sensors came: "
                    + ". ".join(item.message for item in self._sensors.items() if item.troubles)
                )
            if not tared:
                with suppress(SensorError):  # too early
                    self._sink.aligner.tare(time.time_ns(), time.monotonic_ns())
                    tared = True

    def _tick(self) -> None:
        begin_ns = time.monotonic_ns()
        self._sensors.poll()
        observation = self._sink.aligner.observe(time.time_ns(), time.monotonic_ns())
        present = sum(sense.present for sense in observation.senses())
        self._ticks.append((begin_ns, time.monotonic_ns() - begin_ns, present))

    def _spin(self) -> None:
        rclpy.spin_once(self._node, timeout_sec=0.1)
        if self._failure is not None:
            raise self._failure

    def _fail(self, error: Exception) -> None:
        self._failure = error


def busy_cores_s() -> float:
    """Seconds of a core that all programs of this machine have used since it started."""
    times = psutil.cpu_times()
    return float(sum(times) - times.idle - times.iowait - times.guest - times.guest_nice)  # guests count as users too


def main() -> None:
    """Receive all that one sender sends."""
    tick_hz, path = float(sys.argv[1]), Path(sys.argv[2])
    torch.set_num_threads(1)
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    with plain_node("ingest_receiver") as node:
        receiver = Receiver(node, tick_hz)
        try:
            log: dict[str, Any] = receiver.run()
            np.savez(path, **log)
        finally:
            receiver.close()


if __name__ == "__main__":
    main()
