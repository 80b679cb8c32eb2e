"""What a page is about: the cases that were measured, and under which conditions."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

from autoglm_embodied.metrics import Report
from autoglm_embodied_sim.eval.failure_replay import Jpegs
from autoglm_embodied_sim.eval.measure import STRONGEST, GraspResult, Measurement
from autoglm_embodied_sim.eval.paired import Pairs
from autoglm_embodied_sim.eval.result_cache import Key

STATS = ("first_descent", "strict", "final")


@dataclass(frozen=True)
class Case:
    """The episodes of one policy in one suite, in the order of their seeds."""

    suite: str
    policy: str
    results: tuple[GraspResult, ...]

    @property
    def n(self) -> int:
        """How many episodes."""
        return len(self.results)

    def held(self, stat: str = "final") -> list[bool]:
        """(n,) whether each was a success by one of STATS."""
        return [bool(result.held if stat == "final" else getattr(result, stat)) for result in self.results]

    @property
    def failed(self) -> tuple[GraspResult, ...]:
        """The episodes at whose end not just what was asked for was held."""
        return tuple(result for result in self.results if not result.held)


@dataclass(frozen=True)
class Pairing:
    """Two policies on the same seeds of a suite."""

    suite: str
    first: str
    second: str
    pairs: Pairs


@dataclass(frozen=True)
class Evaluation:
    """All that a page shows.

    Args:
        command: as typed.
        wanted: what was measured.
        head: the figures' JSON form: machine, git, start, seconds.
        results: every episode.
        images: of failed episodes, by suite, policy and seed.
        settings: of each suite, by name.
    """

    command: str
    wanted: Measurement
    head: Mapping[str, Any]
    results: Sequence[GraspResult]
    images: Mapping[Key, Jpegs]
    settings: Mapping[str, Mapping[str, object]]

    @classmethod
    def of(
        cls,
        typed: Sequence[str],
        wanted: Measurement,
        report: Report,
        results: Sequence[GraspResult],
        images: Mapping[Key, Jpegs],
        ended_ns: int,
    ) -> Evaluation:
        """The evaluation whose figures `report` holds; `ended_ns` is the wall clock at its end."""
        settings = {suite: _flat(asdict(wanted.suite(suite))) for suite in wanted.suites}
        return cls(shlex.join(["autoglm", *typed]), wanted, report.as_json(ended_ns), results, images, settings)

    @cached_property
    def cases(self) -> tuple[Case, ...]:
        """Suite by suite, and in each policy by policy."""
        return tuple(self._case(suite, policy) for suite in self.wanted.suites for policy in self.wanted.policies)

    def of_suite(self, suite: str) -> list[Case]:
        """The cases of one suite."""
        return [case for case in self.cases if case.suite == suite]

    @cached_property
    def pairings(self) -> tuple[Pairing, ...]:
        """Each policy against the strongest script, or against the policy named first where that was not measured."""
        policies = self.wanted.policies
        second = STRONGEST if STRONGEST in policies else policies[0]
        return tuple(
            Pairing(suite, first, second, Pairs.of(self._case(suite, first).held(), self._case(suite, second).held()))
            for suite in self.wanted.suites
            for first in policies
            if first != second
        )

    @property
    def one_again(self) -> str:
        """How to run one of the episodes alone."""
        wanted, words = self.wanted, ["autoglm", "evaluate", "--suite", "SUITE", "--policy", "POLICY"]
        words += ["--seed", "SEED", "--episodes", "1", "--rig", wanted.rig]
        words += ["--split", wanted.split] if wanted.objects is None else ["--objects", str(wanted.objects)]
        words += ["--easy"] * wanted.easy + [word for sense in wanted.without for word in ("--without", sense)]
        return shlex.join([*words, "--report", "DIR"])

    def _case(self, suite: str, policy: str) -> Case:
        mine = [result for result in self.results if (result.suite, result.policy) == (suite, policy)]
        return Case(suite, policy, tuple(mine))


def _flat(settings: Mapping[str, Any]) -> dict[str, object]:
    """Settings of settings beside the others, under both names."""
    flat: dict[str, object] = {}
    for name, value in settings.items():
        if isinstance(value, Mapping):
            flat |= {f"{name}.{inner}": inside for inner, inside in value.items()}
        else:
            flat[name] = value
    return flat
