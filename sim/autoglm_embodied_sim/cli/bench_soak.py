"""`autoglm bench soak`: whether memory, losses or delays grow while the nodes grasp for long."""

from __future__ import annotations

import argparse
from pathlib import Path

from autoglm_embodied.errors import ConfigError
from autoglm_embodied.tools.cli.bench import add_part, begin_report
from autoglm_embodied.tools.cli.command import Subparsers, end_report, line_printer


def add_parser(parts: Subparsers) -> None:
    """Add `soak` to `autoglm bench`."""
    what = "grasps one after another over ROS: growth of memory, CPU time, lost wrenches, delays at begin and end"
    soak = add_part(parts, "soak", what, run)
    soak.add_argument("--minutes", type=float, default=30.0, help="how long (default %(default)g)")
    logs = "for what the nodes print (default %(default)s)"
    soak.add_argument("--log", metavar="DIR", type=Path, default=Path("out/soak"), help=logs)


def run(args: argparse.Namespace) -> int:
    """Measure a long run."""
    from autoglm_embodied_sim.bench.soak import soak

    if not 0 < args.minutes <= 1440:
        raise ConfigError(f"--minutes must be above 0 and at most 1440, got {args.minutes:g}")
    report = begin_report(args)
    soak(report, args.minutes, args.seed, args.log, line_printer())
    return end_report(report, args)
