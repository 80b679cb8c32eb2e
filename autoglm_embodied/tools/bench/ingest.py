"""`autoglm bench ingest`: messages lost between real publishers and the aligner, and the regularity of 100 Hz ticks.

Two processes over DDS: one publishes like a camera, a wrist sensor and an arm, the other runs the subscriptions of the
fusion node, encodes every frame with the shipped policy and observes at each tick.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from autoglm_embodied.graph.domain import environment, private_domain
from autoglm_embodied.graph.processes import Processes
from autoglm_embodied.metrics import Report
from autoglm_embodied.tools.bench import add_percentiles

TICK_HZ = 100.0
SENDER, RECEIVER = "autoglm_embodied.nodes.ingest_sender", "autoglm_embodied.nodes.ingest_receiver"
START_LIMIT_S = 180.0


def measure(report: Report, seconds: float, reliability: str, progress: Callable[[str], None]) -> None:
    """Run both processes and add their figures.

    Args:
        report: filled.
        seconds: of sensor messages, counted from when all endpoints are matched.
        reliability: of the publishers, RELIABLE or BEST_EFFORT.
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
            processes.start("ingest_sender", SENDER, f"{seconds:g}", str(sent), reliability, environment=frames)
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
    add_percentiles(report, "ingest.tick_period_ms", "ms", np.diff(begin_ns) / 1e6)
    report.add_fraction("ingest.ticks_whole", int((present == 3).sum()), len(present))
    report.add("ingest.cpu_core", float(received["cpu_core"]), "cores", case="node")
    report.add("ingest.cpu_core", float(received["busy_cores"]), "cores", case="machine")
