"""`autoglm demo`: from a spoken sentence to a grasped object, in simulation, over real ROS 2."""

from __future__ import annotations

import argparse
from pathlib import Path

from autoglm_embodied.tools.cli.command import Subparsers, add_command, from_options

HELP = "say a sentence and watch the simulated arm pick up what it names"
EPILOG = """examples:
  autoglm demo
  autoglm demo --suite pile --seed 2
  autoglm demo --suite primitives --seed 8 --say "grab the blue ball" --out out/blue
  autoglm demo --mic --view

exit status: 0 the named object is held, 1 it is not, 2 bad input or a broken set-up"""


def add_parser(subparsers: Subparsers) -> None:
    """Add `demo` to the command line."""
    parser = add_command(subparsers, "demo", HELP, EPILOG, run)
    sentence = parser.add_mutually_exclusive_group()
    sentence.add_argument("--say", metavar="TEXT", help="the sentence to speak (default: one that fits the scene)")
    sentence.add_argument("--wav", metavar="FILE", type=Path, help="play this recording (16 kHz, 16 bit) instead")
    sentence.add_argument("--mic", action="store_true", help="listen to the default microphone instead")
    parser.add_argument("--seed", type=int, default=0, help="of the scene and the sentence (default %(default)s)")
    parser.add_argument(
        "--suite",
        default="language",
        help="of objects, unknown ones by their names: %(default)s (the default), separated, large, pile or another of "
        "`autoglm evaluate`; or primitives, which the learned policy grasps",
    )
    parser.add_argument(
        "--objects", type=int, help="on the table, 1 to 4 (default: as many as the suite has, 3 primitives)"
    )
    parser.add_argument("--out", metavar="DIR", type=Path, default=Path("out/demo"), help="default %(default)s")
    parser.add_argument("--view", action="store_true", help="open the Rerun viewer and watch live")
    parser.add_argument("--json", metavar="FILE", type=Path, help="write the figures here as well")
    parser.add_argument("--checkpoint", metavar="DIR", type=Path, help="of the policy (default: the one shipped)")


def run(args: argparse.Namespace) -> int:
    """Run the demo."""
    from rich.console import Console

    from autoglm_embodied.tools.demo.run import DemoRequest
    from autoglm_embodied.tools.demo.run import run as run_demo

    return run_demo(from_options(DemoRequest, args), Console())
