"""`autoglm bench align`: cost, synchronisation and error of the aligner, beside the usual alternatives.

Synchronisation is how many observations are complete, and how many wrenches are used, over ten seconds for each case of
delay, loss and order.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from autoglm_embodied.align.aligner import Aligner
from autoglm_embodied.align.settings import AlignSettings
from autoglm_embodied.metrics import Report
from autoglm_embodied.tools.bench import align_cost, align_error
from autoglm_embodied.tools.bench.simulated_streams import (
    BASELINES,
    EPOCH_NS,
    NS_PER_S,
    IntArray,
    Messages,
    Transport,
    band_limited,
    deliver,
    joint_motion,
    observe,
    panda_kinematics,
    pick_samples,
)
from autoglm_embodied.types import Observation

CASE = "camera_late_120ms"
CASES = {
    CASE: Transport(delay_s=0.12),
    **{f"camera_late_{delay_ms}ms": Transport(delay_s=delay_ms / 1e3) for delay_ms in (5, 20, 50, 100)},
    "loss_10%": Transport(delay_s=0.05, loss=0.1),
    "loss_30%": Transport(delay_s=0.05, loss=0.3),
    "overtaking": Transport(delay_s=0.05, overtaking=1.0),
}
"""Only the camera has the delay, all streams the rest."""

TICKS = 300
CAMERA_HZ, WRENCH_HZ, JOINTS_HZ = 30.0, 1000.0, 100.0
REST_S = 1.0  # at rest, with a tare, before the first tick
LONGEST_WINDOW_NS = max(AlignSettings().pyramid_windows_ns)
QUEUES = (10, 1000)  # lengths for the synchroniser: as in most examples, and enough for a late camera

Streams = Mapping[str, Messages]
Synchronise = Callable[[dict[str, tuple[IntArray, IntArray]], int], tuple[int, list[float]]]
"""Receive times and stamps of each stream, and a queue length, to the number of sets that an approximate-time
synchroniser forms and its duration for each message [us]."""


def measure(
    report: Report,
    seed: int,
    hours: float,
    plot: Path | None,
    synchronise: Synchronise | str,
    progress: Callable[[str, float], None],
) -> None:
    """Measure all and add the figures to the report.

    Args:
        report: filled.
        seed: of the signals; each part has a generator of its own.
        hours: of simulated time for the memory measurement; 0 skips it.
        plot: file for the plot of error against frequency, if any.
        synchronise: the approximate-time synchroniser to compare with, or why there is none.
        progress: called with the running part and the fraction of it that is done.
    """
    generators = [np.random.default_rng([seed, part]) for part in range(5)]
    progress("sets", 0.0)
    _measure_sets(report, generators[0], synchronise)
    progress("cost", 0.0)
    align_cost.measure_cost(report, generators[1])
    progress("lock", 0.0)
    align_cost.measure_lock(report, generators[1])
    progress("error", 0.0)
    align_error.measure(report, generators[2])
    if plot is not None:
        progress("plot", 0.0)
        align_error.plot_error(plot, report, generators[3])
    if hours > 0:
        align_cost.measure_memory(report, generators[4], hours, lambda done: progress("memory", done))
    else:
        report.skip("align.rss_slope_bytes_per_s", "--hours 0 leaves it out")


@dataclass(frozen=True)
class Run:
    """Ten seconds of messages and observations."""

    streams: Streams
    now_ns: IntArray  # (TICKS,)
    observations: list[Observation]

    @property
    def usable(self) -> IntArray:
        """Stamps of the wrenches received in time for an observation."""
        wrench, first_ns, last_ns = self.streams["wrench"], self.observations[0].t_ns, self.observations[-1].t_ns
        received = (wrench.stamp_ns > first_ns - LONGEST_WINDOW_NS) & (wrench.receive_ns <= self.now_ns[-1])
        return np.sort(wrench.stamp_ns[received & (wrench.stamp_ns <= last_ns)])


def _measure_sets(report: Report, rng: np.random.Generator, synchronise: Synchronise | str) -> None:
    """Add `align.sets_formed`, `align.samples_used` and `align.time_error_ms`, in every case."""
    for case, transport in CASES.items():
        run = play(transport, rng)
        _add_aligned(report, case, run)
        _add_baselines(report, case, run)
        if isinstance(synchronise, str):
            report.skip(f"align.sets_formed: {case}/approximate_time", synchronise)
        else:
            _add_synchroniser(report, case, run, synchronise)


def play(transport: Transport, rng: np.random.Generator) -> Run:
    """Play a second of rest, with a tare, and ten of motion into an aligner.

    `transport` is that of the camera; the other streams have its loss and reordering.
    """
    seconds = REST_S + TICKS / CAMERA_HZ
    undelayed = Transport(loss=transport.loss, overtaking=transport.overtaking)
    streams = {
        "wrench": deliver(band_limited(50.0, 6, rng), WRENCH_HZ, seconds, undelayed, rng),
        "joints": deliver(joint_motion(rng, REST_S), JOINTS_HZ, seconds, undelayed, rng),
        "vision": deliver(band_limited(5.0, 8, rng), CAMERA_HZ, seconds, transport, rng),
    }
    aligner = Aligner(AlignSettings(), panda_kinematics())
    tare_ns = round(0.9 * REST_S * NS_PER_S)
    list(observe(aligner, _received_between(streams, 0, tare_ns), np.array([tare_ns])))
    aligner.tare(EPOCH_NS + tare_ns, tare_ns)
    now_ns = ((REST_S + np.arange(TICKS) / CAMERA_HZ) * NS_PER_S).astype(np.int64)
    rest = _received_between(streams, tare_ns, int(now_ns[-1]))
    return Run(streams, now_ns, list(observe(aligner, rest, now_ns)))


def _add_aligned(report: Report, case: str, run: Run) -> None:
    """Observations and samples of the aligner."""
    whole = [each for each in run.observations if each.vision.present and each.joints.present and each.force.present]
    report.add("align.sets_formed", len(whole), "sets", TICKS, case=case)
    usable = run.usable
    used = np.zeros(len(usable), bool)
    for each in whole:
        if each.force.value is not None:
            end = int(np.searchsorted(usable, each.t_ns, side="right"))
            used[max(end - each.force.value.samples_used, 0) : end] = True
    report.add("align.samples_used", used.mean(), "fraction", len(usable), case=case)
    errors_ms = [each.vision.time_error_ns / 1e6 for each in whole if each.vision.time_error_ns]
    report.add("align.time_error_told", len(errors_ms), "sets", TICKS, case=case)
    if errors_ms:
        report.add("align.time_error_ms", float(np.median(errors_ms)), "ms", len(errors_ms), case=case, stat="p50")


def _add_baselines(report: Report, case: str, run: Run) -> None:
    """Samples that the baselines use: one wrench a tick, however old."""
    wrench = run.streams["wrench"]
    numbered = Messages(wrench.receive_ns, wrench.stamp_ns, np.arange(len(wrench.stamp_ns), dtype=float)[:, None])
    for name, pick in BASELINES.items():
        used = len(np.unique(pick_samples(numbered, run.now_ns, run.now_ns, pick)))
        report.add("align.samples_used", used / len(run.usable), "fraction", len(run.usable), case=f"{case}/{name}")


def _add_synchroniser(report: Report, case: str, run: Run, synchronise: Synchronise) -> None:
    """Sets that the synchroniser forms of the messages received within the 300 periods up to the last tick."""
    period_ns = round(NS_PER_S / CAMERA_HZ)
    received = _received_between(run.streams, int(run.now_ns[0]) - period_ns, int(run.now_ns[-1]))
    arrivals = {name: (messages.receive_ns, messages.stamp_ns) for name, messages in received.items()}
    for queue in QUEUES:
        name = f"{case}/approximate_time, queue {queue}"
        sets, duration_us = synchronise(arrivals, queue)
        report.add("align.sets_formed", sets, "sets", TICKS, case=name)
        wrenches = len(received["wrench"].stamp_ns)
        report.add("align.samples_used", sets / wrenches, "fraction", wrenches, case=name)
        if case == CASE:
            report.add_percentiles("align.push_us", duration_us, "us", case=name)


def _received_between(streams: Streams, after_ns: int, until_ns: int) -> Streams:
    """The messages received after `after_ns` and by `until_ns`."""
    chosen = {}
    for name, messages in streams.items():
        received = (messages.receive_ns > after_ns) & (messages.receive_ns <= until_ns)
        chosen[name] = Messages(messages.receive_ns[received], messages.stamp_ns[received], messages.values[received])
    return chosen
