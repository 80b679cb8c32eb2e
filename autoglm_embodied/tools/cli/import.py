"""`autoglm import`: episodes of a LeRobot dataset as recordings."""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from autoglm_embodied.errors import ConfigError
from autoglm_embodied.tools.cli.command import Subparsers, add_command, end_report

HELP = "make recordings of a LeRobot dataset"
EPILOG = """examples:
  autoglm import data/my_dataset --out out/imported
  autoglm import data/so100 --out out/so100 --episodes 0 7 --camera my_camera.yaml --column rgb=observation.images.top

Each episode of a dataset of format v3 becomes an MCAP file that autoglm replay takes: images, state, wrench and task.
A dataset of autoglm export comes back as it was observed. Of others the state is taken for joint positions [rad], depth
for PNG of 16 bits [mm], and the camera's field of view is that of --camera; what is missing is said and stays absent.
--column STREAM=NAME takes another column for a stream (rgb, depth, joints, wrench), or none of it: STREAM=none.

exit status: 0 written; 2 bad input"""


def add_parser(subparsers: Subparsers) -> None:
    """Add `import` to the command line."""
    parser = add_command(subparsers, "import", HELP, EPILOG, run)
    parser.add_argument("folder", metavar="DATASET", type=Path, help="the folder with meta/info.json")
    parser.add_argument("--out", metavar="DIR", type=Path, required=True, help="the folder to make")
    parser.add_argument("--episodes", metavar="N", type=int, nargs="+", default=[], help="these alone (default: all)")
    parser.add_argument("--column", metavar="STREAM=NAME", action="append", default=[], help="may be repeated")
    parser.add_argument("--robot", metavar="FILE", type=Path, help="its settings (default: the shipped panda.yaml)")
    parser.add_argument("--camera", metavar="FILE", type=Path, help="its width, height and fovy_deg (default: unknown)")
    parser.add_argument("--json", metavar="FILE", type=Path, help="write what was imported here")


def run(args: argparse.Namespace) -> int:
    """Import."""
    from autoglm_embodied.metrics import Report
    from autoglm_embodied.tools.export.lerobot_import import Import
    from autoglm_embodied.tools.export.lerobot_source import COLUMNS

    chosen = dict(text.partition("=")[::2] for text in args.column)
    for stream, name in chosen.items():
        if stream not in COLUMNS or not name:
            raise ConfigError(f"--column must be STREAM=NAME, STREAM one of {', '.join(COLUMNS)}, got {stream}={name}")
    report = Report("autoglm import", None, time.time_ns())
    for sentence in Import(args.folder, args.out, args.episodes, chosen, args.robot, args.camera).run(report):
        print(sentence)
    print(f"written to {args.out}")
    return end_report(report, args)
