"""All checks, one after the other, as a table and as figures."""

from __future__ import annotations

from collections.abc import Callable

from rich.console import Console
from rich.table import Table

from autoglm_embodied.errors import AutoGLMError
from autoglm_embodied.metrics import Report
from autoglm_embodied.tools.doctor import graph, host
from autoglm_embodied.tools.doctor import host as weights
from autoglm_embodied.tools.doctor.finding import Finding, Need

Check = Callable[[], Finding]

CHECKS: tuple[tuple[str, Need, Check], ...] = (
    ("Python", Need.DEMO, host.python),
    ("DDS transports", Need.DEMO, graph.transports),
    ("EGL", Need.DEMO, host.graphics),
    ("sound server", Need.DEMO, host.sound_server),
    ("voice program", Need.DEMO, host.voice_programs),
    ("speech weights", Need.DEMO, weights.speech),
    ("policy weights", Need.DEMO, weights.policy),
    ("microphone", Need.OPTION, host.microphone),
    ("real-time priority", Need.OPTION, host.punctuality),
    ("GPU", Need.OPTION, host.gpu),
)


def examine(progress: Callable[[str], None]) -> list[Finding]:
    """Run every check; `progress` is told what is looked at."""
    findings = []
    for item, need, check in CHECKS:
        progress(item)
        findings.append(_guarded(item, need, check))
    progress("ROS 2 and the topics of this shell's graph")
    first, rest = findings[:1], findings[1:]
    return [*first, *graph.ros(), *rest]


def _guarded(item: str, need: Need, check: Check) -> Finding:
    """What a check finds; its complaint, where it cannot work, is the finding."""
    try:
        return check()
    except (AutoGLMError, ImportError) as error:
        state, _, advice = str(error).partition("; ")
        return Finding(item, False, state, advice or "run `make` again", need)


def all_needed_is_well(findings: list[Finding]) -> bool:
    """Whether the demo can run."""
    return all(finding.ok for finding in findings if finding.need is Need.DEMO)


def report(findings: list[Finding], started_ns: int) -> Report:
    """`doctor.ok` of every item."""
    made = Report("autoglm doctor", None, started_ns)
    for finding in findings:
        made.add("doctor.ok", finding.ok, "bool", case=finding.item)
    made.details["items"] = {
        finding.item: {"state": finding.state, "advice": finding.advice, "need": finding.need.value}
        for finding in findings
    }
    return made


def print_table(findings: list[Finding], console: Console) -> None:
    """One row an item: well or not, its state, what to do."""
    table = Table(title="autoglm doctor", title_justify="left")
    for heading in ("item", "", "state", "what to do"):
        table.add_column(heading, overflow="fold")
    for finding in findings:
        mark = "[green]ok[/]" if finding.ok else "[red]missing[/]" if finding.need is Need.DEMO else "[dim]absent[/]"
        table.add_row(finding.item, mark, finding.state, finding.advice)
    console.print(table)
