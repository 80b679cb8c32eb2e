"""What an evaluation found, on one page of HTML or as Markdown; and how numbers are written for people in both."""

from __future__ import annotations

from autoglm_embodied.metrics import wilson


def percent(fraction: float) -> str:
    """Such as "83 %"; a decimal only where it says something."""
    return f"{100 * fraction:.1f}".rstrip("0").rstrip(".") + " %"


def rate(count: int, n: int) -> str:
    """Such as "83.3 % (55–95)": `count` of `n` with the Wilson 95 % interval."""
    return "not run" if n == 0 else percent_within(count / n, wilson(count, n))


def percent_within(fraction: float, interval: tuple[float, float]) -> str:
    """A fraction in percent, with its interval (low, high) in brackets."""
    low, high = interval
    return f"{percent(fraction)} ({100 * low:.0f}–{100 * high:.0f})"


def points(difference: float) -> str:
    """A signed difference of fractions in percentage points, with a true minus."""
    return f"{100 * difference:+.1f}".replace("-", "−")


def p_value(p: float) -> str:
    """Such as "p = 0.5"."""
    return "p < 0.001" if p < 0.001 else f"p = {p:.3g}"
