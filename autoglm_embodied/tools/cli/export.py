"""`autoglm export`: recordings as a LeRobot dataset, or for the Rerun viewer."""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from autoglm_embodied.errors import ConfigError
from autoglm_embodied.tools.cli.command import Subparsers, add_command, end_report
from autoglm_embodied.tools.cli.record import STREAMS, parse_stream_topics

HELP = "write recordings as a LeRobot dataset, or for the Rerun viewer"
EPILOG = f"""examples:
  autoglm export out/record/*.mcap --to lerobot --out data/my_dataset
  autoglm export rosbag2_folder --to rerun --out out/bag.rrd

lerobot: a dataset of format v3.0 with a row for each of --fps ticks a second: colour and depth as PNG, joints, the
window of wrenches that was felt with its statistics over longer ones, and for each sense whether it was there, its age
and its time error. What was absent is NaN and masked. The action is the next state. A recording is an episode, or
several where there are holes in it; the instruction is the task.
rerun: every image, wrench and joint state, the words, and which senses a tick had.
--topic STREAM=NAME takes a stream from another topic (streams: {", ".join(STREAMS)}).

exit status: 0 written; 2 bad input"""
FASTEST_HZ = 1000


def add_parser(subparsers: Subparsers) -> None:
    """Add `export` to the command line."""
    parser = add_command(subparsers, "export", HELP, EPILOG, run)
    parser.add_argument("files", metavar="FILE", type=Path, nargs="+", help="recordings")
    parser.add_argument("--to", choices=("lerobot", "rerun"), required=True, help="the format")
    parser.add_argument("--out", metavar="PATH", type=Path, required=True, help="the folder, or .rrd file, to make")
    parser.add_argument("--fps", type=int, default=30, help="ticks a second (default %(default)s)")
    parser.add_argument("--topic", metavar="STREAM=NAME", action="append", default=[], help="may be repeated")
    parser.add_argument("--robot", metavar="FILE", type=Path, help="its settings (default: the shipped panda.yaml)")
    parser.add_argument("--camera", metavar="FILE", type=Path, help="its pose (default: the shipped camera.yaml)")
    parser.add_argument("--json", metavar="FILE", type=Path, help="write what was exported here")


def run(args: argparse.Namespace) -> int:
    """Export."""
    if not 1 <= args.fps <= FASTEST_HZ:
        raise ConfigError(f"--fps must be from 1 to {FASTEST_HZ}, got {args.fps}")
    from autoglm_embodied.metrics import Report
    from autoglm_embodied.tools.export.export import Export

    report, topics = Report("autoglm export", None, time.time_ns()), parse_stream_topics(args.topic)
    export = Export(args.files, topics, args.out, args.fps, args.robot, args.camera)
    said = export.to_lerobot(report) if args.to == "lerobot" else export.to_rerun(report)
    for sentence in said:
        print(sentence)
    print(f"written to {args.out}")
    return end_report(report, args)
