"""`autoglm replay`: a recording through the same ingest and aligner, and optionally the policy, as on the robot."""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from autoglm_embodied.errors import ConfigError
from autoglm_embodied.tools.cli.command import Subparsers, add_command
from autoglm_embodied.tools.cli.record import STREAMS, parse_stream_topics

HELP = "replay a recording through the aligner and the policy"
EPILOG = f"""examples:
  autoglm replay out/record/record_2026-01-01_12-00-00.mcap
  autoglm replay rosbag2_folder --topic joints=/panda/joint_states --json out/replay.json
  autoglm replay data/first.mcap --policy

FILE is a .mcap or .db3 file, or the folder that ros2 bag record makes.
--topic STREAM=NAME takes a stream from another topic (streams: {", ".join(STREAMS)}).

exit status: 0 replayed; 1 no modality was ever present; 2 bad input"""
FASTEST_HZ = 10_000.0


def add_parser(subparsers: Subparsers) -> None:
    """Add `replay` to the command line."""
    parser = add_command(subparsers, "replay", HELP, EPILOG, run)
    parser.add_argument("file", metavar="FILE", type=Path, help="the recording")
    parser.add_argument("--rate", metavar="HZ", type=float, default=100.0, help="of observations (default %(default)g)")
    policy = "also encode and act; default DIR: the shipped"
    parser.add_argument("--policy", metavar="DIR", type=Path, nargs="?", const=Path(), help=policy)
    parser.add_argument("--topic", metavar="STREAM=NAME", action="append", default=[], help="may be repeated")
    parser.add_argument("--robot", metavar="FILE", type=Path, help="its settings (default: the shipped panda.yaml)")
    parser.add_argument("--camera", metavar="FILE", type=Path, help="its pose (default: the shipped camera.yaml)")
    clocks = "place stamps of another clock by when their messages were received (align.map_clocks)"
    parser.add_argument("--map-clocks", action="store_true", help=clocks)
    parser.add_argument("--json", metavar="FILE", type=Path, help="write the figures here as well")


def run(args: argparse.Namespace) -> int:
    """Replay, and print the messages and observations."""
    if not 0.0 < args.rate <= FASTEST_HZ:
        raise ConfigError(f"--rate must be above 0 and at most {FASTEST_HZ:g} Hz, got {args.rate:g}")
    chosen = parse_stream_topics(args.topic)
    from autoglm_embodied.bag.bag import Bag
    from autoglm_embodied.metrics import Report
    from autoglm_embodied.replay.bag_replay import BagReplay

    report, bag = Report("autoglm replay", None, time.time_ns()), Bag(args.file)
    replayed = BagReplay(bag, args.rate, args.policy, args.robot, args.camera, args.map_clocks)
    replayed.run(chosen)
    replayed.add_figures(report)
    report.print_table()
    for problem in replayed.problems():
        print(problem)
    if args.json is not None:
        report.write_json(args.json, time.time_ns())
    return 0 if replayed.observed_any else 1
