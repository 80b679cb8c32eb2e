"""A horizontal scale and what is drawn along it, as SVG."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from xml.etree.ElementTree import Element

from autoglm_embodied_sim.report.elements import element

WIDTH, LEFT, RIGHT, TOP, BOTTOM = 860.0, 170.0, 205.0, 12.0, 44.0
TICKS = 6  # at most, or a few more


@dataclass(frozen=True)
class Scale:
    """Values from `low` to `high` between the margins of an image."""

    low: float
    high: float

    def x(self, value: float) -> float:
        """Where a value lies; values beyond the ends lie at the ends."""
        part = (min(max(value, self.low), self.high) - self.low) / (self.high - self.low)
        return LEFT + part * (WIDTH - LEFT - RIGHT)

    def ticks(self) -> list[float]:
        """Round values along the scale."""
        raw = (self.high - self.low) / TICKS
        magnitude = 10.0 ** math.floor(math.log10(raw))
        step = next(factor * magnitude for factor in (1, 2, 2.5, 5, 10) if factor * magnitude >= raw * 0.999)
        return [index * step for index in range(math.ceil(self.low / step), math.floor(self.high / step + 1e-9) + 1)]


def image(height: float, label: str, *parts: Element) -> Element:
    """An image that a screen reader reads out as `label`."""
    drawn = element("svg", element("title", label), *parts, viewBox=f"0 0 {WIDTH:.0f} {height:.0f}", role="img")
    drawn.set("aria-label", label)
    return element("div", drawn, class_="wide")


def grid(scale: Scale, height: float, title: str, written: Callable[[float], str]) -> Element:
    """Lines at round values from top to bottom, their numbers, and what they measure."""
    floor = height - BOTTOM
    lines = [line(scale.x(tick), TOP, scale.x(tick), floor, "grid") for tick in scale.ticks()]
    numbers = [text(scale.x(tick), floor + 17, written(tick), "tick", "middle") for tick in scale.ticks()]
    name = text((LEFT + WIDTH - RIGHT) / 2, floor + 36, title, "axis", "middle")
    return element("g", *lines, *numbers, name)


def line(x1: float, y1: float, x2: float, y2: float, class_: str) -> Element:
    """A straight line."""
    return element("line", x1=x1, y1=y1, x2=x2, y2=y2, class_=class_)


def text(x: float, y: float, words: str, class_: str = "", anchor: str = "start") -> Element:
    """Words on a line; `anchor` is start, middle or end."""
    return element("text", words, x=x, y=y, class_=class_, text_anchor=anchor)


def interval(scale: Scale, y: float, low: float, value: float, high: float, class_: str) -> list[Element]:
    """A line from low to high, and a dot at the value."""
    return [
        line(scale.x(low), y, scale.x(high), y, f"whisker {class_}"),
        element("circle", cx=scale.x(value), cy=y, r=4.5, class_=f"dot {class_}"),
    ]


def key(y: float, entries: Sequence[tuple[str, str]]) -> list[Element]:
    """Dots of the classes of `entries` and what each means, side by side."""
    drawn = []
    for index, (class_, words) in enumerate(entries):
        x = LEFT + 170 * index
        drawn += [element("circle", cx=x, cy=y - 4, r=4.5, class_=f"dot {class_}"), text(x + 10, y, words, "tick")]
    return drawn
