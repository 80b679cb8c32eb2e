"""`autoglm doctor`: a table of what works on this machine."""

from __future__ import annotations

import argparse
from pathlib import Path

from autoglm_embodied.tools.cli.command import Subparsers, add_command

HELP = "check what is present and working, and say what to do about the rest"
EPILOG = """examples:
  autoglm doctor
  autoglm doctor --json out/doctor.json

exit status: 0 all that the demo needs works, 1 something is missing"""


def add_parser(subparsers: Subparsers) -> None:
    """Add `doctor` to the command line."""
    parser = add_command(subparsers, "doctor", HELP, EPILOG, run)
    parser.add_argument("--json", metavar="FILE", type=Path, help="write the figures here")


def run(args: argparse.Namespace) -> int:
    """Run all checks."""
    import time

    from rich.console import Console

    from autoglm_embodied.tools.doctor import all_needed_ok, print_table, report, run_checks

    started_ns, console = time.time_ns(), Console()
    with console.status("checking") as status:
        results = run_checks(lambda item: status.update(f"checking: {item}"))
    print_table(results, console)
    if args.json is not None:
        report(results, started_ns).write_json(args.json, time.time_ns())
    return 0 if all_needed_ok(results) else 1
