"""What the measuring commands report: one JSON form for machines, one table for people, the same rows in both."""

from __future__ import annotations

import json
import math
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from statistics import NormalDist
from typing import TYPE_CHECKING, Any

from rich import box
from rich.console import Console
from rich.table import Table

from autoglm_embodied import __version__
from autoglm_embodied.errors import ConfigError
from autoglm_embodied.whole_file import write_whole

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

COLUMNS = ("figure", "case", "stat", "value", "unit", "n", "95 %")
FILE_COLUMNS = 140  # of a table that goes to a file or a pipe
NUMBERS = ("value", "n", "95 %")
CONFIDENCE = 0.95
Z95 = NormalDist().inv_cdf((1 + CONFIDENCE) / 2)


@dataclass(frozen=True)
class Row:
    """One figure."""

    figure: str  # its fixed name, such as `grasp.success`
    case: str | None  # of which setting, such as `pile/script/gantry`; None where there is but one
    stat: str | None  # which statistic, such as `p95`; None where there is but one
    value: float  # in `unit`, finite
    unit: str  # such as `N`, `s` or `fraction`
    n: int  # on how many samples it rests, at least 1
    ci95: tuple[float, float] | None = None  # its 95 % interval (low, high), in `unit`

    def __post_init__(self) -> None:
        numbers = (self.value, *(self.ci95 or ()))
        if not all(math.isfinite(number) for number in numbers):
            raise ConfigError(f"figure {self.figure} must be finite, got {numbers}; report it as skipped instead")
        if self.n < 1:
            raise ConfigError(f"figure {self.figure} must rest on n >= 1 samples, got {self.n}; report it as skipped")


@dataclass(frozen=True)
class Skipped:
    """A figure that could not be measured, and why."""

    figure: str
    why: str


@dataclass
class Report:
    """The figures of one run of a command, filled while it runs."""

    command: str  # as typed, such as `autoglm evaluate`
    seed: int | None  # of the run; None where nothing is drawn
    started_ns: int  # wall clock at the start
    rows: list[Row] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    details: dict[str, Any] = field(default_factory=dict)  # further keys of the JSON, such as the demo's transcript

    def add(
        self,
        figure: str,
        value: float,
        unit: str,
        n: int = 1,
        *,
        case: str | None = None,
        stat: str | None = None,
        ci95: tuple[float, float] | None = None,
    ) -> None:
        """Add one measured figure; the arguments are those of `Row`."""
        self.rows.append(Row(figure, case, stat, float(value), unit, n, ci95))

    def add_fraction(
        self, figure: str, count: int, n: int, *, case: str | None = None, stat: str | None = None
    ) -> None:
        """Add a success rate, `count` of `n`, with its Wilson 95 % interval, or skip it where there was no trial."""
        if n < 1:
            self.skip(figure, f"no trial of {case or 'any case'} was run")
        else:
            self.add(figure, count / n, "fraction", n, case=case, stat=stat, ci95=wilson(count, n))

    def add_percentiles(
        self,
        figure: str,
        values: Sequence[float] | NDArray[np.floating],
        unit: str,
        *,
        case: str | None = None,
        percents: Sequence[int] = (50, 99),
    ) -> None:
        """Add percentiles of all samples `values`, 100 of which is `max`; none where there is no sample."""
        import numpy as np

        for percent in percents if len(values) else ():
            stat = "max" if percent == 100 else f"p{percent}"
            self.add(figure, float(np.percentile(values, percent)), unit, len(values), case=case, stat=stat)

    def skip(self, figure: str, why: str) -> None:
        """Name a figure that could not be measured; it is never given as 0."""
        self.skipped.append(Skipped(figure, why))

    def value(self, figure: str, *, case: str | None = None, stat: str | None = None) -> float | None:
        """The value reported under these names, None where there is none."""
        names = (figure, case, stat)
        return next((row.value for row in self.rows if (row.figure, row.case, row.stat) == names), None)

    def as_json(self, now_ns: int) -> dict[str, Any]:
        """The report as one JSON object; `now_ns` is the wall clock at its end."""
        started = datetime.fromtimestamp(self.started_ns // 10**9, timezone.utc)
        head = {
            "command": self.command,
            "version": __version__,
            "git": git_commit(),
            "machine": machine(),
            "seed": self.seed,
            "started": started.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "seconds": round((now_ns - self.started_ns) / 1e9, 3),
            "rows": [asdict(row) for row in self.rows],
            "skipped": [asdict(skipped) for skipped in self.skipped],
        }
        hidden = sorted(set(head) & set(self.details))
        if hidden:
            raise ConfigError(f"report detail {hidden[0]!r} would hide the figure form's own key; rename it")
        return head | self.details

    def write_json(self, path: Path, now_ns: int) -> None:
        """Write the report as JSON, at the end of the run, and make the folder; ConfigError if that cannot be."""
        text = json.dumps(self.as_json(now_ns), indent=1, allow_nan=False) + "\n"
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(path, text)
        except OSError as error:
            raise ConfigError(f"cannot write figures to {path} ({error.strerror}); name a file that can be") from error

    def print_table(self, console: Console | None = None) -> None:
        """Print the rows for people, and below them what was skipped."""
        console = console or Console(width=None if sys.stdout.isatty() else FILE_COLUMNS)
        console.print(self._table())
        for skipped in self.skipped:
            console.print(f"not measured: {skipped.figure}: {skipped.why}", markup=False, highlight=False)

    def _table(self) -> Table:
        """All rows; a column that none of them fills is left out."""
        table = Table(title=self.command, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
        columns = zip(COLUMNS, zip(*map(_cells, self.rows), strict=True), strict=False)
        filled = {name: cells for name, cells in columns if any(cells)}
        for name in filled:
            table.add_column(name, justify="right" if name in NUMBERS else "left", no_wrap=name == "figure")
        for row in zip(*filled.values(), strict=True):
            table.add_row(*row)
        return table


def _cells(row: Row) -> tuple[str, ...]:
    interval = "" if row.ci95 is None else f"{row.ci95[0]:.4g} to {row.ci95[1]:.4g}"
    return row.figure, row.case or "", row.stat or "", f"{row.value:.4g}", row.unit, str(row.n), interval


def wilson(count: int, n: int) -> tuple[float, float]:
    """Wilson 95 % score interval of `count` successes in `n` trials (Wilson, JASA 22, 1927)."""
    from scipy.stats import binomtest  # takes a second to import, which most commands need not

    if not 0 <= count <= n or n < 1:
        raise ConfigError(f"a Wilson interval must be of 0 <= count <= n with n >= 1, got {count} of {n}")
    low, high = binomtest(count, n).proportion_ci(CONFIDENCE, method="wilson")
    return float(low), float(high)


def machine() -> dict[str, Any]:
    """Processor, cores this process may use, and the first GPU's name (None without one)."""
    gpu = _first_line(["nvidia-smi", "--query-gpu=name", "--format=csv,noheader"])  # without importing torch
    return {"cpu": _cpu_name(), "cores": len(os.sched_getaffinity(0)), "gpu": gpu}


def _cpu_name() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())


def git_commit() -> str | None:
    """Short commit of the source tree this code runs from; None outside a checkout."""
    root = Path(__file__).resolve().parent.parent
    return _first_line(["git", "-C", str(root), "rev-parse", "--short", "HEAD"]) if (root / ".git").exists() else None


def _first_line(command: list[str]) -> str | None:
    if shutil.which(command[0]) is None:
        return None
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return next(iter(done.stdout.strip().splitlines()), None)
