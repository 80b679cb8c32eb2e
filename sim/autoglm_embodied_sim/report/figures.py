"""The figures of the page as SVG: success, paired differences, distributions; colours are the page's own.

Each is drawn by Matplotlib in the colours of COLOURS, for which the page's CSS variables are then put in, so that the
same figure is readable on light and on dark paper. Text stays text, and the same evaluation gives the same bytes.
"""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, PercentFormatter

from autoglm_embodied.metrics import wilson
from autoglm_embodied_sim.report import p_value, percent, points
from autoglm_embodied_sim.report.evaluation import STATS, Case, Evaluation, Pairing

COLOURS = {
    "ink": "#1c2126",
    "soft": "#5b6670",
    "line": "#d9dee3",
    "held": "#2e7d32",
    "failed": "#c62828",
    "first_descent": "#ef8f00",
    "strict": "#6a5acd",
    "final": "#1565c0",
}
"""As on light paper; the names are those of the page's CSS variables, without underscores."""
STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "autoglm",
    "text.parse_math": False,
    "font.family": "sans-serif",
    "font.size": 9.5,
    "text.color": COLOURS["ink"],
    "lines.markersize": 5.5,
    "lines.markeredgewidth": 0.0,
    "legend.frameon": False,
    "legend.handletextpad": 0.2,
    "legend.columnspacing": 2.5,
    "axes.edgecolor": COLOURS["line"],
    "axes.labelcolor": COLOURS["soft"],
    "axes.titlelocation": "left",
    "axes.titlesize": 9.5,
    "axes.titleweight": "bold",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.spines.left": False,
    "axes.grid": True,
    "axes.grid.axis": "x",
    "axes.axisbelow": True,
    "grid.color": COLOURS["line"],
    "xtick.color": COLOURS["line"],
    "xtick.labelcolor": COLOURS["soft"],
    "ytick.left": False,
    "ytick.labelcolor": COLOURS["ink"],
}
NO_METADATA = {"Date": None, "Creator": None, "Format": None, "Type": None}
WIDTH_IN, LEFT_IN, RIGHT_IN = 10.0, 1.6, 2.4
KEY_IN, TITLE_IN, FOOT_IN = 0.35, 0.35, 0.55
SPREAD, GOLDEN = 0.64, 0.618034  # of a lane's height; the multiples of the golden ratio are spread evenly


@matplotlib.rc_context(STYLE)
def success_figure(evaluation: Evaluation) -> str:
    """Suite by suite, a row for each policy; in each row first descent, strict and final success, from above."""
    figure, axes = _panels(evaluation, 0.5)
    for panel, cases in zip(axes, evaluation.suites.values(), strict=True):
        for row, case in enumerate(cases):
            _draw_success(panel, row, case)
        panel.set_xlim(0.0, 1.0)
        panel.xaxis.set_major_formatter(PercentFormatter(1.0, symbol=" %"))
    _key(figure, {stat.replace("_", " "): COLOURS[stat] for stat in STATS})
    axes[-1].set_xlabel("success, with Wilson 95 % interval")
    return _svg(figure, f"Success of {len(evaluation.cases)} cases with intervals; the table says the same.")


@matplotlib.rc_context(STYLE)
def difference_figure(pairings: Sequence[Pairing]) -> str:
    """Final success of each policy less that of the one it is compared with, on the same seeds."""
    figure, (panel,) = _figure([len(pairings)], 0.32, above_in=0.1)
    second, reach = pairings[0].second, 0.1
    for row, pairing in enumerate(pairings):
        outcomes, (low, high) = pairing.outcomes, pairing.outcomes.newcombe_interval()
        reach = max(reach, abs(low), abs(high))
        _interval(panel, row, low, outcomes.difference, high, COLOURS["final"])
        _aside(panel, row, f"{points(outcomes.difference)}, McNemar {p_value(outcomes.mcnemar_p())}")
    panel.axvline(0.0, color=COLOURS["soft"], linewidth=1.5, zorder=1)
    panel.set_xlim(-1.05 * reach, 1.05 * reach)
    panel.xaxis.set_major_formatter(FuncFormatter(_signed_percent))
    _lanes(panel, [f"{pairing.suite} / {pairing.first}" for pairing in pairings])
    panel.set_xlabel(f"final success less that of {second} on the same seeds, percentage points (Newcombe 95 %)")
    return _svg(figure, f"Differences of {len(pairings)} cases from {second}; the tables say the same.")


@matplotlib.rc_context(STYLE)
def distribution_figure(evaluation: Evaluation, field: str, title: str, unit: str) -> str | None:
    """A dot for each episode, median and 95th percentile of each policy in each suite.

    Args:
        evaluation: whose episodes.
        field: of `GraspResult`, drawn along the axis.
        title: what it is.
        unit: in which it is.

    Returns:
        SVG; None where nothing was measured.
    """
    values = [value for case in evaluation.cases for value, _ in case.measured(field)]
    if not values:
        return None
    figure, axes = _panels(evaluation, 0.42)
    for panel, cases in zip(axes, evaluation.suites.values(), strict=True):
        for row, case in enumerate(cases):
            _draw_distribution(panel, row, case, field, unit)
        panel.set_xlim(0.0, 1.03 * max(values) or 1.0)
    _key(figure, {"held": COLOURS["held"], "failed": COLOURS["failed"]})
    axes[-1].set_xlabel(f"{title} [{unit}]")
    return _svg(figure, f"Distribution of {title} over {len(values)} episodes.")


