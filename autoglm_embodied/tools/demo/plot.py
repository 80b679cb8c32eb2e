"""The wrench of a run with the phases of the grasp marked, as an image."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from autoglm_embodied.graph_recording import GraphRecording, Span, arrays, phase_spans
from autoglm_embodied.tools.demo.timeline import Moment

JUDGING = "shaken by the judge"
PHASE_COLOURS = {
    "idle": "#eceff1",
    "reach": "#bbdefb",
    "descend": "#c8e6c9",
    "close": "#ffe0b2",
    "lift": "#f8bbd0",
    "hold": "#d1c4e9",
    JUDGING: "#d7ccc8",
}
AXES = ("x", "y", "z")
MARKED = ("heard", "seen", "contact", "held", "not held", "refused")
BEFORE_S = 1.0  # shown before the sentence was heard
TARE_S = 0.5


def plot_wrench(path: Path, recording: GraphRecording, moments: Sequence[Moment], start_ns: int) -> None:
    """Draw force, torque and gripper width over the seconds since `start_ns`, tared by the first half second."""
    figure = Figure(figsize=(11, 7), layout="constrained")
    FigureCanvasAgg(figure)
    force, torque, width = figure.subplots(3, 1, sharex=True, height_ratios=(3, 2, 1))
    stamp_ns, wrench = arrays(recording.wrench)
    seconds = (stamp_ns - start_ns) / 1e9
    tared = wrench - wrench[seconds < seconds[0] + TARE_S].mean(axis=0)
    for axes, columns, label in ((force, tared[:, :3], "force [N]"), (torque, tared[:, 3:], "torque [N·m]")):
        for name, column in zip(AXES, columns.T, strict=True):
            axes.plot(seconds, column, linewidth=0.7, label=name)
        axes.set_ylabel(label)
        axes.legend(loc="upper left", ncols=3, fontsize="small")
    stamp_ns, joints = arrays(recording.joints)
    width.plot((stamp_ns - start_ns) / 1e9, 1e3 * joints[:, -1], color="black")
    width.set_ylabel("gripper [mm]")
    width.set_ylim(bottom=0)
    width.set_xlabel("time since the start [s]")
    shown = [moment for moment in moments if moment.name in MARKED]
    begin = (shown[0].t_ns - start_ns) / 1e9 - BEFORE_S if shown else seconds[0]
    force.set_xlim(max(begin, seconds[0]), seconds[-1])
    spans = [*phase_spans(recording.grasp_ticks()), *_judging(moments)]
    for axes in (force, torque, width):
        _mark_spans(axes, spans, start_ns)
        axes.grid(alpha=0.3)
    _name_moments(force, shown, start_ns)
    figure.legend(handles=_key(spans), loc="outside lower center", ncols=len(PHASE_COLOURS))
    figure.suptitle("Wrist wrench, tared, in the sensor frame", fontsize="medium")
    figure.savefig(path, dpi=110)


def _judging(moments: Sequence[Moment]) -> list[Span]:
    """From the outcome to the judgement, where there was one."""
    at_ns = {moment.name: moment.t_ns for moment in moments}
    return [(JUDGING, at_ns["held"], at_ns["judged"])] if {"held", "judged"} <= set(at_ns) else []


def _mark_spans(axes: Axes, spans: Sequence[Span], start_ns: int) -> None:
    for name, begin, end in spans:
        colour = PHASE_COLOURS.get(name, "#ffffff")
        axes.axvspan((begin - start_ns) / 1e9, (end - start_ns) / 1e9, color=colour, alpha=0.6, linewidth=0)


def _key(spans: Sequence[Span]) -> list[Patch]:
    names = dict.fromkeys(name for name, _, _ in spans)
    return [Patch(color=PHASE_COLOURS.get(name, "#ffffff"), alpha=0.6, label=name) for name in names]


def _name_moments(axes: Axes, moments: Sequence[Moment], start_ns: int) -> None:
    first, last = axes.get_xlim()
    for moment in moments:
        second = (moment.t_ns - start_ns) / 1e9
        if first <= second <= last:
            axes.axvline(second, color="black", linewidth=0.6, linestyle=":")
            axes.text(second, 1.01, moment.name, transform=axes.get_xaxis_transform(), rotation=40, fontsize="small")
