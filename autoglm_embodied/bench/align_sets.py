"""Does a late camera cost Observations, and is every wrench used? The 300 frames of ten seconds, 120 ms late."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from autoglm_embodied.align.aligner import Aligner
from autoglm_embodied.align.settings import AlignSettings
from autoglm_embodied.bench.delivery import EPOCH_NS, NS_PER_S, IntArray, Messages, Way, deliver
from autoglm_embodied.bench.replay import observe
from autoglm_embodied.bench.rig import joints_signal, kinematics
from autoglm_embodied.bench.signals import band_limited
from autoglm_embodied.figures import Report

CASE = "camera_late_120ms"
CAMERA_DELAY_S = 0.12
TICKS = 300
CAMERA_HZ, WRENCH_HZ, JOINTS_HZ = 30.0, 1000.0, 100.0
BEFORE_S = 1.0  # heard and tared before the first tick
LONGEST_NS = max(AlignSettings().pyramid_windows_ns)

Synchronise = Callable[[dict[str, tuple[IntArray, IntArray]]], int]
"""Receive times and stamps of each stream to the number of sets that an approximate-time synchroniser makes of them."""


def measure(report: Report, rng: np.random.Generator, synchronise: Synchronise | str) -> None:
    """Add `align.sets_formed`, `align.samples_used` and `align.time_error_ms`.

    Args:
        report: filled.
        rng: of the signals.
        synchronise: the approximate-time synchroniser to compare with, or why there is none.
    """
    seconds = BEFORE_S + TICKS / CAMERA_HZ
    streams = {
        "wrench": deliver(band_limited(50.0, 6, rng), WRENCH_HZ, seconds, Way(), rng),
        "joints": deliver(joints_signal(rng, BEFORE_S), JOINTS_HZ, seconds, Way(), rng),
        "vision": deliver(band_limited(5.0, 8, rng), CAMERA_HZ, seconds, Way(delay_s=CAMERA_DELAY_S), rng),
    }
    aligner = Aligner(AlignSettings(), kinematics())
    tare_ns = np.array([round(0.9 * BEFORE_S * NS_PER_S)])
    list(observe(aligner, {name: until(messages, tare_ns[0]) for name, messages in streams.items()}, tare_ns))
    aligner.tare(EPOCH_NS + int(tare_ns[0]), int(tare_ns[0]))
    rest = {name: since(messages, tare_ns[0]) for name, messages in streams.items()}
    now_ns = ((BEFORE_S + np.arange(TICKS) / CAMERA_HZ) * NS_PER_S).astype(np.int64)
    seen = list(observe(aligner, rest, now_ns))

    whole = [each for each in seen if each.vision.present and each.force.present and each.joints.present]
    told = [each.vision.time_error_ns / 1e6 for each in whole if each.vision.time_error_ns]
    report.add("align.sets_formed", len(whole), "sets", TICKS, case=CASE)
    stamps_ns = streams["wrench"].stamp_ns
    felt = np.zeros(len(stamps_ns), bool)
    for each in whole:
        if each.force.value is not None:
            end = int(np.searchsorted(stamps_ns, each.t_ns, side="right"))
            felt[end - each.force.value.samples_used : end] = True
    due = (stamps_ns > seen[0].t_ns - LONGEST_NS) & (stamps_ns <= seen[-1].t_ns)
    report.add("align.samples_used", felt[due].mean(), "fraction", int(due.sum()), case=CASE)
    report.add("align.time_error_told", len(told), "sets", TICKS, case=CASE)
    report.add("align.time_error_ms", float(np.median(told)), "ms", len(told), case=CASE, stat="p50")
    if isinstance(synchronise, str):
        report.skip(f"align.sets_formed: {CASE}/approximate_time", synchronise)
    else:
        arrivals = {name: (messages.receive_ns, messages.stamp_ns) for name, messages in rest.items()}
        report.add("align.sets_formed", synchronise(arrivals), "sets", TICKS, case=f"{CASE}/approximate_time")


def until(messages: Messages, now_ns: int) -> Messages:
    """Those that have come by then."""
    came = messages.receive_ns <= now_ns
    return Messages(messages.receive_ns[came], messages.stamp_ns[came], messages.values[came])


def since(messages: Messages, now_ns: int) -> Messages:
    """Those that come after then."""
    comes = messages.receive_ns > now_ns
    return Messages(messages.receive_ns[comes], messages.stamp_ns[comes], messages.values[comes])
