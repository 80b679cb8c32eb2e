"""The console command `autoglm`: one module a subcommand, each imported when it is run."""

from __future__ import annotations

import argparse
import importlib
import signal
import sys
from collections.abc import Sequence
from types import FrameType
from typing import NoReturn

from autoglm_embodied import __version__
from autoglm_embodied.errors import AutoGLMError

SUBCOMMANDS = ("demo", "doctor", "voice", "collect", "train", "evaluate", "table", "bench", "record", "replay")
INTERRUPTED = 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run `autoglm` with `argv` (the process's arguments by default) and return its exit status.

    0: done. 1: done, with an honest negative answer. 2: bad input or a broken set-up, said in one sentence.
    """
    args = parser().parse_args(argv)
    args.typed = list(sys.argv[1:] if argv is None else argv)
    for request in (signal.SIGINT, signal.SIGTERM):  # a shell starts background jobs with SIGINT ignored
        signal.signal(request, _stop)
    try:
        return int(args.run(args))
    except AutoGLMError as error:
        print(f"autoglm {args.subcommand}: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(f"autoglm {args.subcommand}: stopped", file=sys.stderr)
        return INTERRUPTED


def parser() -> argparse.ArgumentParser:
    """The parser of the command line; subcommands add themselves and set `run`."""
    top = argparse.ArgumentParser(prog="autoglm", description="A robot arm that sees, feels and listens, over ROS 2.")
    top.add_argument("--version", action="version", version=f"autoglm {__version__}")
    subparsers = top.add_subparsers(dest="subcommand", required=True, metavar="SUBCOMMAND")
    for name in SUBCOMMANDS:
        importlib.import_module(f"{__name__}.{name}").add_parser(subparsers)
    return top


def _stop(signum: int, frame: FrameType | None) -> NoReturn:
    """Any request to end unwinds like Ctrl-C, so that what was started is also ended."""
    raise KeyboardInterrupt
