"""What a page is about: the episodes that were measured, and under which conditions."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

import numpy as np

from autoglm_embodied.metrics import Report
from autoglm_embodied_sim.eval.episode import GraspResult, Key
from autoglm_embodied_sim.eval.failure import Failure
from autoglm_embodied_sim.eval.measure import Jpegs, Measurement
from autoglm_embodied_sim.eval.metrics import PRIVILEGES, STRONGEST, failure_counts
from autoglm_embodied_sim.eval.statistics import PairedOutcomes

STATS = {
    "first_descent": "held after the first approach",
    "strict": "held within three approaches in all",
    "final": "held when the policy was done",
}
"""The kinds of success, and what each means."""
RIG_LIMITS = {
    "gantry": "The hand hangs from four axes: there is no arm, no joint limit and no arm that gets in the way.",
    "arm": "One camera looks at the table from the front: what lies behind an object is not seen.",
}
LIMITS = (
    "Everything is simulated; friction, masses and sensors are models.",
    "Success, classes of failure and peak force are the simulator's verdict; no policy sees them.",
    "The peak force is without the noise of the sensor and without the weight of the hand.",
    "An interval tells of chance in the choice of seeds, not of the distance between simulation and robot.",
)


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

    def successes(self, stat: str = "final") -> list[bool]:
        """(n,) whether each was a success by one of STATS."""
        return [bool(result.held if stat == "final" else getattr(result, stat)) for result in self.results]

    def count(self, stat: str = "final") -> int:
        """How many were a success by one of STATS."""
        return sum(self.successes(stat))

    def measured(self, name: str) -> list[tuple[float, bool]]:
        """(value, success) of the episodes in which the field `name` of their results was measured."""
        values = [(getattr(result, name), result.held) for result in self.results]
        return [(value, held) for value, held in values if value is not None]

    def quantile(self, name: str, quantile: float) -> float | None:
        """A quantile (0 to 1) of the field `name` over the episodes; None where it was not measured."""
        values = [value for value, _ in self.measured(name)]
        return float(np.quantile(values, quantile)) if values else None

    @property
    def wrong_objects(self) -> int:
        """At the end of how many another object was held."""
        return sum(result.wrong_object for result in self.results)

    @property
    def failed(self) -> list[GraspResult]:
        """The episodes at whose end not just what was asked for was held."""
        return [result for result in self.results if not result.held]

    @cached_property
    def failures(self) -> dict[Failure, int]:
        """How many ended in each class, success among them."""
        return failure_counts(self.results)


@dataclass(frozen=True)
class Pairing:
    """Two policies on the same seeds of a suite."""

    suite: str
    first: str
    second: str
    outcomes: PairedOutcomes


@dataclass(frozen=True)
class Evaluation:
    """All that a page shows."""

    command: str  # as typed
    wanted: Measurement
    head: Mapping[str, Any]  # the figures' JSON form: machine, git, start, seconds
    results: Sequence[GraspResult]  # every episode
    images: Mapping[Key, Jpegs]  # of failed episodes, by suite, policy and seed
    settings: Mapping[str, Mapping[str, object]]  # of each suite, by name

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
        """What a run of `autoglm evaluate` measured.

        Args:
            typed: the words behind `autoglm`.
            wanted: what was asked for.
            report: its figures.
            results: every episode.
            images: of failed episodes, by suite, policy and seed.
            ended_ns: wall clock at the end.
        """
        settings = {suite: _flat(asdict(wanted.suite(suite))) for suite in wanted.suites}
        return cls(shlex.join(["autoglm", *typed]), wanted, report.as_json(ended_ns), results, images, settings)

    @cached_property
    def suites(self) -> dict[str, list[Case]]:
        """The cases of each suite, a policy each."""
        wanted = self.wanted
        return {suite: [self._case(suite, policy) for policy in wanted.policies] for suite in wanted.suites}

    @property
    def cases(self) -> list[Case]:
        """Suite by suite, and in each policy by policy."""
        return [case for cases in self.suites.values() for case in cases]

    @cached_property
    def pairings(self) -> list[Pairing]:
        """Each policy against the strongest baseline, or against the policy named first where that was not measured."""
        policies = self.wanted.policies
        second = STRONGEST if STRONGEST in policies else policies[0]
        pairings = []
        for suite, cases in self.suites.items():
            successes = {case.policy: case.successes() for case in cases}
            for first in policies:
                if first != second and successes[first]:
                    outcomes = PairedOutcomes.of(successes[first], successes[second])
                    pairings.append(Pairing(suite, first, second, outcomes))
        return pairings

    @property
    def conditions(self) -> dict[str, str]:
        """What was run, where and when, in words."""
        head, wanted, machine = self.head, self.wanted, self.head["machine"]
        return {
            "seeds": f"{wanted.seed} to {wanted.seed + wanted.episodes - 1}",
            "objects": str(wanted.objects or f"random_urdfs, {wanted.split} split"),
            "rig": f"{wanted.rig}{', easy physics' if wanted.easy else ''}",
            "altered": ", ".join(" ".join(each.option) for each in wanted.altered) or "nothing",
            "version": f"{head['version']}, commit {head['git'] or 'unknown'}",
            "machine": f"{machine['cpu']}, {machine['cores']} cores, GPU {machine['gpu'] or 'none'}",
            "started": f"{head['started']}; {head['seconds']:.0f} s, not counting an earlier run that it went on from",
        }

    @property
    def repeat_command(self) -> str:
        """How to run one of the episodes alone."""
        wanted, words = self.wanted, ["autoglm", "evaluate", "--suite", "SUITE", "--policy", "POLICY"]
        words += ["--seed", "SEED", "--episodes", "1", "--rig", wanted.rig]
        words += ["--split", wanted.split] if wanted.objects is None else ["--objects", str(wanted.objects)]
        words += ["--easy"] * wanted.easy + [word for each in wanted.altered for word in each.option]
        words += ["--words", wanted.words] if wanted.words else []
        return shlex.join([*words, "--report", "DIR"])

    @property
    def setting_names(self) -> list[str]:
        """The settings of any suite, each once."""
        names = dict.fromkeys(name for settings in self.settings.values() for name in settings)
        return [name for name in names if name != "name"]

    @property
    def limits(self) -> list[str]:
        """What the figures do not show, a sentence each."""
        wanted, rig = self.wanted, RIG_LIMITS.get(self.wanted.rig)
        sentences = [f"{PRIVILEGES.capitalize()}.", *LIMITS, *([rig] if rig else [])]
        sentences += [f"Altered for every policy: {each.sense}, {each.how}." for each in wanted.altered]
        if wanted.objects is None and wanted.split != "test":
            sentences.append(f"The objects are of the {wanted.split} split, on which policies may have been tuned.")
        return sentences

    def without_images(self, case: Case) -> list[GraspResult]:
        """The failed episodes of a case that have no images."""
        return [result for result in case.failed if result.key not in self.images]

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
