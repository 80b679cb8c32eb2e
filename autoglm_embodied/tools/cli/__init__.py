"""The console command `autoglm`: one module a subcommand, each imported when it is run.

Other packages add subcommands by the entry point group `autoglm.commands` and benchmarks by `autoglm.bench`: a function
that takes the subparsers and adds its own.
"""

from __future__ import annotations

import argparse
import importlib
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import entry_points
from threading import Thread, main_thread
from types import FrameType
from typing import NoReturn

from autoglm_embodied import __version__
from autoglm_embodied.errors import AutoGLMError, SetupError
from autoglm_embodied.tools.cli import bench

SUBCOMMANDS = (
    "demo",
    "doctor",
    "voice",
    "train",
    "train-stop",
    "bench",
    "record",
    "replay",
    "export",
    "import",
    "faults",
)
COMMANDS_OF_OTHERS = "autoglm.commands"
OF_THE_SIMULATOR = ("collect", "evaluate", "table")
"""What is missing where the simulator's package is not installed."""
BAD_INPUT, INTERRUPTED = 2, 130
REQUESTS_TO_END = (signal.SIGINT, signal.SIGTERM)
NO_SIGNAL = b"\0"
KEPT = "stopped; what is done is kept, and the same command goes on from there"


def main(argv: Sequence[str] | None = None) -> int:
    """Run `autoglm` with `argv` (the process's arguments by default) and return its exit status.

    0: done. 1: done, with an honest negative answer. 2: bad input or a broken set-up, said in one sentence.
    130: stopped by SIGINT or SIGTERM.
    """
    typed = list(sys.argv[1:] if argv is None else argv)
    args = argparse.Namespace(subcommand=typed[0] if typed else "", resumable=False)
    try:
        with _answering_requests_to_end():
            _require_package(args.subcommand)
            args = parser(args.subcommand).parse_args(typed)
            args.typed = typed
            return int(args.run(args))
    except AutoGLMError as error:
        print(f"autoglm {args.subcommand}: {error}", file=sys.stderr)
        return BAD_INPUT
    except KeyboardInterrupt:
        print(f"autoglm {args.subcommand}: {KEPT if args.resumable else 'stopped'}", file=sys.stderr)
        return INTERRUPTED


def run_and_exit() -> NoReturn:
    """Run `autoglm` and end the process; where it was stopped, without the interpreter's own slow tidying up."""
    status = main()
    sys.stdout.flush()
    sys.stderr.flush()
    if status == INTERRUPTED:
        os._exit(status)
    sys.exit(status)


def _require_package(subcommand: str) -> None:
    if subcommand in OF_THE_SIMULATOR and subcommand not in entry_points(group=COMMANDS_OF_OTHERS).names:
        raise SetupError("it comes with autoglm_embodied_sim, which is not installed; install that package")


def parser(asked: str = "") -> argparse.ArgumentParser:
    """The parser of the command line; subcommands add themselves and set `run`.

    One that goes on where it stood when it is repeated also sets `resumable`.

    Args:
        asked: the subcommand that will be run; of other packages that one alone is imported, for they may be slow.
    """
    top = argparse.ArgumentParser(prog="autoglm", description="A robot arm that sees, feels and listens, over ROS 2.")
    top.set_defaults(resumable=False)
    top.add_argument("--version", action="version", version=f"autoglm {__version__}")
    subparsers = top.add_subparsers(dest="subcommand", required=True, metavar="SUBCOMMAND")
    for name in SUBCOMMANDS:
        importlib.import_module(f"{__name__}.{name.replace('-', '_')}").add_parser(subparsers)
    for command in sorted(entry_points(group=COMMANDS_OF_OTHERS), key=lambda command: command.name):
        if command.name == asked:
            command.load()(subparsers)
        else:
            subparsers.add_parser(command.name, help=f"of {command.value.partition('.')[0]}; autoglm {command.name} -h")
    if asked == bench.NAME:
        bench.add_parts_of_others(subparsers.choices[asked])
    return top


@contextmanager
def _answering_requests_to_end() -> Iterator[None]:
    """Within it SIGINT and SIGTERM raise KeyboardInterrupt in the main thread, at once even where that waits.

    A signal may be delivered to any thread, such as one that draws a progress bar; Python answers it in the main
    thread, but does not wake that. So each is passed on to the main thread itself.
    """
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    before = signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    passing_on = Thread(target=_wake_main_thread, args=(reading,), name="signals", daemon=True)
    passing_on.start()
    try:
        for request in REQUESTS_TO_END:  # a shell starts background jobs with SIGINT ignored
            signal.signal(request, _stop)
        yield
    finally:
        signal.set_wakeup_fd(before)
        os.write(writing, NO_SIGNAL)
        passing_on.join()  # a request that it passed on later would end what comes next
        os.close(writing)


def _wake_main_thread(reading: int) -> None:
    with open(reading, "rb", buffering=0) as signals:
        passed_on = NO_SIGNAL
        while (number := signals.read(1)) != NO_SIGNAL:
            if number == passed_on:  # comes back here from the main thread, and would for ever
                passed_on = NO_SIGNAL
            elif number[0] in REQUESTS_TO_END:
                passed_on = number
                signal.pthread_kill(main_thread().ident or 0, number[0])


def _stop(signum: int, frame: FrameType | None) -> NoReturn:
    """Any request to end unwinds like Ctrl-C, so that what was started is also ended; a second one changes nothing."""
    for request in REQUESTS_TO_END:  # not SIG_IGN: Python complains of a signal that came before it was set
        signal.signal(request, lambda *_: None)
    raise KeyboardInterrupt
