"""How forces and times are distributed: every episode is a dot."""

from __future__ import annotations

from collections.abc import Callable
from xml.etree.ElementTree import Element

import numpy as np

from autoglm_embodied_sim.eval.measure import GraspResult
from autoglm_embodied_sim.report.axes import BOTTOM, LEFT, RIGHT, TOP, WIDTH, Scale, grid, image, key, line, text
from autoglm_embodied_sim.report.elements import element
from autoglm_embodied_sim.report.evaluation import Case, Evaluation

LANE, HEAD, KEY, SPREAD = 34.0, 30.0, 24.0, 11.0
ASIDE = WIDTH - RIGHT + 14
GOLDEN = 0.618034
Read = Callable[[GraspResult], float | None]


def distribution_plot(evaluation: Evaluation, read: Read, title: str, unit: str) -> Element | None:
    """A lane for each policy in each suite with median and 95th percentile; None where nothing was measured."""
    lanes = {(case.suite, case.policy): _values(case, read) for case in evaluation.cases}
    everything = [value for lane in lanes.values() for value, _ in lane]
    if not everything:
        return None
    scale = Scale(0.0, 1.02 * max(everything) or 1.0)
    height = (
        TOP + KEY + sum(HEAD + LANE * len(evaluation.of_suite(suite)) for suite in evaluation.wanted.suites) + BOTTOM
    )
    parts = [grid(scale, height, f"{title} [{unit}]", lambda tick: f"{tick:g}")]
    parts += key(TOP + 12, [("held", "held"), ("failed", "failed")])
    y = TOP + KEY
    for suite in evaluation.wanted.suites:
        parts.append(text(8, y + 20, suite, "group"))
        y += HEAD
        for case in evaluation.of_suite(suite):
            parts += _lane(scale, y + LANE / 2, case.policy, lanes[case.suite, case.policy], unit)
            y += LANE
    return image(height, f"Distribution of {title} over {len(everything)} episodes.", *parts)


def _values(case: Case, read: Read) -> list[tuple[float, bool]]:
    """Value and success of every episode in which it was measured."""
    values = [(read(result), result.held) for result in case.results]
    return [(value, held) for value, held in values if value is not None]


def _lane(scale: Scale, y: float, policy: str, values: list[tuple[float, bool]], unit: str) -> list[Element]:
    parts = [text(LEFT - 12, y + 4, policy, "", "end")]
    if not values:
        return [*parts, text(ASIDE, y + 4, "not measured", "tick")]
    for index, (value, held) in enumerate(values):
        offset = SPREAD * (2 * ((index * GOLDEN) % 1.0) - 1)  # even, and the same at every run
        class_ = "held" if held else "failed"
        parts.append(element("circle", cx=scale.x(value), cy=y + offset, r=3.2, class_=f"mark {class_}"))
    median, high = (float(np.quantile([value for value, _ in values], quantile)) for quantile in (0.5, 0.95))
    parts += [
        line(scale.x(value), y - LANE / 2 + 2, scale.x(value), y + LANE / 2 - 2, "quantile") for value in (median, high)
    ]
    return [*parts, text(ASIDE, y + 4, f"p50 {median:.1f} {unit}, p95 {high:.1f} {unit}", "tick")]
