"""`autoglm collect`: demonstrations, images, DAgger rollouts and outcomes of grasps in the simulator's suites."""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autoglm_embodied.errors import ConfigError
from autoglm_embodied.tools.cli.command import Subparsers, add_command, end_report, from_options

if TYPE_CHECKING:
    from autoglm_embodied.metrics import Report
    from autoglm_embodied_sim.collect.collection import Collection

HELP = "collect demonstrations, images and outcomes of grasps in simulation"
EPILOG = """examples:
  autoglm collect --out data/primitives --episodes 320 --images 10000 --workers 2
  autoglm collect --out data/dagger --episodes 0 --images 0 --dagger 200 --checkpoint out/train
  autoglm collect --out data/suites --suite separated --episodes 500 --workers 2
  autoglm collect --out data/labelled --suite language --images 4000 --workers 2
  autoglm collect --out data/outcomes --suite pile --outcomes 20000 --workers 2
  autoglm collect --out data/chosen --suite pile --outcomes 4000 --checkpoint out/scorer --seed 1

A collection that was stopped goes on where it was: what is there is kept.
autoglm train learns the policy from all but outcomes, and from outcomes the scorer of grasps."""


def add_parser(subparsers: Subparsers) -> None:
    """Add `collect` to the command line."""
    parser = add_command(subparsers, "collect", HELP, EPILOG, run)
    suites = "primitives, separated, large, weak_grip, pile, language (default %(default)s)"
    parser.add_argument("--suite", metavar="S", default="primitives", help=suites)
    parser.add_argument("--out", metavar="DIR", type=Path, default=Path("data/shards"), help="default %(default)s")
    parser.add_argument("--episodes", type=int, default=320, help="of the expert (default %(default)s)")
    images = "of random scenes: of primitives beside episodes (default 10000), of other suites instead, about so many"
    parser.add_argument("--images", type=int, help=images)
    dagger = "rollouts of --checkpoint that the expert labels"
    parser.add_argument("--dagger", metavar="N", type=int, default=0, help=dagger)
    checkpoint = "the policy that acts in --dagger, or the scorer whose first choices --outcomes tries"
    parser.add_argument("--checkpoint", metavar="DIR", type=Path, help=checkpoint)
    parser.add_argument("--outcomes", metavar="N", type=int, help="try N grasps instead and note what came of each")
    parser.add_argument("--split", default="train", help="train or validate objects (default %(default)s)")
    parser.add_argument("--image-hz", type=float, default=30.0, help="of a suite's demonstration (default %(default)s)")
    parser.add_argument("--rig", default="gantry", help="whose camera takes --images of a suite: gantry, arm")
    parser.add_argument("--workers", type=int, default=1, help="processes (default %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="default %(default)s")
    parser.add_argument("--json", metavar="FILE", type=Path, help="write the figures here as well")
    parser.set_defaults(resumable=True)


def run(args: argparse.Namespace) -> int:
    """Collect, and say at what rate and with what success."""
    from rich.progress import MofNCompleteColumn, Progress, TimeRemainingColumn

    from autoglm_embodied.data.collection import collect_missing_shards
    from autoglm_embodied.metrics import Report
    from autoglm_embodied_sim.collect.collection import Collection

    if args.workers < 1:
        raise ConfigError(f"--workers must be 1 or more, got {args.workers}")
    collection = from_options(Collection, args)
    report, shards = Report("autoglm collect", args.seed, time.time_ns()), {"written": 0, "found": 0}
    notes: list[dict[str, Any]] = []
    with Progress(*Progress.get_default_columns()[:2], MofNCompleteColumn(), TimeRemainingColumn()) as progress:
        for plan, make_unit in collection.plans(args.out):
            task = progress.add_task(f"shards of {plan.name}", total=plan.shards)

            def advance(done: int, total: int, task: int = task) -> None:
                progress.update(task, completed=done, total=total)  # type: ignore[arg-type]

            written = collect_missing_shards(plan, make_unit, args.workers, advance)
            notes += written.notes
            shards = {"written": shards["written"] + written.shards, "found": shards["found"] + written.found}
    report.details["shards"] = shards
    _add_figures(report, collection, notes, (time.time_ns() - report.started_ns) / 60e9)
    return end_report(report, args)


def _add_figures(report: Report, collection: Collection, notes: list[dict[str, Any]], minutes: float) -> None:
    """The rate, and how often what was wanted was held, over what this run made itself."""
    case, outcomes = collection.suite, collection.outcomes is not None
    rate = "collect.outcomes_per_minute" if outcomes else "collect.per_minute"
    judged = [note for note in notes if "held" in note]  # images are of no episode
    if not judged:
        report.skip(rate, f"no episode was collected now; {report.details['shards']['found']} shards were there")
    elif outcomes:
        tried = sum(note["tried"] for note in judged)
        report.add(rate, tried / minutes, "1/min", tried, case=case)
        report.add_fraction("collect.outcomes_held", sum(note["held"] for note in judged), tried, case=case)
    else:
        report.add(rate, len(judged) / minutes, "1/min", len(judged), case=case)
        report.add_fraction("collect.expert_success", sum(note["held"] for note in judged), len(judged), case=case)
