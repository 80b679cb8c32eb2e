"""What a push and a tick cost, and whether an hour of them costs memory; the clock is simulated, the work is not."""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Event, Thread

import numpy as np

from autoglm_embodied.align.aligner import Aligner
from autoglm_embodied.align.settings import AlignSettings
from autoglm_embodied.metrics import Z95, Report
from autoglm_embodied.tools.bench.sample_baselines import Samples
from autoglm_embodied.tools.bench.simulated_streams import EPOCH_NS, HOME_RAD, MOVING, kinematics
from autoglm_embodied.types import FloatArray

MS = 1_000_000
TOKENS = (432, 132)  # of a frame, as the shipped policy makes them
TICKS_TIMED = 10_000
TICK_MS, FRAME_MS = 10, 33
SLOW_TICK_MS = 33  # as shipped: 33 new wrenches to work on
BEHIND_MS = 80  # frames: then there are two on either side
WARM_MS = 300_000
SAMPLE_MS = 10_000  # between two looks at the memory
LOCK_MS = 5_000
TOLD = 10  # times that progress is told: the bar itself remembers each
DRAWN = 4096  # random values, used over and over
PAGE_BYTES = 4096


class Hour:
    """A robot at full rate on a simulated clock: wrench and joints at 1 kHz, frames at 30 Hz.

    It ticks every `tick_ms` (0: never) and asks for the instant `behind_ms` ago.
    """

    def __init__(self, rng: np.random.Generator, tick_ms: int = TICK_MS, behind_ms: int = 0) -> None:
        self._tick_ms, self._behind_ns = tick_ms, behind_ms * MS
        self.aligner = Aligner(AlignSettings(), kinematics())
        self.ms = 0
        self.push_us: list[float] = []
        self.tick_us: list[float] = []
        self._wrench = rng.normal(size=(DRAWN, 6))
        self._position = np.concatenate([np.repeat(HOME_RAD[None], DRAWN, axis=0), np.full((DRAWN, 2), 0.04)], axis=1)
        self._position[:, :7] += 1e-3 * rng.normal(size=(DRAWN, 7))
        self._velocity = np.zeros(MOVING)
        self._tokens = rng.normal(size=(8, *TOKENS)).astype(np.float32)

    def begin(self) -> None:
        """One second of rest, then tare and name something."""
        self.run(1_000)
        self.aligner.tare(EPOCH_NS + self.ms * MS, self.ms * MS)
        self.aligner.push_instruction(EPOCH_NS, "pick up the red cube")

    def run(self, milliseconds: int, timed: bool = False) -> None:
        """Let so much time pass."""
        aligner = self.aligner
        for ms in range(self.ms + 1, self.ms + milliseconds + 1):
            stamp_ns, receive_ns, drawn = EPOCH_NS + ms * MS, ms * MS, ms % DRAWN
            begin = time.perf_counter()
            aligner.push_wrench(stamp_ns, receive_ns, self._wrench[drawn])
            if timed:
                self.push_us.append(1e6 * (time.perf_counter() - begin))
            aligner.push_joints(stamp_ns, receive_ns, self._position[drawn], self._velocity)
            if ms % FRAME_MS == 0:
                aligner.push_tokens(stamp_ns, receive_ns, self._tokens[ms // FRAME_MS % len(self._tokens)])
            if self._tick_ms and ms % self._tick_ms == 0:
                begin = time.perf_counter()
                aligner.observe(stamp_ns - self._behind_ns, receive_ns)
                if timed:
                    self.tick_us.append(1e6 * (time.perf_counter() - begin))
        self.ms += milliseconds


def measure_cost(report: Report, rng: np.random.Generator) -> None:
    """Add `align.push_us` and `align.tick_us`: at 100 Hz, as often as shipped, and of an instant between frames."""
    for case, tick_ms, behind_ms in (
        ("all senses", TICK_MS, 0),
        ("all senses, 30 Hz", SLOW_TICK_MS, 0),
        ("all senses, between frames", TICK_MS, BEHIND_MS),
    ):
        hour = Hour(rng, tick_ms, behind_ms)
        hour.begin()
        hour.run(TICKS_TIMED * TICK_MS, timed=True)
        if not report.value("align.push_us", case="wrench", stat="p50"):
            _add_percentiles(report, "align.push_us", "wrench", hour.push_us)
        _add_percentiles(report, "align.tick_us", case, hour.tick_us)
    for name, rule in (("last", Samples.last), ("nearest", Samples.nearest)):
        push_us, tick_us = _cost_of_samples(rng, rule)
        _add_percentiles(report, "align.push_us", f"wrench/{name}", push_us)
        _add_percentiles(report, "align.tick_us", f"all senses/{name}", tick_us)


def _cost_of_samples(
    rng: np.random.Generator, rule: Callable[[Samples, int], FloatArray]
) -> tuple[list[float], list[float]]:
    """What pushes and ticks cost who keeps all samples and takes one of each stream, the joints' pose included."""
    streams = wrench, joints, frames = Samples(), Samples(), Samples()
    forward = kinematics()
    values, row, tokens = rng.normal(size=(DRAWN, 6)), HOME_RAD.copy(), np.zeros(TOKENS, np.float32)
    push_us, tick_us = [], []
    for ms in range(1, TICKS_TIMED * TICK_MS):
        begin = time.perf_counter()
        wrench.push(ms * MS, values[ms % DRAWN])
        push_us.append(1e6 * (time.perf_counter() - begin))
        joints.push(ms * MS, row)
        if ms % FRAME_MS == 0:
            frames.push(ms * MS, tokens)
        if ms % TICK_MS == 0 and ms > FRAME_MS:
            begin = time.perf_counter()
            taken = [rule(stream, ms * MS).copy() for stream in streams]
            forward(taken[1])
            tick_us.append(1e6 * (time.perf_counter() - begin))
    return push_us, tick_us


def _add_percentiles(report: Report, figure: str, case: str, values: list[float]) -> None:
    for stat, percent in (("p50", 50), ("p99", 99)):
        report.add(figure, float(np.percentile(values, percent)), "us", len(values), case=case, stat=stat)


def measure_lock(report: Report, rng: np.random.Generator) -> None:
    """Add `align.push_us` of wrenches pushed at 1 kHz while another thread ticks at 100 Hz: what the lock costs."""
    hour = Hour(rng, tick_ms=0)
    hour.begin()
    ended = Event()
    ticks = Thread(target=_tick_until, args=(hour, ended), name="ticks")
    ticks.start()
    try:
        begin_ns = time.monotonic_ns()
        for ms in range(LOCK_MS):
            time.sleep(max(begin_ns + ms * MS - time.monotonic_ns(), 0) / 1e9)
            hour.run(1, timed=True)
    finally:
        ended.set()
        ticks.join()
    _add_percentiles(report, "align.push_us", "wrench, beside a thread that ticks", hour.push_us)


def _tick_until(hour: Hour, ended: Event) -> None:
    while not ended.wait(TICK_MS / 1e3):
        hour.aligner.observe(EPOCH_NS + hour.ms * MS, hour.ms * MS)


def measure_memory(report: Report, rng: np.random.Generator, hours: float, advance: Callable[[float], None]) -> None:
    """Add `align.rss_slope_bytes_per_s`, of the simulated time.

    Args:
        report: filled.
        rng: of the values.
        hours: of simulated time.
        advance: told the fraction done.
    """
    hour = Hour(rng)
    hour.begin()
    hour.run(WARM_MS)
    samples = max(round(hours * 3_600_000 / SAMPLE_MS), 3)
    rss = np.empty(samples)
    for k in range(samples):
        hour.run(SAMPLE_MS)
        rss[k] = _rss_bytes()
        if (k + 1) % max(samples // TOLD, 1) == 0:
            advance((k + 1) / samples)
    seconds = SAMPLE_MS / 1e3 * np.arange(samples)
    seconds -= seconds.mean()
    slope = float(seconds @ rss / (seconds @ seconds))
    residual = rss - rss.mean() - slope * seconds
    error = float(np.sqrt(residual @ residual / (samples - 2) / (seconds @ seconds)))
    interval = slope - Z95 * error, slope + Z95 * error
    report.add("align.rss_slope_bytes_per_s", slope, "B/s", samples, case=f"{hours:g} h", ci95=interval)
    report.add("align.rss_growth_bytes", rss[-1] - rss[0], "B", samples, case=f"{hours:g} h")


def _rss_bytes() -> int:
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * PAGE_BYTES
