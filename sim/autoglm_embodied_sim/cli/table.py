"""`autoglm table`: the figures of suites as Markdown, so that no number in a document is typed by hand."""

from __future__ import annotations

import argparse
from pathlib import Path

from autoglm_embodied.errors import ConfigError
from autoglm_embodied.tools.cli.command import Subparsers, add_command
from autoglm_embodied.whole_file import write_whole

HELP = "print the figures of suites as Markdown tables"
EPILOG = """examples:
  autoglm table out/gantry.json
  autoglm table out/gantry.json --keep docs/figures
  autoglm table docs/figures/gantry.json --into docs/benchmark.md

--into DOCUMENT puts the tables of NAME.json between its lines <!-- table: NAME --> and <!-- end -->."""


def add_parser(subparsers: Subparsers) -> None:
    """Add `table` to the command line."""
    parser = add_command(subparsers, "table", HELP, EPILOG, run)
    what = "written by autoglm evaluate --suite ... --json FILE"
    parser.add_argument("file", metavar="FILE", type=Path, nargs="+", help=what)
    parser.add_argument("--keep", metavar="DIR", type=Path, help="write each file here too, without single episodes")
    parser.add_argument("--into", metavar="DOCUMENT", type=Path, help="put the tables into this file; print nothing")


def run(args: argparse.Namespace) -> int:
    """Print the tables, or put them where they are wanted."""
    from autoglm_embodied_sim.report.markdown import RecordedFigures, insert, tables

    read = [(path.stem, RecordedFigures.read(path)) for path in args.file]
    if args.into is not None:
        try:
            document = args.into.read_text(encoding="utf-8")
        except OSError as error:
            raise ConfigError(f"cannot read {args.into} ({error.strerror}); name a document that is there") from error
        for name, recorded in read:
            document = insert(document, name, tables(recorded))
        _write(args.into, document)
    else:
        print("\n".join(tables(recorded) for _, recorded in read), end="")
    if args.keep is not None:
        for name, recorded in read:
            _write(args.keep / f"{name}.json", recorded.as_text())
    return 0


def _write(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, text)
    except OSError as error:
        raise ConfigError(f"cannot write {path} ({error.strerror}); name a file that can be") from error
