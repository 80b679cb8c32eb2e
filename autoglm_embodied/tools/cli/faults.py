"""`autoglm faults`: what the nodes do when sensors, messages and processes fail, in simulation over real ROS 2."""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from autoglm_embodied.errors import ConfigError
from autoglm_embodied.metrics import Report
from autoglm_embodied.tools.cli.command import Subparsers, add_command, end_report, line_printer

HELP = "inject faults into the running nodes, and measure what the arm does"
EPILOG = """examples:
  autoglm faults --list
  autoglm faults --only wrench_stop --n 1
  autoglm faults --n 20 --json out/faults.json
  autoglm faults --from out/faults.json --into docs/reliability.md

--into DOCUMENT puts the table of NAME.json between its lines <!-- faults: NAME --> and <!-- end -->.

exit status: 0 measured, 2 bad input or a broken set-up"""


def add_parser(subparsers: Subparsers) -> None:
    """Add `faults` to the command line."""
    parser = add_command(subparsers, "faults", HELP, EPILOG, run)
    parser.add_argument("--only", metavar="NAME", nargs="+", default=[], help="these faults alone")
    parser.add_argument("--n", type=int, default=20, help="trials of each (default %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="of the scenes (default %(default)s)")
    logs = "for the nodes' output (default %(default)s)"
    parser.add_argument("--report", metavar="DIR", type=Path, default=Path("out/faults"), help=logs)
    parser.add_argument("--json", metavar="FILE", type=Path, help="write the figures here as well")
    parser.add_argument("--list", action="store_true", help="say which faults there are, and inject none")
    parser.add_argument(
        "--from", dest="source", metavar="FILE", type=Path, help="figures of an earlier run; inject none"
    )
    parser.add_argument("--into", metavar="DOCUMENT", type=Path, help="put the table of --from there")


def run(args: argparse.Namespace) -> int:
    """Inject the faults, or show the figures of an earlier run."""
    from autoglm_embodied.tools.faults.table import insert, listed, read, table

    if args.list:
        print(listed())
        return 0
    if args.source is None:
        return _measure(args)
    text = table(read(args.source))
    if args.into is None:
        print(text, end="")
    else:
        insert(args.into, args.source.stem, text)
    return 0


def _measure(args: argparse.Namespace) -> int:
    from autoglm_embodied.tools.faults.bench import chosen, measure

    faults = chosen(args.only)
    if args.n < 1:
        raise ConfigError(f"--n must be 1 or more, got {args.n}")
    if args.seed < 0:
        raise ConfigError(f"--seed must be 0 or more, got {args.seed}")

    def keep(report: Report) -> None:
        if args.json is not None:
            report.write_json(args.json, time.time_ns())

    report = measure(faults, args.n, args.seed, args.report / "log", line_printer(), keep)
    return end_report(report, args)
