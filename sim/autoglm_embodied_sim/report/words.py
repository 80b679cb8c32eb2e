"""How numbers and names are written on the page."""

from __future__ import annotations

from autoglm_embodied.metrics import wilson

STAT_NAMES = {"first_descent": "first descent", "strict": "strict", "final": "final"}
STAT_MEANINGS = {
    "first_descent": "held after the first approach",
    "strict": "held within three approaches in all",
    "final": "held when the policy was done",
}


def percent(fraction: float) -> str:
    """Such as "83 %"; a decimal only where it says something."""
    return f"{100 * fraction:.1f}".rstrip("0").rstrip(".") + " %"


def share(count: int, n: int) -> str:
    """Such as "83.3 % (55–95)", with the Wilson interval."""
    return "not run" if n == 0 else within(count / n, wilson(count, n))


def within(fraction: float, interval: tuple[float, float]) -> str:
    """A fraction in percent, with its interval in brackets."""
    low, high = interval
    return f"{percent(fraction)} ({100 * low:.0f}–{100 * high:.0f})"


def points(difference: float) -> str:
    """A signed difference in percentage points, with a true minus."""
    return f"{100 * difference:+.1f}".replace("-", "−")


def chance(p: float) -> str:
    """A p-value."""
    return "p < 0.001" if p < 0.001 else f"p = {p:.3g}"


def counted(count: int, one: str, many: str) -> str:
    """A count with its noun."""
    return f"{count} {one if count == 1 else many}"


def plain(name: str) -> str:
    """A name of a figure or class as people read it."""
    return name.replace("_", " ")