def _draw_success(panel: Axes, row: int, case: Case) -> None:
    if not case.n:
        _aside(panel, row, "not run")
        return
    for offset, stat in zip((-0.25, 0.0, 0.25), STATS, strict=True):
        low, high = wilson(case.count(stat), case.n)
        _interval(panel, row + offset, low, case.count(stat) / case.n, high, COLOURS[stat])
    _aside(panel, row, f"final {case.count()} of {case.n}, {percent(case.count() / case.n)}")


def _draw_distribution(panel: Axes, row: int, case: Case, field: str, unit: str) -> None:
    episodes = [
        (value, row + SPREAD * ((index * GOLDEN) % 1.0 - 0.5), held)
        for index, (value, held) in enumerate(case.measured(field))
    ]
    for name in ("held", "failed"):
        dots = [(value, lane) for value, lane, held in episodes if held == (name == "held")]
        if dots:
            panel.plot(*zip(*dots, strict=True), "o", color=COLOURS[name], alpha=0.7, clip_on=False)
    median, high = case.quantile(field, 0.5), case.quantile(field, 0.95)
    if median is None or high is None:
        _aside(panel, row, "not measured")
        return
    panel.vlines([median, high], row - 0.42, row + 0.42, color=COLOURS["ink"], linewidth=1.5)
    _aside(panel, row, f"p50 {median:.1f} {unit}, p95 {high:.1f} {unit}")


def _interval(panel: Axes, row: float, low: float, value: float, high: float, colour: str) -> None:
    """A line from `low` to `high` in the panel's row, and a dot at the value."""
    panel.plot([low, high], [row, row], color=colour, linewidth=1.8, solid_capstyle="butt")
    panel.plot(value, row, "o", color=colour, clip_on=False)


def _aside(panel: Axes, row: int, text: str) -> None:
    """Words beside a row, to the right of the panel."""
    panel.annotate(
        text, (1.0, row), (12, 0), ("axes fraction", "data"), "offset points", va="center", color=COLOURS["soft"]
    )


def _panels(evaluation: Evaluation, lane_in: float) -> tuple[Figure, list[Axes]]:
    """A panel for each suite with a lane for each policy, `lane_in` inches high; room for a key on top."""
    figure, axes = _figure([len(cases) for cases in evaluation.suites.values()], lane_in, KEY_IN + TITLE_IN)
    for panel, (suite, cases) in zip(axes, evaluation.suites.items(), strict=True):
        panel.set_title(suite)
        panel.tick_params(labelbottom=panel is axes[-1], bottom=panel is axes[-1])
        _lanes(panel, [case.policy for case in cases])
    return figure, axes


def _figure(lanes: Sequence[int], lane_in: float, above_in: float) -> tuple[Figure, list[Axes]]:
    """Panels one below the other.

    Args:
        lanes: how many in each panel.
        lane_in: height of a lane [inches].
        above_in: height above the first panel [inches].
    """
    heights = [lane_in * count for count in lanes]
    total = above_in + sum(heights) + TITLE_IN * (len(lanes) - 1) + FOOT_IN
    figure, axes, top = Figure((WIDTH_IN, total)), list[Axes](), total - above_in
    for height in heights:
        box = (LEFT_IN / WIDTH_IN, (top - height) / total, 1 - (LEFT_IN + RIGHT_IN) / WIDTH_IN, height / total)
        axes.append(figure.add_axes(box))
        top -= height + TITLE_IN
    return figure, axes


def _lanes(panel: Axes, names: Sequence[str]) -> None:
    """Name the lanes of a panel, the first on top."""
    panel.set_yticks(range(len(names)), names)
    panel.set_ylim(len(names) - 0.5, -0.5)


def _key(figure: Figure, entries: dict[str, str]) -> None:
    """Dots of the colours and what each means, side by side on top."""
    dots = [Line2D([], [], marker="o", linestyle="", color=colour) for colour in entries.values()]
    left = LEFT_IN / WIDTH_IN
    figure.legend(dots, list(entries), loc="upper left", bbox_to_anchor=(left, 1), ncols=len(dots))


def _signed_percent(tick: float, _: int) -> str:
    """A tick of the differences; zero has no sign."""
    return f"{100 * tick:+.0f}".replace("-", "−") if abs(tick) > 1e-9 else "0"


def _svg(figure: Figure, label: str) -> str:
    """An element to be put into a page, which a screen reader reads out as `label`."""
    written = io.StringIO()
    figure.savefig(written, format="svg", transparent=True, metadata=NO_METADATA)
    svg = written.getvalue()
    svg = re.sub(r' (?:id="[\w.]+_\d+"|xmlns(?::\w+)?="[^"]*")', "", svg[svg.index("<svg") :])
    for name, colour in COLOURS.items():
        svg = svg.replace(colour, f"var(--{name.partition('_')[0]})")
    return svg.replace("<svg", f'<svg role="img" aria-label="{label}"', 1)
