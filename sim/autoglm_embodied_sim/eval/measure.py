"""Suites and policies measured against each other, on the unknown objects unless others are asked for.

Finished episodes are kept on disk: an evaluation that was stopped goes on where it stood. Failed ones are run once more
for their images: measuring is not slowed by them, and their outcome must repeat.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from functools import cached_property, partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from autoglm_embodied import __version__
from autoglm_embodied.data.collection import settings_digest
from autoglm_embodied.data.worker_pool import WorkerPool
from autoglm_embodied.errors import ConfigError
from autoglm_embodied.kinematics import Robot
from autoglm_embodied.metrics import git_commit
from autoglm_embodied_sim.eval.album import Album
from autoglm_embodied_sim.eval.altered_senses import Alteration, require_alterable
from autoglm_embodied_sim.eval.declutter import RoundResult
from autoglm_embodied_sim.eval.episode import LEARNED, Key, Scenario
from autoglm_embodied_sim.eval.episode import GraspResult as GraspResult
from autoglm_embodied_sim.eval.policies import check_policy, checkpoint_digest, run_suite_episode
from autoglm_embodied_sim.eval.splits import check_split, split_grammar, split_shapes
from autoglm_embodied_sim.language.grammar import Grammar
from autoglm_embodied_sim.objects.mesh_file import Unusable as Unusable
from autoglm_embodied_sim.objects.mesh_file import shape_or_reason, user_shapes
from autoglm_embodied_sim.objects.shape import Shape
from autoglm_embodied_sim.robots.layout import rig_named
from autoglm_embodied_sim.scenes.scene import sample_grasp_scene
from autoglm_embodied_sim.scenes.suite import SUITES, Suite, suite_named
from autoglm_embodied_sim.sensors.sensor_specs import PANDA

Jpegs = Mapping[str, bytes]
"""An image each of the moments `album.MOMENTS` that came."""


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
    checkpoint: Path | None = None  # of the learned policy; the shipped one by default
    over_dds: bool = False  # through the real nodes
    altered: tuple[Alteration, ...] = ()  # senses of every policy
    words: str | None = None  # of WORDS, how instructions are said; None: as the split has it
    robot_file: Path | None = None  # of the rig `arm`; the Panda's by default

    def __post_init__(self) -> None:
        rig_named(self.rig)
        if self.robot_file and self.rig != "arm":
            raise ConfigError(f"a robot file is of an arm, not of the {self.rig}; add --rig arm")
        if self.robot.joints != PANDA.joints and LEARNED in self.policies:
            raise ConfigError(
                f"the policy {LEARNED!r} drives an arm of {PANDA.joints} joints, {self.robot.name} has "
                f"{self.robot.joints}; choose --policy named, which drives any"
            )
        for suite in self.suites:
            suite_named(suite)
        for policy in self.policies:
            check_policy(policy, self.rig, self.over_dds)
        check_split(self.split)
        nameless = [suite for suite in self.suites if not suite_named(suite).named]
        if self.over_dds and nameless:
            raise ConfigError(f"over DDS a grasp is of what is named; leave out --ros, or {' and '.join(nameless)}")
        if LEARNED in self.policies and nameless:
            raise ConfigError(f"the policy {LEARNED!r} grasps what is named; leave out {' and '.join(nameless)}")
        if self.grammar is split_grammar(self.split):
            object.__setattr__(self, "words", None)
        if self.over_dds and (self.altered or self.words):
            raise ConfigError("altered senses and other words are measured in process; leave out --ros")
        unsaid = [suite for suite in self.suites if suite in nameless or suite_named(suite).primitives]
        if self.words and unsaid:
            raise ConfigError(f"there are no other words for {' and '.join(unsaid)}; leave out --words, or these")
        require_alterable(self.policies, nameless, self.altered)

    @cached_property
    def robot(self) -> Robot:
        """What the rig `arm` is."""
        return Robot.from_file(self.robot_file) if self.robot_file else PANDA

    @property
    def seeds(self) -> range:
        """One of each episode."""
        return range(self.seed, self.seed + self.episodes)

    @property
    def table(self) -> dict[str, object]:
        """The simulator's parameters, besides suite and seed."""
        return {"objects": self.objects.resolve() if self.objects else self.split, "easy": str(self.easy).lower()}

    @property
    def nodes(self) -> dict[str, object]:
        """Parameters of every node."""
        return {"robot_file": self.robot_file.resolve()} if self.robot_file else {}

    def suite(self, name: str) -> Suite:
        """The settings of one of the suites."""
        return suite_named(name).eased() if self.easy else suite_named(name)

    @property
    def grammar(self) -> Grammar:
        """How instructions are said."""
        return split_grammar(self.split, self.words)

    def run(
        self, suite: str, policy: str, seed: int, shapes: Sequence[Shape], album: Album | None = None
    ) -> GraspResult:
        """One episode, with images of it if there is an album."""
        scenario = Scenario(self.suite(suite), shapes, seed, self.rig, self.grammar, self.robot)
        return run_suite_episode(scenario, policy, self.checkpoint, self.altered, album)

    def case(self, suite: str, policy: str) -> str:
        """Name of a row."""
        ending = "" if self.robot is PANDA else f"_{self.robot.name}"
        ending += f"{'_easy' if self.easy else ''}{'_over_dds' if self.over_dds else ''}"
        ending += "".join(each.ending for each in self.altered)
        return f"{suite}/{policy}/{self.rig}{ending}{f'/words_{self.words}' if self.words else ''}"


