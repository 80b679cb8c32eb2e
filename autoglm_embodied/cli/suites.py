"""The part of `autoglm evaluate` that measures policies in suites."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from autoglm_embodied.errors import ConfigError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from autoglm_embodied.learn.measure import GraspResult, Unusable


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add what only suites need."""
    group = parser.add_argument_group("suites of unknown objects")
    group.add_argument("--suite", action="append", metavar="S", help="separated, large, weak_grip, pile; repeatable")
    group.add_argument(
        "--policy",
        action="append",
        metavar="P",
        help="random, pca, antipodal, antipodal_force, script (the strongest script, if none is named), "
        "expert (privileged: sees the simulator's state); repeatable",
    )
    group.add_argument("--rig", default="gantry", help="what carries the hand (default %(default)s)")
    group.add_argument("--objects", metavar="DIR", help="your own meshes instead (OBJ, STL, PLY; metres)")
    group.add_argument("--split", default="test", help="test, validate or train objects (default %(default)s)")
    group.add_argument("--fresh", action="store_true", help="run again what an earlier run with the same settings did")
    group.add_argument("--easy", action="store_true", help="no hidden camera offset, light objects, good friction")


def run_suites(args: argparse.Namespace) -> int:
    """Run the episodes and print the figures."""
    from pathlib import Path

    from rich.progress import MofNCompleteColumn, Progress, TimeRemainingColumn

    from autoglm_embodied.figures import Report
    from autoglm_embodied.learn.measure import TOLD, Measurement, add_measured, measure

    if args.ros or args.checkpoint is not None:
        raise ConfigError("--suite runs scripts without ROS; leave out --ros and --checkpoint")
    wanted = Measurement(
        suites=tuple(dict.fromkeys(args.suite)),
        policies=tuple(dict.fromkeys(args.policy or ["script"])),
        episodes=args.episodes,
        seed=args.seed,
        rig=args.rig,
        split=args.split,
        easy=args.easy,
        objects=None if args.objects is None else Path(args.objects),
    )
    report = Report("autoglm evaluate", args.seed, time.time_ns())
    total = len(wanted.suites) * len(wanted.policies) * wanted.episodes
    with Progress(*Progress.get_default_columns()[:2], MofNCompleteColumn(), TimeRemainingColumn()) as progress:
        task = progress.add_task("episodes", total=total)

        def done(result: GraspResult) -> None:
            progress.update(task, advance=1, description=f"{result.suite}/{result.policy}")

        def left_out(meshes: Sequence[Unusable]) -> None:
            report.details["unusable"] = {mesh.file: mesh.why for mesh in meshes}
            for mesh in meshes:
                progress.console.print(f"left out: {mesh.file}: {mesh.why}", highlight=False, markup=False)
            progress.console.print(f"{len(meshes)} meshes left out", highlight=False)

        results = measure(wanted, args.workers, done, left_out, args.log, args.fresh)
    add_measured(report, wanted, results)
    report.print_table()
    print(f"Note: {TOLD}.")
    if args.json is not None:
        report.write_json(args.json, time.time_ns())
    return 0
