"""A long run over DDS: one grasp after another at full rate, while memory, CPU time and lost wrenches are watched."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import psutil
from scipy import stats

from autoglm_embodied.graph.launch import parameters
from autoglm_embodied.metrics import CONFIDENCE, Report
from autoglm_embodied_sim.eval.episode import LEARNED, GraspResult
from autoglm_embodied_sim.eval.over_graph import Graph, evaluation_graph, run_episode

if TYPE_CHECKING:
    from autoglm_embodied.graph_recording import FusionTick, NodeStatus

SUITE = "primitives"
GOVERNOR = "governor_node"
COUNTING = (GOVERNOR, "fusion_node")  # what receives wrenches, and counts those that are missing
WARM_UP = 0.2  # of the run, in which caches fill
PARTS = {"first third": slice(0, 1), "last third": slice(2, 3)}  # of three


@dataclass(frozen=True)
class ProcessSample:
    """What the processes of the nodes use, by the node's name."""

    at_s: float
    rss_bytes: Mapping[str, int]
    cpu_s: Mapping[str, float]  # since each began


def soak(report: Report, minutes: float, seed: int, log_dir: Path, say: Callable[[str], None]) -> None:
    """Let the learned policy grasp for `minutes`, and add what it cost and lost to the report.

    Args:
        report: takes the figures.
        minutes: of the run, after the nodes are ready; the last grasp is finished.
        seed: of the first scene; each grasp has the next one.
        log_dir: for what the nodes print.
        say: told of each grasp.

    Raises:
        AutoGLMError: a node died or did not come up.
    """
    with evaluation_graph(parameters(suite=SUITE, seed=seed), [], log_dir) as running:
        recording = running.observer.recording
        ticks, statuses = len(recording.ticks), len(recording.statuses)
        samples, results = [_sample(running)], list[GraspResult]()
        while samples[-1].at_s - samples[0].at_s < 60 * minutes:
            results.append(run_episode(running, SUITE, LEARNED, seed + len(results)))
            samples.append(_sample(running))
            say(_line(samples, results[-1]))
        report.add_fraction("soak.held", sum(result.held for result in results), len(results))
        add_processes(report, samples)
        add_losses(report, recording.statuses[statuses:])
        add_ticks(report, recording.ticks[ticks:])


def add_processes(report: Report, samples: Sequence[ProcessSample]) -> None:
    """Add each node's growth after the warm-up (Theil-Sen slope, 95 % interval) and share of a core."""
    first, last = samples[0], samples[-1]
    warm = [one for one in samples if one.at_s - first.at_s >= WARM_UP * (last.at_s - first.at_s)]
    for node, ended_cpu_s in last.cpu_s.items():
        rss_bytes = [one.rss_bytes[node] for one in warm]
        slope, _, low, high = stats.theilslopes(rss_bytes, [one.at_s for one in warm], CONFIDENCE)
        report.add("soak.rss_slope_bytes_per_s", slope, "B/s", len(warm), case=node, ci95=(low, high))
        report.add("soak.rss_bytes", rss_bytes[-1], "B", case=node)
        share = (ended_cpu_s - first.cpu_s[node]) / (last.at_s - first.at_s)
        report.add("governor.cpu_core" if node == GOVERNOR else "soak.cpu_core", share, "cores", case=node)


def add_losses(report: Report, statuses: Sequence[NodeStatus]) -> None:
    """Add how many wrenches each node that counts them missed, between its first and its last diagnostics.

    A silence of more than half a second is none: the simulator sends nothing while it sets up a scene.
    """
    for node in COUNTING:
        told = [status.values for status in statuses if status.node == node and "wrench_lost" in status.values]
        if len(told) < 2:
            report.skip("soak.wrenches_lost", f"{node} sent no diagnostics")
            continue
        names = ("wrench_lost", "wrench_lost_in_silence", "wrench_received")
        lost, in_silence, received = (int(told[-1][name]) - int(told[0][name]) for name in names)
        missed = lost - in_silence
        report.add("soak.wrenches_lost", missed, "wrenches", max(received + missed, 1), case=node)


def add_ticks(report: Report, ticks: Sequence[FusionTick]) -> None:
    """Add how long ticks took, and how far apart their stamps are, in the first and the last third of the run."""
    for case, part in PARTS.items():
        third = [tick for chunk in np.array_split(np.arange(len(ticks)), 3)[part] for tick in chunk]
        took_ms = [ticks[index].tick_ms for index in third if ticks[index].instruction]
        report.add_percentiles("soak.tick_ms", took_ms, "ms", case=case)
        apart_ms = np.diff([ticks[index].stamp_ns for index in third]) / 1e6
        report.add_percentiles("soak.tick_interval_ms", apart_ms, "ms", case=case)


def _sample(running: Graph) -> ProcessSample:
    rss_bytes, cpu_s = dict[str, int](), dict[str, float]()
    for process in running.processes.running:
        used = psutil.Process(process.popen.pid)
        times = used.cpu_times()
        rss_bytes[process.name], cpu_s[process.name] = used.memory_info().rss, times.user + times.system
    return ProcessSample(time.monotonic(), rss_bytes, cpu_s)


def _line(samples: Sequence[ProcessSample], result: GraspResult) -> str:
    memory = ", ".join(f"{node} {rss / 1e6:.1f} MB" for node, rss in samples[-1].rss_bytes.items())
    minutes = (samples[-1].at_s - samples[0].at_s) / 60
    return f"{minutes:5.1f} min: {result.target} {result.outcome}; {memory}"
