"""The result of a check of the doctor, and all results as a table and as figures."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from rich.console import Console
from rich.table import Table

from autoglm_embodied.metrics import Report


class Need(Enum):
    """Whether the demo needs an item."""

    DEMO = "needed"
    OPTION = "optional"


@dataclass(frozen=True)
class CheckResult:
    """One row of the table: an item, whether it works, its state, and what to do about it."""

    item: str
    ok: bool
    state: str
    advice: str = ""
    need: Need = Need.DEMO


def all_needed_ok(results: list[CheckResult]) -> bool:
    """Whether the demo can run."""
    return all(result.ok for result in results if result.need is Need.DEMO)


def report(results: list[CheckResult], started_ns: int) -> Report:
    """`doctor.ok` of every item.

    Args:
        results: of the checks.
        started_ns: when they began, on the system clock.
    """
    report = Report("autoglm doctor", None, started_ns)
    for result in results:
        report.add("doctor.ok", result.ok, "bool", case=result.item)
    report.details["items"] = {
        result.item: {"state": result.state, "advice": result.advice, "need": result.need.value} for result in results
    }
    return report


def print_table(results: list[CheckResult], console: Console) -> None:
    """Print a row for each item.

    Args:
        results: of the checks.
        console: to print to.
    """
    table = Table(title="autoglm doctor", title_justify="left")
    for heading in ("item", "", "state", "what to do"):
        table.add_column(heading, overflow="fold")
    for result in results:
        mark = "[green]ok[/]" if result.ok else "[red]missing[/]" if result.need is Need.DEMO else "[dim]absent[/]"
        table.add_row(result.item, mark, result.state, result.advice)
    console.print(table)
