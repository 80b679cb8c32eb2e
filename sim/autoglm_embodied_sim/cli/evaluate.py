"""`autoglm evaluate`: fresh episodes of a policy, in simulation or through the real nodes."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from autoglm_embodied.errors import ConfigError
from autoglm_embodied_sim.cli.suites import add_options, run_suites

if TYPE_CHECKING:
    from argparse import _SubParsersAction

HELP = "measure how often the policy holds what was named"
EPILOG = """examples:
  autoglm evaluate --episodes 50 --workers 2
  autoglm evaluate --episodes 50 --ros --json out/evaluate.json
  autoglm evaluate --suite separated --suite pile --policy antipodal --policy script --episodes 100 --workers 2
  autoglm evaluate --suite language --suite declutter --policy antipodal --policy script --episodes 50 --workers 2
  autoglm evaluate --suite separated --objects my_meshes
  autoglm evaluate --suite separated --rig arm --policy learned --policy script
  autoglm evaluate --suite separated --rig arm --policy learned --ros
  autoglm evaluate --suite pile --policy antipodal_force --policy script --without force
  autoglm evaluate --episodes 20 --without vision
  autoglm evaluate --suite large --suite pile --policy pca --policy script --report out/report --thumbnails 12

docs/benchmark.md describes suites, policies and figures; autoglm table makes Markdown of a --json FILE."""


def add_parser(subparsers: _SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `evaluate` to the command line."""
    parser = subparsers.add_parser(
        "evaluate", help=HELP, description=HELP, epilog=EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--episodes", type=int, default=50, help="default %(default)s")
    parser.add_argument("--seed", type=int, default=0, help="of the first episode (default %(default)s)")
    parser.add_argument(
        "--checkpoint", metavar="DIR", type=Path, help="of the policy learned (default: the one shipped)"
    )
    parser.add_argument("--ros", action="store_true", help="through the real nodes over DDS, in real time")
    parser.add_argument("--workers", type=int, default=1, help="processes, without --ros (default %(default)s)")
    parser.add_argument(
        "--log",
        metavar="DIR",
        type=Path,
        default=Path("out/evaluate"),
        help="for the nodes' logs, and the suites' episodes that are finished (default %(default)s)",
    )
    parser.add_argument(
        "--without",
        action="append",
        default=[],
        metavar="SENSE",
        help="withhold a sense: force, or from learned also vision or language; it is missing, not zero; repeatable",
    )
    parser.add_argument("--json", metavar="FILE", type=Path, help="write the figures here as well")
    add_options(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run the episodes and print the figures."""
    if args.episodes < 1 or args.seed < 0 or args.workers < 1:
        raise ConfigError("--episodes and --workers must be 1 or more, and --seed 0 or more")
    return run_suites(args)