def measure(
    wanted: Measurement,
    workers: int = 1,
    progress: Callable[[GraspResult], None] | None = None,
    left_out: Callable[[Sequence[Unusable]], None] | None = None,
    keep: Path | None = None,
    fresh: bool = False,
    reading: Callable[[str], None] | None = None,
) -> list[GraspResult]:
    """All episodes, suite by suite and policy by policy; the same for any number of workers.

    Args:
        wanted: what to measure.
        workers: processes.
        progress: called with each result, first those of a run before this one.
        left_out: called with the user's meshes that cannot be used, if there are any.
        keep: folder that remembers what is finished, for a run that goes on after this one is killed.
        fresh: forget what is remembered there.
        reading: called with the name of each of the user's meshes before it is read, which may take seconds.
    """
    progress = progress or (lambda result: None)
    shapes = shapes_of(wanted, left_out, reading)
    jobs = [(suite, policy, seed) for suite in wanted.suites for policy in wanted.policies for seed in wanted.seeds]
    if keep is None:
        with TemporaryDirectory() as folder:
            return measure(wanted, workers, progress, None, Path(folder))
    with closing(ResultCache(keep, _settings(wanted, shapes), fresh)) as finished:
        for job in jobs:
            if job in finished.results:
                progress(finished.results[job])
        with WorkerPool(partial(_episode, wanted, shapes), workers) as pool:
            for _, result in pool.as_completed([job for job in jobs if job not in finished.results]):
                finished.add(result)  # at once, for the case that this process is killed
                progress(result)
    return [finished.results[job] for job in jobs]


def drawn_scenes(wanted: Measurement, shapes: Sequence[Shape]) -> dict[str, dict[int, dict[str, object]]]:
    """What was drawn at random for the scene of each suite and seed; the same for every policy."""
    return {
        name: {seed: sample_grasp_scene(wanted.suite(name), shapes, seed).drawn() for seed in wanted.seeds}
        for name in wanted.suites
    }


def _settings(wanted: Measurement, shapes: Sequence[Shape]) -> dict[str, object]:
    """All that an episode's outcome depends on but its suite, policy and seed."""
    return {
        "version": __version__,
        "git": git_commit(),
        "rig": wanted.rig,
        "robot": asdict(wanted.robot),
        "checkpoint": checkpoint_digest(wanted.checkpoint),
        "grammar": sorted(wanted.grammar.templates),
        "altered": [each.ending for each in wanted.altered],
        "suites": {name: asdict(wanted.suite(name)) for name in SUITES},
        "shapes": [(shape.name, float(np.sum([piece.sum() for piece in shape.pieces]))) for shape in shapes],
    }


