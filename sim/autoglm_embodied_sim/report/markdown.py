"""Figures of suites as Markdown: what was run, then a table for each suite; and their place in a document."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from autoglm_embodied.errors import ConfigError
from autoglm_embodied.metrics import Row
from autoglm_embodied_sim.report.measured import Measured, policy_of
from autoglm_embodied_sim.report.words import chance, points, within

END = "<!-- end -->"


@dataclass(frozen=True)
class Column:
    """A figure of every policy, and how it is written."""

    title: str
    figure: str
    stat: str | None
    written: Callable[[Row], str]


def _share(row: Row) -> str:
    return within(row.value, row.ci95 or (row.value, row.value))


def _share_of_tries(row: Row) -> str:
    return f"{_share(row)} of {row.n} tries"


def _newtons(row: Row) -> str:
    return f"{row.value:.1f} N" + ("" if row.ci95 is None else f" ({row.ci95[0]:.0f}–{row.ci95[1]:.0f})")


def _seconds(row: Row) -> str:
    return f"{row.value:.1f} s"


def _points(row: Row) -> str:
    return points(row.value) + ("" if row.ci95 is None else f" ({points(row.ci95[0])} to {points(row.ci95[1])})")


def _chance(row: Row) -> str:
    return chance(row.value)


COLUMNS = (
    Column("first descent", "grasp.success", "first_descent", _share),
    Column("strict", "grasp.success", "strict", _share),
    Column("final", "grasp.success", "final", _share),
    Column("per attempt", "grasp.success", "per_attempt", _share_of_tries),
    Column("cleared", "grasp.success", "cleared", _share),
    Column("another object", "grasp.wrong_object", None, _share),
    Column("rightly refused", "grasp.refused_rightly", None, _share),
    Column("peak force p95", "grasp.peak_force_n", "p95", _newtons),
    Column("time p50", "grasp.seconds", "p50", _seconds),
    Column("final less `script`, points", "grasp.minus_baseline", None, _points),
    Column("per attempt less `script`, points", "grasp.minus_baseline", "per_attempt", _points),
    Column("McNemar", "grasp.minus_baseline", "mcnemar_p", _chance),
)
COUNTED = ("final", "cleared")
"""Of the figure `grasp.success`: its n is the number of episodes, or of rounds."""


def tables(measured: Measured) -> str:
    """What was run, then for each suite a table of its policies, with the columns that were measured there."""
    parts = [f"```sh\n{measured.command}\n```", _head(measured)]
    for suite, cases in measured.suites.items():
        parts += [f"**{suite}**", _table(measured, cases)]
    return "\n\n".join(parts) + "\n"


def insert(document: str, name: str, text: str) -> str:
    """A document with `text` between the marker of this name and the end marker that follows it.

    Raises:
        ConfigError: the document has no such markers.
    """
    marker = f"<!-- table: {name} -->"
    between = re.compile(rf"({re.escape(marker)}\n).*?({re.escape(END)})", re.DOTALL)
    if not between.search(document):
        raise ConfigError(f"the document has no place for {name}; give it the lines {marker} and {END}")
    return between.sub(lambda found: f"{found[1]}\n{text}\n{found[2]}", document)


def _head(measured: Measured) -> str:
    head, machine = measured.head, measured.head["machine"]
    last = head["seed"] + measured.episodes - 1
    return (
        f"Seeds {head['seed']} to {last} for every policy, on the {measured.rig}, objects: {head['objects']}. "
        f"{machine['cpu']}, {machine['cores']} cores, GPU: {machine['gpu'] or 'none'}. "
        f"Version {head['version']}, commit {head['git'] or 'unknown'}, {head['started'][:10]}."
    )


def _table(measured: Measured, cases: list[str]) -> str:
    columns = [column for column in COLUMNS if any(measured.row(case, column.figure, column.stat) for case in cases)]
    lines = [["policy", "n", *(column.title for column in columns)], ["---", *["--:"] * (1 + len(columns))]]
    lines += [[f"`{policy_of(case)}`", _n(measured, case), *_cells(measured, case, columns)] for case in cases]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cells(measured: Measured, case: str, columns: list[Column]) -> list[str]:
    rows = [measured.row(case, column.figure, column.stat) for column in columns]
    return ["" if row is None else column.written(row) for row, column in zip(rows, columns, strict=True)]


def _n(measured: Measured, case: str) -> str:
    rows = (measured.row(case, "grasp.success", stat) for stat in COUNTED)
    return next((str(row.n) for row in rows if row is not None), "")
