"""The figures of a measurement of suites as they stand in a file, with or without its single episodes."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from autoglm_embodied.errors import ConfigError
from autoglm_embodied.metrics import Row

KEPT = ("command", "version", "git", "machine", "seed", "started", "seconds", "objects")
EACH = "episodes_each"
DIGITS = 6  # significant ones of a figure without its episodes
CASE = re.compile(r"(\w+)/(\w+)/(?P<rig>[a-z]+)(?P<easy>_easy)?(?P<dds>_over_dds)?(?P<without>(_without_[a-z]+)*)")
"""Suite, policy, then rig and what was special, as `Measurement.case` writes it."""
SPLIT = re.compile(r"random_urdfs, (\w+) split")


@dataclass(frozen=True)
class Measured:
    """What `autoglm evaluate --suite ... --json FILE` wrote.

    Args:
        head: machine, git, seed, start, objects.
        episodes: of each policy in each suite.
        rows: the figures of suites.
    """

    head: Mapping[str, Any]
    episodes: int
    rows: tuple[Row, ...]

    @classmethod
    def read(cls, path: Path) -> Measured:
        """The figures of a file; ConfigError where it holds none of suites."""
        try:
            data = json.loads(path.read_text(encoding="utf-8"))
            head = {name: data[name] for name in KEPT}
            seeds = len({episode["seed"] for episode in data.get("episodes", ())})
            rows = tuple(Row(**{**row, "ci95": row["ci95"] and tuple(row["ci95"])}) for row in data["rows"])
        except OSError as error:
            raise ConfigError(
                f"cannot read figures from {path} ({error.strerror}); name a file that is there"
            ) from error
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

    @property
    def policies(self) -> list[str]:
        """All that were measured."""
        return list(dict.fromkeys(policy_of(case) for cases in self.suites.values() for case in cases))

    def row(self, case: str, figure: str, stat: str | None) -> Row | None:
        """The figure of these names, None where there is none."""
        names = (case, figure, stat)
        return next((row for row in self.rows if (row.case, row.figure, row.stat) == names), None)

    @property
    def rig(self) -> str:
        """What carried the hand."""
        return self._special["rig"] or ""

    @property
    def command(self) -> str:
        """What gives the same figures again, a kind of option a line."""
        special, objects = self._special, str(self.head["objects"])
        split = SPLIT.fullmatch(objects)
        lines = [["autoglm", "evaluate"]]
        lines += [[word for suite in self.suites for word in ("--suite", suite)]]
        lines += [[word for policy in self.policies for word in ("--policy", policy)]]
        last = ["--episodes", str(self.episodes), "--seed", str(self.head["seed"]), "--rig", self.rig]
        last += ["--split", split[1]] if split else ["--objects", objects]
        last += ["--easy"] * bool(special["easy"]) + ["--ros"] * bool(special["dds"])
        last += [word for sense in (special["without"] or "").split("_without_")[1:] for word in ("--without", sense)]
        return " \\\n  ".join(shlex.join(line) for line in (lines[0] + lines[1], *lines[2:], last))

    def as_text(self) -> str:
        """The file without its episodes, a figure a line."""
        head = {**self.head, EACH: self.episodes}
        lines = [f" {json.dumps(name)}: {json.dumps(value)}," for name, value in head.items()]
        rows = ",\n".join(f"  {json.dumps(_short(row))}" for row in self.rows)
        return "\n".join(["{", *lines, ' "rows": [', rows, " ]", "}"]) + "\n"

    @property
    def _special(self) -> dict[str, str | None]:
        found = CASE.fullmatch(self.rows[0].case or "")
        return found.groupdict() if found else {}


def policy_of(case: str) -> str:
    """The policy of a case."""
    return case.split("/")[1]


def _short(row: Row) -> dict[str, Any]:
    ci95 = None if row.ci95 is None else [_rounded(end) for end in row.ci95]
    return {**asdict(row), "value": _rounded(row.value), "ci95": ci95}


def _rounded(value: float) -> float:
    return float(f"{value:.{DIGITS}g}")
