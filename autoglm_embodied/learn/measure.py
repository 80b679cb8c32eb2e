"""Suites and policies measured against each other; the only module that opens the door to the unknown objects."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from autoglm_embodied_sim.baselines.registry import baseline_named
from autoglm_embodied_sim.measure.episode import GraspResult as GraspResult
from autoglm_embodied_sim.measure.episode import run_grasp_episode
from autoglm_embodied_sim.objects.for_measuring import measuring_shapes
from autoglm_embodied_sim.objects.random_urdfs import learning_shapes
from autoglm_embodied_sim.objects.shape import Shape
from autoglm_embodied_sim.objects.split import Split
from autoglm_embodied_sim.objects.user_meshes import Unusable as Unusable
from autoglm_embodied_sim.objects.user_meshes import user_shapes
from autoglm_embodied_sim.suites.suite import SUITES, Suite, suite_named

from autoglm_embodied import __version__
from autoglm_embodied.errors import ConfigError
from autoglm_embodied.figures import Report, git_commit
from autoglm_embodied.learn.finished import Finished, Key
from autoglm_embodied.learn.paired import Pairs
from autoglm_embodied.learn.workers import end_with_parent

RIGS = ("gantry",)
STRONGEST = "script"
"""The baseline that every other policy is held against."""

SPLITS = ("test", *(split.value for split in Split))
TOLD = (
    "baselines are told by the simulator which pixels belong to the named object; the expert is privileged: "
    "it is shown the simulator's whole state and tries grasps out in copies of it"
)


@dataclass(frozen=True)
class Measurement:
    """What to measure; the same seeds, and so the same scenes, for every policy."""

    suites: tuple[str, ...]
    policies: tuple[str, ...]
    episodes: int
    seed: int = 0
    rig: str = "gantry"
    split: str = "test"
    easy: bool = False
    objects: Path | None = None

    def __post_init__(self) -> None:
        for suite in self.suites:
            suite_named(suite)
        for policy in self.policies:
            baseline_named(policy)
        if self.rig not in RIGS:
            raise ConfigError(f"suites run on the rig {', '.join(RIGS)}, got {self.rig!r}")
        if self.split not in SPLITS:
            raise ConfigError(f"objects come from {', '.join(SPLITS)}, got {self.split!r}")

    def suite(self, name: str) -> Suite:
        """The settings of one of the suites."""
        return suite_named(name).eased() if self.easy else suite_named(name)

    def case(self, suite: str, policy: str) -> str:
        """Name of a row."""
        return f"{suite}/{policy}/{self.rig}{'_easy' if self.easy else ''}"


def measure(
    wanted: Measurement,
    workers: int = 1,
    progress: Callable[[GraspResult], None] | None = None,
    left_out: Callable[[Sequence[Unusable]], None] | None = None,
    keep: Path | None = None,
    fresh: bool = False,
) -> list[GraspResult]:
    """All episodes, suite by suite and policy by policy; the same for any number of workers.

    Args:
        wanted: what to measure.
        workers: processes.
        progress: called with each result, first those of a run before this one.
        left_out: called with the user's meshes that cannot be used, if there are any.
        keep: folder that remembers what is finished, for a run that goes on after this one is killed.
        fresh: forget what is remembered there.
    """
    progress = progress or (lambda result: None)
    shapes = _shapes(wanted, left_out)
    seeds = range(wanted.seed, wanted.seed + wanted.episodes)
    jobs = [(suite, policy, seed) for suite in wanted.suites for policy in wanted.policies for seed in seeds]
    if keep is None:
        with TemporaryDirectory() as folder:
            return measure(wanted, workers, progress, None, Path(folder))
    finished = Finished(keep, _settings(wanted, shapes), fresh)
    for job in jobs:
        if job in finished.results:
            progress(finished.results[job])
    try:
        _run([job for job in jobs if job not in finished.results], wanted, shapes, workers, finished, progress)
    finally:
        finished.close()
    return [finished.results[job] for job in jobs]


def _run(
    jobs: list[Key],
    wanted: Measurement,
    shapes: list[Shape],
    workers: int,
    finished: Finished,
    progress: Callable[[GraspResult], None],
) -> None:
    """Run the episodes in other processes; this one writes each down as it comes."""
    context = get_context("spawn")
    with ProcessPoolExecutor(workers, context, initializer=_share, initargs=(shapes,)) as pool:
        for result in pool.map(partial(_episode, wanted), jobs):
            finished.add(result)
            progress(result)


def _settings(wanted: Measurement, shapes: Sequence[Shape]) -> dict[str, object]:
    """All that an episode's outcome depends on but its suite, policy and seed."""
    return {
        "version": __version__,
        "git": git_commit(),
        "rig": wanted.rig,
        "suites": {name: asdict(wanted.suite(name)) for name in SUITES},
        "shapes": [(shape.name, float(np.sum([piece.sum() for piece in shape.pieces]))) for shape in shapes],
    }


