"""Cost of a push and of a tick, and memory growth over an hour of them; only the clock is simulated."""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Event, Thread

import numpy as np

from autoglm_embodied.align.aligner import Aligner
from autoglm_embodied.align.settings import AlignSettings
from autoglm_embodied.metrics import Z95, Report
from autoglm_embodied.tools.bench.simulated_streams import (
    AXES,
    BASELINES,
    EPOCH_NS,
    HOME_RAD,
    Pick,
    SampleBuffer,
    panda_kinematics,
)

MS = 1_000_000
TOKENS = (432, 132)  # of a frame, as in the shipped policy
TICKS_TIMED = 10_000
TICK_MS, FRAME_MS = 10, 33
SLOW_TICK_MS = 33  # the default tick rate: 33 new wrenches to process
BEHIND_MS = 80  # behind the newest frame: then there are two frames on either side
WARM_MS = 300_000
SAMPLE_MS = 10_000  # between two samples of the memory
LOCK_MS = 5_000
PROGRESS_UPDATES = 10  # few: the progress bar keeps each in memory
DRAWN = 4096  # random values, reused cyclically
PAGE_BYTES = 4096


class SimulatedRobot:
    """A robot at full rate on a simulated clock: wrench and joints at 1 kHz, frames at 30 Hz.

    Args:
        rng: of the values.
        tick_ms: period of the ticks; 0: none.
        behind_ms: each tick observes the instant that long ago.
    """

    def __init__(self, rng: np.random.Generator, tick_ms: int = TICK_MS, behind_ms: int = 0) -> None:
        self._tick_ms, self._behind_ns = tick_ms, behind_ms * MS
        self.aligner = Aligner(AlignSettings(), panda_kinematics())
        self.ms, self.push_us, self.tick_us = 0, list[float](), list[float]()
        self._wrench = rng.normal(size=(DRAWN, 6))
        self._position = np.concatenate([np.repeat(HOME_RAD[None], DRAWN, axis=0), np.full((DRAWN, 2), 0.04)], axis=1)
        self._position[:, :7] += 1e-3 * rng.normal(size=(DRAWN, 7))
        self._velocity = np.zeros(AXES)
        self._tokens = rng.normal(size=(8, *TOKENS)).astype(np.float32)

    def start(self) -> None:
        """Rest for a second, then tare and give an instruction."""
        self.run(1_000)
        self.aligner.tare(EPOCH_NS + self.ms * MS, self.ms * MS)
        self.aligner.push_instruction(EPOCH_NS, "pick up the red cube")

    def run(self, milliseconds: int, timed: bool = False) -> None:
        """Advance the clock; `timed` records the duration of every push and tick."""
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
                aligner.observe(stamp_ns - self._behind_ns, receive_ns - self._behind_ns)
                if timed:
                    self.tick_us.append(1e6 * (time.perf_counter() - begin))
        self.ms += milliseconds


def measure_cost(report: Report, rng: np.random.Generator) -> None:
    """Add `align.push_us` and `align.tick_us`: ticks at 100 Hz, at 30 Hz, and of an instant between frames."""
    for case, tick_ms, behind_ms in (
        ("all senses", TICK_MS, 0),
        ("all senses, 30 Hz", SLOW_TICK_MS, 0),
        ("all senses, between frames", TICK_MS, BEHIND_MS),
    ):
        robot = SimulatedRobot(rng, tick_ms, behind_ms)
        robot.start()
        robot.run(TICKS_TIMED * TICK_MS, timed=True)
        if not report.value("align.push_us", case="wrench", stat="p50"):
            report.add_percentiles("align.push_us", robot.push_us, "us", case="wrench")
        report.add_percentiles("align.tick_us", robot.tick_us, "us", case=case)
    for name, pick in BASELINES.items():
        push_us, tick_us = _baseline_cost(rng, pick)
        report.add_percentiles("align.push_us", push_us, "us", case=f"wrench/{name}")
        report.add_percentiles("align.tick_us", tick_us, "us", case=f"all senses/{name}")


def _baseline_cost(rng: np.random.Generator, pick: Pick) -> tuple[list[float], list[float]]:
    """Durations [us] of pushes and ticks of the baseline, forward kinematics included."""
    streams = wrench, joints, frames = SampleBuffer(), SampleBuffer(), SampleBuffer()
    forward = panda_kinematics()
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
            taken = [pick(stream, ms * MS).copy() for stream in streams]
            forward(taken[1])
            tick_us.append(1e6 * (time.perf_counter() - begin))
    return push_us, tick_us


def measure_lock(report: Report, rng: np.random.Generator) -> None:
    """Add `align.push_us` of wrenches pushed at 1 kHz while another thread ticks at 100 Hz: the cost of the lock."""
    robot = SimulatedRobot(rng, tick_ms=0)
    robot.start()
    ended = Event()
    ticks = Thread(target=_tick_until, args=(robot, ended), name="ticks")
    ticks.start()
    try:
        begin_ns = time.monotonic_ns()
        for ms in range(LOCK_MS):
            time.sleep(max(begin_ns + ms * MS - time.monotonic_ns(), 0) / 1e9)
            robot.run(1, timed=True)
    finally:
        ended.set()
        ticks.join()
    report.add_percentiles("align.push_us", robot.push_us, "us", case="wrench, beside a thread that ticks")


def _tick_until(robot: SimulatedRobot, ended: Event) -> None:
    while not ended.wait(TICK_MS / 1e3):
        robot.aligner.observe(EPOCH_NS + robot.ms * MS, robot.ms * MS)


def measure_memory(report: Report, rng: np.random.Generator, hours: float, progress: Callable[[float], None]) -> None:
    """Add `align.rss_slope_bytes_per_s`, growth of the resident memory per second of simulated time.

    Args:
        report: filled.
        rng: of the values.
        hours: of simulated time.
        progress: called with the fraction done.
    """
    robot = SimulatedRobot(rng)
    robot.start()
    robot.run(WARM_MS)
    samples = max(round(hours * 3_600_000 / SAMPLE_MS), 3)
    rss = np.empty(samples)
    for k in range(samples):
        robot.run(SAMPLE_MS)
        rss[k] = _rss_bytes()
        if (k + 1) % max(samples // PROGRESS_UPDATES, 1) == 0:
            progress((k + 1) / samples)
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
