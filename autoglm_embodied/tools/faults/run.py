"""Injects every fault so many times, and reports what came of it."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median

from autoglm_embodied.errors import ConfigError
from autoglm_embodied.faults.fault import FAULTS, Fault
from autoglm_embodied.faults.trial import Result, add_figures, result
from autoglm_embodied.metrics import Report
from autoglm_embodied.tools.faults.bench import FaultBench, fault_bench, sorted_by_graph

COMMAND = "autoglm faults"
OVER_LIMIT = "wrench_over_limit"


def chosen(only: Sequence[str]) -> list[Fault]:
    """The faults of these names, all if there are none; ConfigError for a name that none has."""
    names = [fault.name for fault in FAULTS]
    wrong = [name for name in only if name not in names]
    if wrong:
        raise ConfigError(f"there is no fault {wrong[0]!r}; --only takes {', '.join(names)}")
    return [fault for fault in FAULTS if not only or fault.name in only]


def measure(faults: Sequence[Fault], n: int, seed: int, log_dir: Path, say: Callable[[str], None]) -> Report:
    """The figures of `n` trials of each fault.

    Args:
        faults: to inject.
        n: trials of each.
        seed: of the simulator's scenes.
        log_dir: for what the nodes print.
        say: called with each result.

    Raises:
        SetupError: a node died, or the arm does not move.
    """
    report, factors = Report(COMMAND, seed, time.time_ns()), list[float]()
    report.details["load_at_start"] = os.getloadavg()[0]
    for part in sorted_by_graph(faults):
        grasp = part[0].grasp
        with fault_bench(grasp, seed, log_dir / ("grasp" if grasp else "steady")) as bench:
            for fault in part:
                add_figures(report, fault, _trials(bench, fault, n, say))
            factors += bench.realtime_factors()
    report.details["realtime_factor"] = round(median(factors), 3) if factors else None
    report.details["load_at_end"] = os.getloadavg()[0]
    for stat in ("p50", "p99"):
        reaction_ms = report.value("fault.safe_ms", case=OVER_LIMIT, stat=stat)
        if reaction_ms is not None:
            report.add("reaction.force_to_command_ms", reaction_ms, "ms", n, stat=stat)
    return report


def _trials(bench: FaultBench, fault: Fault, n: int, say: Callable[[str], None]) -> list[Result]:
    results = []
    for number in range(n):
        trial = bench.trial(fault)
        results.append(result(trial, bench.observer.received))
        say(f"{fault.name} {number + 1}/{n}: {_line(fault, results[-1])}")
    return results


def _line(fault: Fault, one: Result) -> str:
    parts = [f"told {_ms(one.detect_ms)}"] if fault.told else []
    if fault.safe_ms is None:
        parts.append("undisturbed" if one.undisturbed else "DISTURBED")
    else:
        parts.append(f"stands {_ms(one.safe_ms)}, {one.motion_mm:.1f} mm")
    parts.append(f"moves again {_ms(one.recovery_ms)}")
    bad = {"uncommanded motion": one.uncommanded, "NaN": one.nan, "a node crashed": one.crashed}
    return ", ".join([*parts, *(name.upper() for name, so in bad.items() if so)])


def _ms(time_ms: float | None) -> str:
    return "never" if time_ms is None else f"after {time_ms:.0f} ms"