def add_measured(report: Report, wanted: Measurement, results: Sequence[GraspResult]) -> None:
    """Success with Wilson intervals, wrong objects and time of every policy in every suite; episodes in the details."""
    for suite in wanted.suites:
        for policy in wanted.policies:
            rows = [result for result in results if (result.suite, result.policy) == (suite, policy)]
            _add_case(report, wanted.case(suite, policy), rows)
        _add_differences(report, wanted, suite, results)
    report.details["note"] = TOLD
    report.details["objects"] = str(wanted.objects or f"random_urdfs, {wanted.split} split")
    report.details["episodes"] = [asdict(result) for result in results]


def _add_differences(report: Report, wanted: Measurement, suite: str, results: Sequence[GraspResult]) -> None:
    """Final success of each policy less that of the strongest script, on the same seeds."""
    held = {
        policy: [result.held for result in results if (result.suite, result.policy) == (suite, policy)]
        for policy in wanted.policies
    }
    for policy in wanted.policies:
        if policy == STRONGEST or not held.get(STRONGEST) or not held[policy]:
            continue
        pairs, case = Pairs.of(held[policy], held[STRONGEST]), wanted.case(suite, policy)
        report.add("grasp.minus_baseline", pairs.difference, "fraction", pairs.n, case=case, ci95=pairs.interval())
        report.add("grasp.minus_baseline", pairs.chance(), "probability", pairs.n, case=case, stat="mcnemar_p")


def _add_case(report: Report, case: str, rows: Sequence[GraspResult]) -> None:
    n = len(rows)
    counts = {
        "first_descent": sum(row.first_descent for row in rows),
        "strict": sum(row.strict for row in rows),
        "final": sum(row.held for row in rows),
    }
    for stat, count in counts.items():
        report.add_fraction("grasp.success", count, n, case=case, stat=stat)
    report.add_fraction("grasp.wrong_object", sum(row.wrong_object for row in rows), n, case=case)
    if not rows:
        report.skip("grasp.seconds", f"no trial of {case} was run")
        return
    report.add("grasp.seconds", float(np.median([row.seconds for row in rows])), "s", n, case=case, stat="p50")


def _shapes(wanted: Measurement, left_out: Callable[[Sequence[Unusable]], None] | None) -> list[Shape]:
    if wanted.objects is not None:
        shapes, unusable = user_shapes(wanted.objects)
        if unusable and left_out is not None:
            left_out(unusable)
        return shapes
    return measuring_shapes() if wanted.split == "test" else learning_shapes(Split(wanted.split))


_shared: list[Shape] = []


def _share(shapes: list[Shape]) -> None:
    """Give a worker the shapes once, not with each of its jobs."""
    end_with_parent()
    _shared[:] = shapes


def _episode(wanted: Measurement, job: tuple[str, str, int]) -> GraspResult:
    suite, policy, seed = job
    return run_grasp_episode(wanted.suite(suite), policy, _shared, seed)
