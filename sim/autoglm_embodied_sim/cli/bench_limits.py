"""`autoglm bench limits`: what the governor lets through to a simulated arm, and what it refuses."""

from __future__ import annotations

import argparse

from autoglm_embodied.config import shipped
from autoglm_embodied.errors import ConfigError
from autoglm_embodied.kinematics import Robot
from autoglm_embodied.tools.cli.bench import add_part, begin_report
from autoglm_embodied.tools.cli.command import Subparsers, end_report, line_printer

ROBOTS = {"panda": "panda.yaml", "ur5e": "robots/ur5e.yaml", "fr3": "robots/fr3.yaml"}


def add_parser(parts: Subparsers) -> None:
    """Add `limits` to `autoglm bench`."""
    what = "the governor's limits of the arm: random chunks in simulation, judged by MuJoCo's contacts"
    limits = add_part(parts, "limits", what, run)
    limits.add_argument("--chunks", type=int, default=1000, help="how many (default %(default)s); some four a second")
    limits.add_argument("--robot", choices=ROBOTS, default="panda", help="the arm (default %(default)s)")


def run(args: argparse.Namespace) -> int:
    """Measure the limits of the arm."""
    from autoglm_embodied_sim.bench.governed_chunks import measure

    if args.chunks < 1:
        raise ConfigError(f"--chunks must be 1 or more, got {args.chunks}")
    report = begin_report(args)
    measure(report, Robot.from_file(shipped(ROBOTS[args.robot])), args.chunks, line_printer())
    return end_report(report, args)
