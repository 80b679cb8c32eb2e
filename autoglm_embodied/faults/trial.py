"""What came of one fault: read out of what was received while it was injected, on one monotonic clock."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import groupby

import numpy as np

from autoglm_embodied.faults.fault import Fault
from autoglm_embodied.metrics import Report
from autoglm_embodied.types import FloatArray

NS_PER_MS = 1e6
BACK_M_S = 0.021  # speed at which the governor may back off, with what rounding adds
AT_REST_M = 0.0005  # from where it stands in the end
UNHEARD_NS = 200_000_000  # without a command: the robot's own timeout holds it
GOES_ON = 0.8  # of the speed before
STANDS_NS, DRIFT_M = 150_000_000, 0.002  # how long the arm may take to stand once it is commanded to, how far it drifts
RECOVERED_MS = 2000.0

Timed = tuple[int, FloatArray]  # when it was received, and what


@dataclass
class Received:
    """What the observer of a graph received: it grows while the graph runs."""

    twists: list[Timed] = field(default_factory=list)  # (6,) to the robot [m/s, rad/s]
    tool: list[Timed] = field(default_factory=list)  # (3,) where the tool is, base frame [m]
    told: list[tuple[int, str]] = field(default_factory=list)  # states and diagnostics, as "node: item: message"


@dataclass(frozen=True)
class Trial:
    """One injection: when it began and cleared, and when the observation ended [ns]; nodes that ended by themselves."""

    fault: Fault
    onset_ns: int
    clear_ns: int
    end_ns: int
    crashed: tuple[str, ...] = ()


@dataclass(frozen=True)
class Result:
    """Times [ms] after the onset, recovery after the clearing; None: it never came, or need not."""

    detect_ms: float | None
    safe_ms: float | None
    motion_mm: float  # farthest the tool came from where it was at the onset
    recovery_ms: float | None
    undisturbed: bool  # the command went on as before
    uncommanded: bool  # motion out of the commanded line, faster, or while the arm was commanded to stand
    nan: int  # commands to the robot that were no numbers
    crashed: int

    @property
    def recovered(self) -> bool:
        """Whether the arm moved again soon enough."""
        return self.recovery_ms is not None and self.recovery_ms <= RECOVERED_MS


def result(trial: Trial, received: Received) -> Result:
    """Judge a trial by what was received until its end."""
    fault, onset_ns, clear_ns = trial.fault, trial.onset_ns, trial.clear_ns
    just_before = [twist for t_ns, twist in received.twists if t_ns < onset_ns]
    before = max(just_before, key=lambda twist: float(np.linalg.norm(twist[:3])))  # a busy machine may hold it up
    during = _between(received.twists, onset_ns, clear_ns)
    after = _between(received.twists, clear_ns, trial.end_ns)
    safe_ns = _safe_ns(fault, during, before, clear_ns, received.tool)
    again = [t_ns for t_ns, twist in after if _goes_on(fault, twist, before)]
    told = [t_ns for t_ns, text in received.told if onset_ns <= t_ns <= trial.end_ns and fault.tells(text)]
    # Where the policy of a grasp goes is not known.
    strays = not fault.grasp and any(
        _astray(twist, before) and not _is_safe(fault, twist, before) for _, twist in (*during, *after)
    )
    return Result(
        detect_ms=_after_ms(onset_ns, told[0] if told else None),
        safe_ms=_after_ms(onset_ns, safe_ns),
        motion_mm=_motion_mm(received.tool, onset_ns, clear_ns),
        recovery_ms=_after_ms(clear_ns, again[0] if again else None),
        undisturbed=all(_goes_on(fault, twist, before) for _, twist in during),
        uncommanded=strays or _drifts([*during, *after], received.tool),
        nan=sum(not np.isfinite(twist).all() for _, twist in (*during, *after)),
        crashed=len(trial.crashed),
    )


def _safe_ns(
    fault: Fault, during: Sequence[Timed], before: FloatArray, clear_ns: int, tool: Sequence[Timed]
) -> int | None:
    """From when on the arm was commanded to stand, or to go back; where no command came, from when on it stood."""
    if not during or clear_ns - during[-1][0] > UNHEARD_NS:
        return _rest_ns(_between(tool, during[-1][0] if during else 0, clear_ns))
    unsafe = [t_ns for t_ns, twist in during if not _is_safe(fault, twist, before)]
    return next((t_ns for t_ns, _ in during if not unsafe or t_ns > unsafe[-1]), None)


def _is_safe(fault: Fault, twist: FloatArray, before: FloatArray) -> bool:
    back = float(twist[:3] @ before[:3]) < 0.0 and np.linalg.norm(twist[:3]) <= BACK_M_S and not twist[3:].any()
    return bool((fault.backs_off and back) or not twist.any())


def _goes_on(fault: Fault, twist: FloatArray, before: FloatArray) -> bool:
    """Whether the arm is moved as before; a policy that grasps slows down by itself, but commands zero only to hold."""
    least_m_s = 0.0 if fault.grasp else GOES_ON * float(np.linalg.norm(before[:3]))
    return bool(twist.any() and np.linalg.norm(twist[:3]) >= least_m_s)


def _astray(twist: FloatArray, before: FloatArray) -> bool:
    """Whether a twist leads anywhere but along the one before, or faster."""
    speed_m_s = float(np.linalg.norm(before[:3]))
    along = before[:3] * float(np.clip(twist[:3] @ before[:3] / max(speed_m_s, 1e-9) ** 2, 0.0, 1.01))
    return bool(np.linalg.norm(twist[:3] - along) > 0.02 * speed_m_s)


def _drifts(twists: Sequence[Timed], tool: Sequence[Timed]) -> bool:
    """Whether the tool moved while it was commanded to stand."""
    for stands, run in groupby(twists, key=lambda timed: not timed[1].any()):
        times_ns = [t_ns for t_ns, _ in run]
        if stands and _motion_mm(tool, times_ns[0] + STANDS_NS, times_ns[-1]) > DRIFT_M * 1e3:
            return True
    return False


def _rest_ns(tool: Sequence[Timed]) -> int | None:
    """From when on the tool stayed where it is at the end."""
    if not tool:
        return None
    away = [t_ns for t_ns, at_m in tool if np.linalg.norm(at_m - tool[-1][1]) > AT_REST_M]
    return away[-1] if away else tool[0][0]


def _motion_mm(tool: Sequence[Timed], onset_ns: int, clear_ns: int) -> float:
    path_m = np.array([at_m for _, at_m in _between(tool, onset_ns, clear_ns)])
    return 0.0 if not len(path_m) else float(np.linalg.norm(path_m - path_m[0], axis=1).max()) * 1e3


def _between(timed: Sequence[Timed], begin_ns: int, end_ns: int) -> list[Timed]:
    return [(t_ns, value) for t_ns, value in timed if begin_ns <= t_ns < end_ns]


def _after_ms(begin_ns: int, t_ns: int | None) -> float | None:
    return None if t_ns is None else (t_ns - begin_ns) / NS_PER_MS


def add_figures(report: Report, fault: Fault, results: Sequence[Result]) -> None:
    """Add the figures of all trials of a fault; those that do not apply to it are left out."""
    case, n = fault.name, len(results)
    if not n:
        report.skip("fault.safe_ms", f"{case}: no trial could be made")
        return
    if fault.told:
        _add_times(report, "fault.detect_ms", case, [each.detect_ms for each in results])
    if fault.safe_ms is None:
        report.add_fraction("fault.undisturbed", sum(each.undisturbed for each in results), n, case=case)
    else:
        _add_times(report, "fault.safe_ms", case, [each.safe_ms for each in results])
        report.add("fault.motion_mm", max(each.motion_mm for each in results), "mm", n, case=case, stat="max")
    if fault.needs_restart:
        report.skip("fault.recovered", f"{case}: a process that ended must be started again")
    else:
        report.add_fraction("fault.recovered", sum(each.recovered for each in results), n, case=case)
        _add_times(report, "fault.recovery_ms", case, [each.recovery_ms for each in results])
    for figure, count in (
        ("fault.uncommanded_motion", sum(each.uncommanded for each in results)),
        ("fault.nan_published", sum(each.nan for each in results)),
        ("fault.crashed", sum(each.crashed for each in results)),
    ):
        report.add(figure, count, "trials" if figure.endswith("motion") else "times", n, case=case)


def _add_times(report: Report, figure: str, case: str, times_ms: Sequence[float | None]) -> None:
    """Percentiles of those that came, and how many never did."""
    came = [time_ms for time_ms in times_ms if time_ms is not None]
    if len(came) < len(times_ms):
        report.skip(figure, f"{case}: it never came in {len(times_ms) - len(came)} of {len(times_ms)} trials")
    report.add_percentiles(figure, came, "ms", case=case, percents=(50, 99, 100))
