"""`autoglm bench`: what the parts cost, lose and get wrong."""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import TYPE_CHECKING

from autoglm_embodied.errors import ConfigError

if TYPE_CHECKING:
    from argparse import _SubParsersAction

    from autoglm_embodied.bench.align_sets import Synchronise

HELP = "measure what the parts cost, lose and get wrong"
EPILOG = """examples:
  autoglm bench align
  autoglm bench align --hours 0 --json out/align.json --plot out/align.png"""


def add_parser(subparsers: _SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `bench` to the command line."""
    parser = subparsers.add_parser(
        "bench", help=HELP, description=HELP, epilog=EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parts = parser.add_subparsers(dest="part", required=True, metavar="PART")
    align = parts.add_parser("align", help="one clock: cost, sync quality, error", description="one clock")
    align.add_argument("--hours", type=float, default=1.0, help="simulated, of watching the memory (default 1)")
    align.add_argument("--plot", metavar="FILE", type=Path, help="draw error against frequency here")
    align.set_defaults(run=run_align)
    for part in parts.choices.values():
        part.add_argument("--seed", type=int, default=0, help="default %(default)s")
        part.add_argument("--json", metavar="FILE", type=Path, help="write the figures here as well")


def run_align(args: argparse.Namespace) -> int:
    """Measure the alignment and print the figures."""
    from rich.progress import Progress

    from autoglm_embodied.bench.align import measure
    from autoglm_embodied.figures import Report

    if not 0 <= args.hours < 1e4 or args.seed < 0:
        raise ConfigError("--hours and --seed must be 0 or more")
    report = Report("autoglm bench align", args.seed, time.time_ns())
    with Progress(auto_refresh=False) as progress:  # a thread of its own would disturb what is measured
        task = progress.add_task("", total=1.0)

        def advance(part: str, done: float) -> None:
            progress.update(task, description=part, completed=done, refresh=True)

        measure(report, args.seed, args.hours, args.plot, _synchroniser(), advance)
    report.print_table()
    if args.json is not None:
        report.write_json(args.json, time.time_ns())
    return 0


def _synchroniser() -> Synchronise | str:
    """The one of ROS, where it is installed."""
    try:
        from autoglm_embodied.nodes.approximate_time import sets_formed
    except ImportError as error:
        return f"message_filters of ROS 2 is not installed here ({error})"
    return sets_formed
