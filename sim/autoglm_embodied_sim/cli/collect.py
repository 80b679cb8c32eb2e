"""`autoglm collect`: demonstrations of the simulator's expert, images, and practice of a policy."""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import TYPE_CHECKING

from autoglm_embodied.errors import ConfigError
from autoglm_embodied_sim.cli.collect_suites import add_options, run_suite

if TYPE_CHECKING:
    from argparse import _SubParsersAction

HELP = "collect demonstrations, images and outcomes of grasps in simulation"
EPILOG = """examples:
  autoglm collect --out data/first
  autoglm collect --out data/practice --episodes 0 --images 0 --practice 200 --checkpoint out/train
  autoglm collect --out data/suites --suite separated --episodes 500 --workers 2
  autoglm collect --out data/suites --suite pile --outcomes 20000 --workers 2

A collection that was stopped goes on where it was: shards that are there are kept."""


def add_parser(subparsers: _SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `collect` to the command line."""
    parser = subparsers.add_parser(
        "collect", help=HELP, description=HELP, epilog=EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", metavar="DIR", type=Path, default=Path("data/shards"), help="default %(default)s")
    parser.add_argument("--episodes", type=int, default=320, help="of the expert (default %(default)s)")
    parser.add_argument("--images", type=int, default=10000, help="of random scenes (default %(default)s)")
    parser.add_argument("--practice", type=int, default=0, help="episodes of --checkpoint that the expert labels")
    parser.add_argument("--checkpoint", metavar="DIR", type=Path, help="the policy that practises")
    parser.add_argument("--workers", type=int, default=1, help="processes (default %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="default %(default)s")
    parser.add_argument("--json", metavar="FILE", type=Path, help="write the figures here as well")
    add_options(parser)
    parser.set_defaults(run=run, resumable=True)


def run(args: argparse.Namespace) -> int:
    """Collect, and say at what rate."""
    if args.workers < 1 or args.seed < 0 or args.episodes < 0 or (args.outcomes is not None and args.outcomes < 1):
        raise ConfigError("--workers and --outcomes must be 1 or more, --seed and --episodes 0 or more")
    if args.suite is not None:
        return run_suite(args)
    if args.outcomes is not None:
        raise ConfigError("--outcomes needs --suite; name one, as in: --suite pile --outcomes 20000")
    return _run_primitives(args)


def _run_primitives(args: argparse.Namespace) -> int:
    """The coloured primitives, on the arm."""
    from rich.progress import MofNCompleteColumn, Progress, TimeRemainingColumn

    from autoglm_embodied.metrics import Report
    from autoglm_embodied_sim.collect.primitive_samples import CollectSettings, collect

    counts = {name: getattr(args, name) for name in ("episodes", "images", "practice", "checkpoint", "seed")}
    settings, report = CollectSettings(**counts), Report("autoglm collect", args.seed, time.time_ns())
    with Progress(*Progress.get_default_columns()[:2], MofNCompleteColumn(), TimeRemainingColumn()) as progress:
        task = progress.add_task("shards", total=None)
        got = collect(
            settings, args.out, args.workers, lambda done, total: progress.update(task, completed=done, total=total)
        )
    minutes = (time.time_ns() - report.started_ns) / 60e9
    if got.episodes:
        report.add("collect.per_minute", got.episodes / minutes, "1/min", got.episodes)
        report.add_fraction("collect.expert_success", got.held, got.episodes, case="primitives")
    else:
        report.skip("collect.per_minute", f"no episode was collected now; {got.shards_skipped} shards were there")
    report.print_table()
    if args.json is not None:
        report.write_json(args.json, time.time_ns())
    return 0
