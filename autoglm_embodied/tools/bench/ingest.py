"""`autoglm bench ingest`: what a frame costs, messages lost between real publishers and the aligner, 100 Hz ticks.

Two processes over DDS: one publishes like a camera, a wrist sensor and an arm, the other runs the subscriptions of the
fusion node, encodes every frame with the shipped policy and observes at each tick.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from autoglm_embodied.config import shipped
from autoglm_embodied.errors import SensorError
from autoglm_embodied.graph.domain import environment, private_domain
from autoglm_embodied.graph.processes import Processes
from autoglm_embodied.ingest.sensor_input import NominalRates, SensorInput, Stream
from autoglm_embodied.kinematics import Robot
from autoglm_embodied.metrics import Report
from autoglm_embodied.types import FloatArray, Frame

TICK_HZ = 100.0
FRAMES = 100  # of each kind of camera
NS_PER_MS = 1e6
SENDER, RECEIVER = "autoglm_embodied.nodes.probes.ingest_sender", "autoglm_embodied.nodes.probes.ingest_receiver"
START_LIMIT_S = 180.0


def measure(report: Report, seconds: float, reliability: str, camera: str, progress: Callable[[str], None]) -> None:
    """Run both processes and add their figures.

    Args:
        report: filled.
        seconds: of sensor messages, counted from when all endpoints are matched.
        reliability: of the publishers, RELIABLE or BEST_EFFORT.
        camera: what it sends, one of `nodes.probes.sample_camera.KINDS`.
        progress: called with what is done.

    Raises:
        SetupError: one of the processes failed or did not end.
    """
    progress(f"sending for {seconds:g} s")
    with tempfile.TemporaryDirectory() as folder, private_domain() as (domain, _):
        received, sent = Path(folder) / "received.npz", Path(folder) / "sent.npz"
        processes = Processes(Path(folder), environment(domain, os.environ))
        frames = environment(domain, os.environ, sends_frames=True)
        try:
            processes.start("ingest_receiver", RECEIVER, f"{TICK_HZ:g}", str(received))
            processes.start("ingest_sender", SENDER, f"{seconds:g}", str(sent), reliability, camera, environment=frames)
            processes.wait(START_LIMIT_S + 10 * seconds)
        finally:
            processes.stop()
        add_figures(report, dict(np.load(sent)), dict(np.load(received)))


def add_figures(report: Report, sent: dict[str, Any], received: dict[str, Any]) -> None:
    """Add the figures of what both processes recorded.

    Args:
        report: filled.
        sent: stamps (n,) [ns] of each stream.
        received: stamps of frames and wrenches, ticks (m, 3): begin [ns], duration [ns], modalities present.
    """
    for stream in ("rgb", "depth", "wrench"):
        report.add("ingest.sent", len(sent[stream]), "messages", len(sent[stream]), case=stream)
    frames = np.isin(sent["rgb"], received["frame"], invert=True).sum()  # including skipped ones, which reached no tick
    wrenches = np.isin(sent["wrench"], received["wrench"], invert=True).sum()
    report.add("ingest.frames_lost", float(frames), "frames", len(sent["rgb"]))
    report.add("ingest.frames_skipped", float(received["skipped"]), "frames", len(sent["rgb"]))
    report.add("ingest.wrenches_lost", float(wrenches), "wrenches", len(sent["wrench"]))
    begin_ns, _, present = received["ticks"].T
    report.add_percentiles("ingest.tick_period_ms", np.diff(begin_ns) / 1e6, "ms")
    report.add_fraction("ingest.ticks_whole", int((present == 3).sum()), len(present))
    report.add("ingest.cpu_core", float(received["cpu_core"]), "cores", case="node")
    report.add("ingest.cpu_core", float(received["busy_cores"]), "cores", case="machine")


class NoSink:
    """A sink that keeps nothing of what it is given."""

    def push_frame(self, frame: Frame, receive_ns: int) -> None:
        """See SensorSink."""

    def push_wrench(self, stamp_ns: int, receive_ns: int, wrench: FloatArray) -> None:
        """See SensorSink."""

    def push_joints(self, stamp_ns: int, receive_ns: int, position: FloatArray, velocity: FloatArray) -> None:
        """See SensorSink."""


def measure_frames(report: Report, seed: int, progress: Callable[[str], None]) -> None:
    """Add what a frame of 640x480 of each kind of camera costs, from its messages in CDR to colour and depth.

    Args:
        report: filled with `ingest.frame_ms`, and with `ingest.frame_ratio` to that of raw images.
        seed: of what the camera sees.
        progress: called with what is done.
    """
    from autoglm_embodied.nodes.probes.sample_camera import KINDS, serialised_messages

    raw_ms = 0.0
    for case, kind in KINDS.items():
        progress(f"frames of {case}")
        frames_ms = _frames_ms(serialised_messages(kind, np.random.default_rng(seed)))
        report.add_percentiles("ingest.frame_ms", frames_ms, "ms", case=case)
        median_ms = float(np.median(frames_ms))
        raw_ms = raw_ms or median_ms  # raw comes first
        report.add("ingest.frame_ratio", median_ms / raw_ms, "to raw", len(frames_ms), case=case)


def _frames_ms(messages: dict[str, tuple[Stream, bytes]]) -> list[float]:
    def refuse(stream: str, error: SensorError) -> None:
        raise error

    found = []
    sensors = SensorInput(NoSink(), Robot.from_file(shipped("panda.yaml")), np.eye(4), NominalRates(), refuse)
    for _ in range(FRAMES + 1):
        begin_ns = time.perf_counter_ns()
        for stream, (source, data) in messages.items():
            if pair := sensors.take(stream, data, begin_ns, source):
                sensors.push(pair)
        found.append((time.perf_counter_ns() - begin_ns) / NS_PER_MS)
    return found[1:]  # the first computes what is kept
