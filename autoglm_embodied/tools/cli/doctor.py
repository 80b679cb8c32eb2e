"""`autoglm doctor`: one table of what is present and working."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from argparse import _SubParsersAction

HELP = "check what is present and working, and say what to do about the rest"
EPILOG = """examples:
  autoglm doctor
  autoglm doctor --json out/doctor.json

exit status: 0 all that the demo needs is well, 1 something is missing"""


def add_parser(subparsers: _SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `doctor` to the command line."""
    parser = subparsers.add_parser(
        "doctor", help=HELP, description=HELP, epilog=EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", metavar="FILE", type=Path, help="write the figures here")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Examine this machine."""
    import time

    from rich.console import Console

    from autoglm_embodied.tools.doctor.checkup import all_needed_is_well, examine, print_table, report

    started_ns, console = time.time_ns(), Console()
    with console.status("looking") as status:
        findings = examine(lambda item: status.update(f"looking at: {item}"))
    print_table(findings, console)
    if args.json is not None:
        report(findings, started_ns).write_json(args.json, time.time_ns())
    return 0 if all_needed_is_well(findings) else 1
