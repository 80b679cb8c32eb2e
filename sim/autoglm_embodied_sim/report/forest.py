"""Success of every policy with its intervals, and how far each is from the strongest script."""

from __future__ import annotations

from xml.etree.ElementTree import Element

from autoglm_embodied.metrics import wilson
from autoglm_embodied_sim.report.axes import (
    BOTTOM,
    LEFT,
    RIGHT,
    TOP,
    WIDTH,
    Scale,
    grid,
    image,
    interval,
    key,
    line,
    text,
)
from autoglm_embodied_sim.report.evaluation import STATS, Case, Evaluation, Pairing
from autoglm_embodied_sim.report.words import STAT_NAMES, chance, percent, points

HEAD, ROW, BETWEEN, KEY = 30.0, 40.0, 11.0, 24.0
PAIR_ROW = 28.0
ASIDE = WIDTH - RIGHT + 14


def success_plot(evaluation: Evaluation) -> Element:
    """Suite by suite, a row for each policy; in each row first descent, strict and final success, from above."""
    scale = Scale(0.0, 1.0)
    height = (
        TOP + KEY + sum(HEAD + ROW * len(evaluation.of_suite(suite)) for suite in evaluation.wanted.suites) + BOTTOM
    )
    parts = [grid(scale, height, "success, with Wilson 95 % interval", percent)]
    parts += key(TOP + 12, [(stat, STAT_NAMES[stat]) for stat in STATS])
    y = TOP + KEY
    for suite in evaluation.wanted.suites:
        parts.append(text(8, y + 20, suite, "group"))
        y += HEAD
        for case in evaluation.of_suite(suite):
            parts += _case(scale, y + ROW / 2, case)
            y += ROW
    return image(height, f"Success of {len(evaluation.cases)} cases with intervals; the table says the same.", *parts)


def _case(scale: Scale, y: float, case: Case) -> list[Element]:
    parts = [text(LEFT - 12, y + 4, case.policy, "", "end")]
    if not case.n:
        return [*parts, text(ASIDE, y + 4, "not run", "tick")]
    for offset, stat in zip((-BETWEEN, 0.0, BETWEEN), STATS, strict=True):
        count = sum(case.held(stat))
        low, high = wilson(count, case.n)
        parts += interval(scale, y + offset, low, count / case.n, high, stat)
    count = sum(case.held())
    return [*parts, text(ASIDE, y + 4, f"final {count} of {case.n}, {percent(count / case.n)}", "tick")]


def difference_plot(pairings: tuple[Pairing, ...]) -> Element:
    """Final success of each policy less that of the one it is held against, on the same seeds."""
    pairings = tuple(pairing for pairing in pairings if pairing.pairs.n)
    reach = max([0.1, *(abs(end) for pairing in pairings for end in pairing.pairs.interval())])
    scale = Scale(-reach, reach)
    height = TOP + PAIR_ROW * len(pairings) + BOTTOM
    second = pairings[0].second
    title = f"final success less that of {second} on the same seeds, percentage points (Newcombe 95 % interval)"
    parts = [grid(scale, height, title, points_on_axis)]
    parts.append(line(scale.x(0), TOP, scale.x(0), height - BOTTOM, "zero"))
    for index, pairing in enumerate(pairings):
        y, pairs = TOP + PAIR_ROW * (index + 0.5), pairing.pairs
        low, high = pairs.interval()
        parts.append(text(LEFT - 12, y + 4, f"{pairing.suite} / {pairing.first}", "", "end"))
        parts += interval(scale, y, low, pairs.difference, high, "final")
        parts.append(text(ASIDE, y + 4, f"{points(pairs.difference)}, McNemar {chance(pairs.chance())}", "tick"))
    return image(height, f"Differences of {len(pairings)} cases from {second}; the tables say the same.", *parts)


def points_on_axis(difference: float) -> str:
    """A tick of the difference plot."""
    return f"{100 * difference:+.0f}".replace("-", "−") if abs(difference) > 1e-9 else "0"
