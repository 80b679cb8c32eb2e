"""Recorded figures of suites as Markdown: what was run, then a table for each suite; and their place in a document."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from autoglm_embodied.errors import ConfigError
from autoglm_embodied.metrics import Row
from autoglm_embodied_sim.eval.altered_senses import ALTERATIONS
from autoglm_embodied_sim.report import p_value, percent, percent_within, points

KEPT = ("command", "version", "git", "machine", "seed", "started", "seconds", "objects")
EACH = "episodes_each"
DIGITS = 6  # significant ones of a figure without its episodes
CASE = re.compile(
    r"(\w+)/(?P<policy>\w+)/(?P<rig>[a-z]+)(?P<easy>_easy)?(?P<dds>_over_dds)?"
    r"(?P<altered>(_without_[a-z]+)*(/(?!words_)[a-z_]+)*)(/words_(?P<words>[a-z-]+))?"
)
"""Suite, policy, then rig and what was special, as `Measurement.case` writes it."""
SPLIT = re.compile(r"random_urdfs, (\w+) split")
END = "<!-- end -->"


@dataclass(frozen=True)
class RecordedFigures:
    """What `autoglm evaluate --suite ... --json FILE` wrote."""

    head: Mapping[str, Any]  # machine, git, seed, start, objects
    episodes: int  # of each policy in each suite
    rows: tuple[Row, ...]  # the figures of suites

    @classmethod
    def read(cls, path: Path) -> RecordedFigures:
        """The figures of a file; ConfigError where it holds none of suites."""
        try:
            data = json.loads(path.read_text(encoding="utf-8"))
            head = {name: data[name] for name in KEPT}
            seeds = len({episode["seed"] for episode in data.get("episodes", ())})
            rows = tuple(Row(**{**row, "ci95": row["ci95"] and tuple(row["ci95"])}) for row in data["rows"])
        except OSError as error:
            said = f"cannot read figures from {path} ({error.strerror}); name a file that is there"
            raise ConfigError(said) from error
        except (ValueError, TypeError, KeyError) as error:
            said = "is no file of figures of suites; name one that autoglm evaluate --suite ... --json FILE wrote"
            raise ConfigError(f"{path} {said}") from error
        of_suites = tuple(row for row in rows if row.case and CASE.fullmatch(row.case))
        if not of_suites:
            raise ConfigError(f"{path} holds no figures of suites; measure some with autoglm evaluate --suite")
        return cls(head, int(data.get(EACH, seeds)), of_suites)

    @cached_property
    def suites(self) -> dict[str, list[str]]:
        """The cases of each suite, in the order in which they were measured."""
        suites: dict[str, list[str]] = {}
        for case in dict.fromkeys(row.case or "" for row in self.rows):
            suites.setdefault(case.split("/")[0], []).append(case)
        return suites

    def row(self, case: str, figure: str, stat: str | None) -> Row | None:
        """The figure of these names, None where there is none."""
        names = (case, figure, stat)
        return next((row for row in self.rows if (row.case, row.figure, row.stat) == names), None)

    @property
    def conditions(self) -> str:
        """What was run, where and when, in two sentences."""
        head, machine = self.head, self.head["machine"]
        return (
            f"Seeds {head['seed']} to {head['seed'] + self.episodes - 1} for every policy, "
            f"on the {self._options['rig']}, objects: {head['objects']}. "
            f"{machine['cpu']}, {machine['cores']} cores, GPU: {machine['gpu'] or 'none'}. "
            f"Version {head['version']}, commit {head['git'] or 'unknown'}, {head['started'][:10]}."
        )

    @property
    def command(self) -> str:
        """What gives the same figures again, a kind of option a line."""
        options, objects = self._options, str(self.head["objects"])
        split, policies = (
            SPLIT.fullmatch(objects),
            dict.fromkeys(case.split("/")[1] for case in sum(self.suites.values(), [])),
        )
        last = ["--episodes", str(self.episodes), "--seed", str(self.head["seed"]), "--rig", str(options["rig"])]
        last += ["--split", split[1]] if split else ["--objects", objects]
        last += ["--easy"] * bool(options["easy"]) + ["--ros"] * bool(options["dds"])
        last += _alterations(options) + (["--words", words] if (words := options["words"]) else [])
        last += ["--against-plain"] * (len({_options(row.case)["altered"] for row in self.rows}) > 1)
        first = ["autoglm", "evaluate", *(word for suite in self.suites for word in ("--suite", suite))]
        second = [word for policy in policies for word in ("--policy", policy)]
        return " \\\n  ".join(map(shlex.join, (first, second, last)))

    def as_text(self) -> str:
        """The file without its episodes, a figure a line."""
        head = {**self.head, EACH: self.episodes}
        lines = [f" {json.dumps(name)}: {json.dumps(value)}," for name, value in head.items()]
        rows = ",\n".join(f"  {json.dumps(_rounded(row))}" for row in self.rows)
        return "\n".join(["{", *lines, ' "rows": [', rows, " ]", "}"]) + "\n"

    @property
    def _options(self) -> dict[str, str | None]:
        """Rig, and what was special; of the cases measured last, which are those with altered senses."""
        return _options(self.rows[-1].case)


def _options(case: str | None) -> dict[str, str | None]:
    found = CASE.fullmatch(case or "")
    return found.groupdict() if found else {}


def _alterations(options: Mapping[str, str | None]) -> list[str]:
    """The words of the command line that alter senses."""
    return [word for each in ALTERATIONS if each.ending in (options["altered"] or "") for word in each.option]


@dataclass(frozen=True)
class Column:
    """A figure of every policy, and how it is written."""

    title: str
    figure: str
    stat: str | None
    written: Callable[[Row], str]


def _rate(row: Row) -> str:
    return percent_within(row.value, row.ci95 or (row.value, row.value))


def _newtons(row: Row) -> str:
    return f"{row.value:.1f} N" + ("" if row.ci95 is None else f" ({row.ci95[0]:.0f}–{row.ci95[1]:.0f})")


def _points(row: Row) -> str:
    return points(row.value) + ("" if row.ci95 is None else f" ({points(row.ci95[0])} to {points(row.ci95[1])})")


COLUMNS = (
    Column("first descent", "grasp.success", "first_descent", _rate),
    Column("strict", "grasp.success", "strict", _rate),
    Column("final", "grasp.success", "final", _rate),
    Column("per attempt", "grasp.success", "per_attempt", lambda row: f"{_rate(row)} of {row.n} tries"),
    Column("cleared", "grasp.success", "cleared", _rate),
    Column("another object", "grasp.wrong_object", None, _rate),
    Column("rightly refused", "grasp.refused_rightly", None, _rate),
    Column("refused", "grasp.refused", None, _rate),
    Column("peak force p95", "grasp.peak_force_n", "p95", _newtons),
    Column("time p50", "grasp.seconds", "p50", lambda row: f"{row.value:.1f} s"),
    Column("final less `script`, points", "grasp.minus_baseline", None, _points),
    Column("per attempt less `script`, points", "grasp.minus_baseline", "per_attempt", _points),
    Column("McNemar", "grasp.minus_baseline", "mcnemar_p", lambda row: p_value(row.value)),
    Column("final less unaltered, points", "grasp.minus_plain", None, _points),
    Column("per attempt less unaltered, points", "grasp.minus_plain", "per_attempt", _points),
    Column("McNemar", "grasp.minus_plain", "mcnemar_p", lambda row: p_value(row.value)),
    Column("chance", "grasp.chance", None, lambda row: percent(row.value)),
)
COUNTED = ("final", "cleared")
"""Of the figure `grasp.success`: its n is the number of episodes, or of rounds."""


def tables(recorded: RecordedFigures) -> str:
    """What was run, then for each suite a table of its policies, with the columns that were measured there."""
    parts = [f"```sh\n{recorded.command}\n```", recorded.conditions]
    for suite, cases in recorded.suites.items():
        parts += [f"**{suite}**", _table(recorded, cases)]
    return "\n\n".join(parts) + "\n"


def insert(document: str, name: str, text: str) -> str:
    """A Markdown document with a text put behind the marker of that name, up to the end marker that follows.

    Raises:
        ConfigError: the document has no such markers.
    """
    marker = f"<!-- table: {name} -->"
    between = re.compile(rf"({re.escape(marker)}\n).*?({re.escape(END)})", re.DOTALL)
    if not between.search(document):
        raise ConfigError(f"the document has no place for {name}; give it the lines {marker} and {END}")
    return between.sub(lambda found: f"{found[1]}\n{text}\n{found[2]}", document)


def _table(recorded: RecordedFigures, cases: list[str]) -> str:
    columns = [column for column in COLUMNS if any(recorded.row(case, column.figure, column.stat) for case in cases)]
    lines = [["policy", "n", *(column.title for column in columns)], ["---", *["--:"] * (1 + len(columns))]]
    for case in cases:
        rows = [recorded.row(case, column.figure, column.stat) for column in columns]
        cells = ["" if row is None else column.written(row) for row, column in zip(rows, columns, strict=True)]
        name = " ".join([str(_options(case)["policy"]), *_alterations(_options(case))])
        lines.append([f"`{name}`", _n(recorded, case), *cells])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _n(recorded: RecordedFigures, case: str) -> str:
    rows = (recorded.row(case, "grasp.success", stat) for stat in COUNTED)
    return next((str(row.n) for row in rows if row is not None), "")


def _rounded(row: Row) -> dict[str, Any]:
    """A row with numbers of DIGITS digits."""

    def rounded(value: float) -> float:
        return float(f"{value:.{DIGITS}g}")

    ci95 = None if row.ci95 is None else [rounded(end) for end in row.ci95]
    return {**asdict(row), "value": rounded(row.value), "ci95": ci95}