def shapes_of(
    wanted: Measurement,
    left_out: Callable[[Sequence[Unusable]], None] | None = None,
    reading: Callable[[str], None] | None = None,
) -> Sequence[Shape]:
    """What the objects are drawn from; `left_out` and `reading` are called as by `measure`."""
    if wanted.objects is not None:
        with WorkerPool(shape_or_reason, 1) as pool:  # cutting a mesh takes seconds: this process answers signals
            shapes, unusable = user_shapes(wanted.objects, progress=reading, over=pool.in_order)
        if unusable and left_out is not None:
            left_out(unusable)
        return shapes
    return () if all(suite_named(suite).primitives for suite in wanted.suites) else split_shapes(wanted.split)


def _episode(wanted: Measurement, shapes: Sequence[Shape], episode: Key) -> GraspResult:
    return wanted.run(*episode, shapes)


def failures_to_replay(results: Sequence[GraspResult], most: int) -> list[GraspResult]:
    """The episodes to take images of; rounds of many tries are left out.

    Args:
        results: of a measurement.
        most: failed episodes of each suite and policy; the first so many are taken.
    """
    taken: Counter[tuple[str, str]] = Counter()
    shown = []
    for result in results:
        case = result.suite, result.policy
        if not result.held and taken[case] < most and not isinstance(result, RoundResult):
            taken[case] += 1
            shown.append(result)
    return shown


def replay_failures(
    wanted: Measurement, results: Sequence[GraspResult], workers: int, progress: Callable[[], None]
) -> dict[Key, Jpegs]:
    """Images of episodes, each run once more.

    Args:
        wanted: the measurement that they are of.
        results: what was measured in them.
        workers: processes.
        progress: called after each.

    Raises:
        RuntimeError: an episode went otherwise than when it was measured.
    """
    if not results:
        return {}
    images = {}
    with WorkerPool(partial(_replay, wanted, shapes_of(wanted)), workers) as pool:
        for measured, (again, jpegs) in zip(results, pool.in_order([result.key for result in results]), strict=True):
            if again != measured:
                raise RuntimeError(f"an episode did not repeat: measured {measured}, run again {again}")
            images[measured.key] = jpegs
            progress()
    return images


def _replay(wanted: Measurement, shapes: Sequence[Shape], episode: Key) -> tuple[GraspResult, Jpegs]:
    album = Album()
    return wanted.run(*episode, shapes, album), album.jpegs


class ResultCache:
    """A file of one JSON line an episode, named after all that the outcome depends on; one process alone writes it."""

    def __init__(self, folder: Path, settings: Mapping[str, Any], fresh: bool = False) -> None:
        """Read what was finished with the same settings.

        Args:
            folder: of the file; made if need be.
            settings: all that an outcome depends on but suite, policy and seed.
            fresh: forget what was finished.

        Raises:
            ConfigError: the folder cannot be written.
        """
        self.path = folder / f"episodes-{settings_digest(settings)}.jsonl"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._file = self.path.open("w+b" if fresh else "a+b")
            self.results = self._read()
        except OSError as error:
            raise ConfigError(
                f"cannot keep episodes in {folder} ({error.strerror}); name another with --log"
            ) from error

    def add(self, result: GraspResult) -> None:
        """Write a result down at once."""
        self.results[result.key] = result
        self._file.write(json.dumps(asdict(result)).encode() + b"\n")
        self._file.flush()

    def close(self) -> None:
        """Nothing more will be added."""
        self._file.close()

    def _read(self) -> dict[Key, GraspResult]:
        """All whole lines; half a one, of a run that was killed while it wrote, is cut off."""
        self._file.seek(0)
        text = self._file.read()
        whole = text.rfind(b"\n") + 1
        self._file.truncate(whole)
        results = [_result(json.loads(line)) for line in text[:whole].splitlines()]
        return {result.key: result for result in results}


def _result(row: Mapping[str, Any]) -> GraspResult:
    """A line's result; only rounds say how many objects there were."""
    return RoundResult(**row) if "objects" in row else GraspResult(**row)
