"""What subcommands have in common: how each is added, its options as a value, its figures."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from functools import partial
from inspect import signature
from typing import TYPE_CHECKING, TypeAlias, TypeVar

if TYPE_CHECKING:
    from autoglm_embodied.metrics import Report

Subparsers: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"
Run = Callable[[argparse.Namespace], int]
T = TypeVar("T")


def add_command(
    subparsers: Subparsers, name: str, what: str, epilog: str, run: Run | None = None
) -> argparse.ArgumentParser:
    """Add a subcommand to the command line.

    Args:
        subparsers: of `autoglm`, or of one of its subcommands.
        name: as it is typed.
        what: its help.
        epilog: examples, and whatever else is shown below the options.
        run: takes the parsed options and returns the exit status; None where subcommands of its own do.
    """
    raw = argparse.RawDescriptionHelpFormatter
    parser = subparsers.add_parser(name, help=what, description=what, epilog=epilog, formatter_class=raw)
    parser.set_defaults(run=run)
    return parser


def from_options(made: Callable[..., T], args: argparse.Namespace) -> T:
    """What `made` makes of the options that are named as its parameters are."""
    return made(**{name: value for name, value in vars(args).items() if name in signature(made).parameters})


def line_printer() -> Callable[[str], None]:
    """Prints what a long measurement tells, line by line, as it is."""
    from rich.console import Console

    return partial(Console().print, soft_wrap=True, markup=False, highlight=False)


def end_report(report: Report, args: argparse.Namespace) -> int:
    """Print the figures and write them to the file of --json, if one is given."""
    report.print_table()
    if args.json is not None:
        report.write_json(args.json, time.time_ns())
    return 0
