"""`autoglm bench sim`: how much faster than real time the simulator runs."""

from __future__ import annotations

import argparse

from autoglm_embodied.tools.cli.bench import add_part, begin_report
from autoglm_embodied.tools.cli.command import Subparsers, end_report


def add_parser(parts: Subparsers) -> None:
    """Add `sim` to `autoglm bench`."""
    add_part(parts, "sim", "the simulator: how much faster than real time, on one core", run)


def run(args: argparse.Namespace) -> int:
    """Measure the simulator."""
    from rich.console import Console

    from autoglm_embodied_sim.bench.realtime import measure

    report = begin_report(args)
    with Console().status("starting") as status:
        measure(report, status.update)
    return end_report(report, args)
