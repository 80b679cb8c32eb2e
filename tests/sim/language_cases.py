"""Things on a table, to be described."""

from __future__ import annotations

from autoglm_embodied_sim.language.description import Nouns, Referent


def thing(
    colour: str = "red",
    noun: str | None = None,
    x_m: float = 0.0,
    y_m: float = 0.0,
    size_m: float = 0.04,
    doubtful: str | None = None,
    span_m: float | None = None,
) -> Referent:
    nouns = Nouns(frozenset({noun} if noun else ()), frozenset({doubtful} if doubtful else ()))
    return Referent(colour, nouns, size_m, span_m or 1.7 * size_m, x_m, y_m)
