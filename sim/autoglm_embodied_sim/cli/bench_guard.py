"""`autoglm bench guard`: how often the guard of the learned policy raises a false alarm, and what it notices."""

from __future__ import annotations

import argparse
from pathlib import Path

from autoglm_embodied.errors import ConfigError
from autoglm_embodied.tools.cli.bench import add_part, begin_report
from autoglm_embodied.tools.cli.command import Subparsers, end_report, line_printer


def add_parser(parts: Subparsers) -> None:
    """Add `guard` to `autoglm bench`."""
    what = "the guard of the learned policy: false alarms, and altered senses that it notices"
    guard = add_part(parts, "guard", what, run)
    guard.add_argument("--episodes", type=int, default=100, help="of primitives (default %(default)s)")
    checkpoint = "of the policy, with the statistics of its latents (default: the one shipped)"
    guard.add_argument("--checkpoint", metavar="DIR", type=Path, help=checkpoint)


def run(args: argparse.Namespace) -> int:
    """Measure the guard."""
    from autoglm_embodied.model.checkpoint import SHIPPED
    from autoglm_embodied_sim.bench.guarded_episodes import measure

    if args.episodes < 1:
        raise ConfigError(f"--episodes must be 1 or more, got {args.episodes}")
    report = begin_report(args)
    measure(report, args.checkpoint or SHIPPED, args.episodes, line_printer())
    return end_report(report, args)
