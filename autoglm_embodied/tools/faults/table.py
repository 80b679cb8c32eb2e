"""The figures of faults as a Markdown table, and its place in a document."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from autoglm_embodied.errors import ConfigError
from autoglm_embodied.faults.fault import FAULTS, Fault
from autoglm_embodied.whole_file import write_whole

END = "<!-- end -->"
Figures = Mapping[str, Any]  # in the form of `Report.as_json`
HEAD = (
    *("fault", "what", "n", "told: p50 / p99 ms", "safe: p50 / p99 / max ms", "bound", "motion, max mm"),
    *("goes on: p50 / p99 ms", "recovered", "uncommanded / NaN / crashed"),
)
NEVER = "—"


def listed() -> str:
    """Every fault, what it does, and what must come of it."""
    lines = []
    for fault in FAULTS:
        safe = "it goes on as before" if fault.safe_ms is None else f"the arm stands within {fault.safe_ms:g} ms"
        lines.append(f"{fault.name:18} {_what(fault)}; {safe}")
    return "\n".join(lines)


def read(path: Path) -> Figures:
    """The figures that `autoglm faults --json FILE` wrote; ConfigError where a file holds none."""
    try:
        figures: Figures = json.loads(path.read_text(encoding="utf-8"))
        table(figures)
    except OSError as error:
        raise ConfigError(f"cannot read {path} ({error.strerror}); name a file of autoglm faults --json") from error
    except (ValueError, KeyError, TypeError) as error:
        raise ConfigError(f"{path} holds no figures of faults; write them with autoglm faults --json") from error
    return figures


def table(figures: Figures) -> str:
    """Conditions, and a row for each fault that was injected."""
    values = {(row["figure"], row["case"], row["stat"]): row["value"] for row in figures["rows"]}
    counts = {row["case"]: row["n"] for row in figures["rows"] if row["figure"] == "fault.uncommanded_motion"}
    lines = [HEAD, ("---",) * 2 + ("--:",) * (len(HEAD) - 2)]
    lines += [_row(fault, values, counts[fault.name]) for fault in FAULTS if fault.name in counts]
    machine = figures["machine"]
    conditions = (
        f"{machine['cpu']}, {machine['cores']} cores; load {figures['load_at_start']:.1f} at the start and "
        f"{figures['load_at_end']:.1f} at the end; the simulator ran at {figures['realtime_factor']} of real time. "
        f"Version {figures['version']}, commit {figures['git'] or 'unknown'}, {figures['started'][:10]}."
    )
    rows = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    return f"{conditions}\n\n{rows}\n"


def insert(document: Path, name: str, text: str) -> None:
    """Put a table between the markers of that name in a document; ConfigError where it has none."""
    begin = f"<!-- faults: {name} -->"
    between = re.compile(rf"({re.escape(begin)}\n).*?({re.escape(END)})", re.DOTALL)
    try:
        before = document.read_text(encoding="utf-8")
        after, found = between.subn(lambda at: f"{at[1]}\n{text}\n{at[2]}", before)
        if not found:
            raise ConfigError(f"{document} has no place for {name}; give it the lines {begin} and {END}")
        write_whole(document, after)
    except OSError as error:
        raise ConfigError(f"cannot put a table into {document} ({error.strerror}); name a file that can be") from error


def _row(fault: Fault, values: Mapping[tuple[str, str, str | None], float], n: int) -> tuple[str, ...]:
    def written(figure: str, *stats: str | None) -> str:
        found = [values.get((figure, fault.name, stat)) for stat in stats]
        return " / ".join(NEVER if value is None else f"{value:.3g}" for value in found)

    recovered = values.get(("fault.recovered", fault.name, None))
    undisturbed = values.get(("fault.undisturbed", fault.name, None))
    safe = "it goes on" if fault.safe_ms is None else written("fault.safe_ms", "p50", "p99", "max")
    bound = f"{fault.safe_ms:g} ms" if fault.safe_ms is not None else "undisturbed"
    return (
        f"`{fault.name}`",
        _what(fault),
        str(n),
        written("fault.detect_ms", "p50", "p99") if fault.told else "",
        safe if undisturbed is None else f"{100 * undisturbed:.0f} % undisturbed",
        bound,
        written("fault.motion_mm", "max") if fault.safe_ms is not None else "",
        written("fault.recovery_ms", "p50", "p99"),
        "" if recovered is None else f"{100 * recovered:.0f} %",
        " / ".join(written(f"fault.{name}", None) for name in ("uncommanded_motion", "nan_published", "crashed")),
    )


def _what(fault: Fault) -> str:
    of = ", ".join(fault.streams) or fault.process or "policy"
    return f"{of}: {fault.what}"
