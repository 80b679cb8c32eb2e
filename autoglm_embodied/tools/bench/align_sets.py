"""Does what happens on the way cost Observations, and is every wrench used? 300 ticks of ten seconds at each case."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from autoglm_embodied.align.aligner import Aligner
from autoglm_embodied.align.settings import AlignSettings
from autoglm_embodied.metrics import Report
from autoglm_embodied.tools.bench.playback import observe
from autoglm_embodied.tools.bench.sample_baselines import last, nearest
from autoglm_embodied.tools.bench.simulated_streams import (
    EPOCH_NS,
    NS_PER_S,
    IntArray,
    Messages,
    Way,
    band_limited,
    deliver,
    joints_signal,
    kinematics,
)
from autoglm_embodied.types import Observation

CASE = "camera_late_120ms"
CASES = {
    CASE: Way(delay_s=0.12),
    **{f"camera_late_{delay_ms}ms": Way(delay_s=delay_ms / 1e3) for delay_ms in (5, 20, 50, 100)},
    "loss_10%": Way(delay_s=0.05, loss=0.1),
    "loss_30%": Way(delay_s=0.05, loss=0.3),
    "overtaking": Way(delay_s=0.05, overtaking=1.0),
}
"""The delay is the camera's alone, the rest is of all streams."""

TICKS = 300
CAMERA_HZ, WRENCH_HZ, JOINTS_HZ = 30.0, 1000.0, 100.0
BEFORE_S = 1.0  # heard and tared before the first tick
LONGEST_NS = max(AlignSettings().pyramid_windows_ns)
QUEUES = (10, 1000)  # of the synchroniser: as in most examples, and long enough for a late camera

Streams = Mapping[str, Messages]
Synchronise = Callable[[dict[str, tuple[IntArray, IntArray]], int], tuple[int, list[float]]]
"""Receive times and stamps of each stream, and the length of the queue, to the number of sets that an approximate-time
synchroniser makes of them and what each message costs it [us]."""


@dataclass(frozen=True)
class Played:
    """Ten seconds: what came, and what was observed."""

    streams: Streams
    now_ns: IntArray  # (TICKS,)
    observations: list[Observation]

    @property
    def due(self) -> IntArray:
        """Stamps of the wrenches that came early enough for an observation to use them."""
        wrench, first_ns, last_ns = self.streams["wrench"], self.observations[0].t_ns, self.observations[-1].t_ns
        came = (wrench.stamp_ns > first_ns - LONGEST_NS) & (wrench.receive_ns <= self.now_ns[-1])
        return np.sort(wrench.stamp_ns[came & (wrench.stamp_ns <= last_ns)])


def measure(report: Report, rng: np.random.Generator, synchronise: Synchronise | str) -> None:
    """Add `align.sets_formed`, `align.samples_used` and `align.time_error_ms`.

    Args:
        report: filled.
        rng: of the signals.
        synchronise: the approximate-time synchroniser to compare with, or why there is none.
    """
    for case, way in CASES.items():
        played = play(way, rng)
        add_aligned(report, case, played)
        add_samples(report, case, played)
        if isinstance(synchronise, str):
            report.skip(f"align.sets_formed: {case}/approximate_time", synchronise)
        else:
            add_synchronised(report, case, played, synchronise)


def play(way: Way, rng: np.random.Generator) -> Played:
    """A second to be heard and tared, then ten of motion."""
    seconds = BEFORE_S + TICKS / CAMERA_HZ
    near = Way(loss=way.loss, overtaking=way.overtaking)
    streams = {
        "wrench": deliver(band_limited(50.0, 6, rng), WRENCH_HZ, seconds, near, rng),
        "joints": deliver(joints_signal(rng, BEFORE_S), JOINTS_HZ, seconds, near, rng),
        "vision": deliver(band_limited(5.0, 8, rng), CAMERA_HZ, seconds, way, rng),
    }
    aligner = Aligner(AlignSettings(), kinematics())
    tare_ns = np.array([round(0.9 * BEFORE_S * NS_PER_S)])
    list(observe(aligner, between(streams, 0, int(tare_ns[0])), tare_ns))
    aligner.tare(EPOCH_NS + int(tare_ns[0]), int(tare_ns[0]))
    now_ns = ((BEFORE_S + np.arange(TICKS) / CAMERA_HZ) * NS_PER_S).astype(np.int64)
    rest = between(streams, int(tare_ns[0]), int(now_ns[-1]))
    return Played(streams, now_ns, list(observe(aligner, rest, now_ns)))


def add_aligned(report: Report, case: str, played: Played) -> None:
    """What the aligner made of it."""
    whole = [each for each in played.observations if each.vision.present and each.joints.present and each.force.present]
    report.add("align.sets_formed", len(whole), "sets", TICKS, case=case)
    due = played.due
    felt = np.zeros(len(due), bool)
    for each in whole:
        if each.force.value is not None:
            end = int(np.searchsorted(due, each.t_ns, side="right"))
            felt[max(end - each.force.value.samples_used, 0) : end] = True
    report.add("align.samples_used", felt.mean(), "fraction", len(due), case=case)
    told = [each.vision.time_error_ns / 1e6 for each in whole if each.vision.time_error_ns]
    report.add("align.time_error_told", len(told), "sets", TICKS, case=case)
    if told:
        report.add("align.time_error_ms", float(np.median(told)), "ms", len(told), case=case, stat="p50")


def add_samples(report: Report, case: str, played: Played) -> None:
    """What takes one sample of each stream made of it: a set at every tick, however old, of one wrench."""
    wrench = played.streams["wrench"]
    numbered = Messages(wrench.receive_ns, wrench.stamp_ns, np.arange(len(wrench.stamp_ns), dtype=float)[:, None])
    for name, rule in (("last", last), ("nearest", nearest)):
        used = len(np.unique(rule(numbered, played.now_ns, played.now_ns)))
        report.add("align.samples_used", used / len(played.due), "fraction", len(played.due), case=f"{case}/{name}")


def add_synchronised(report: Report, case: str, played: Played, synchronise: Synchronise) -> None:
    """What the synchroniser made of the messages that came within the 300 periods up to the last tick."""
    period_ns = round(NS_PER_S / CAMERA_HZ)
    heard = between(played.streams, int(played.now_ns[0]) - period_ns, int(played.now_ns[-1]))
    arrivals = {name: (messages.receive_ns, messages.stamp_ns) for name, messages in heard.items()}
    for queue in QUEUES:
        name = f"{case}/approximate_time, queue {queue}"
        sets, taken_us = synchronise(arrivals, queue)
        report.add("align.sets_formed", sets, "sets", TICKS, case=name)
        wrenches = len(heard["wrench"].stamp_ns)
        report.add("align.samples_used", sets / wrenches, "fraction", wrenches, case=name)
        if case == CASE:
            for stat, percent in (("p50", 50), ("p99", 99)):
                value = float(np.percentile(taken_us, percent))
                report.add("align.push_us", value, "us", len(taken_us), case=name, stat=stat)


def between(streams: Streams, after_ns: int, until_ns: int) -> Streams:
    """The messages that come after the one moment and no later than the other."""
    chosen = {}
    for name, messages in streams.items():
        came = (messages.receive_ns > after_ns) & (messages.receive_ns <= until_ns)
        chosen[name] = Messages(messages.receive_ns[came], messages.stamp_ns[came], messages.values[came])
    return chosen
