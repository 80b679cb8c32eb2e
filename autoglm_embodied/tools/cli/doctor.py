"""`autoglm doctor`: a table of what works on this machine, or of what a recording holds."""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from autoglm_embodied.errors import ConfigError
from autoglm_embodied.tools.cli.command import Subparsers, add_command
from autoglm_embodied.tools.cli.record import STREAMS, parse_stream_topics

HELP = "check what is present and working, and say what to do about the rest"
EPILOG = f"""examples:
  autoglm doctor
  autoglm doctor --json out/doctor.json
  autoglm doctor rosbag2_folder --write out/my_robot

With a recording (a .mcap or .db3 file, or the folder of ros2 bag record) it says of each topic what it is (rate,
jitter, clock, frame, encoding, calibration, units), which stream it is taken for, and what a replay makes of it.
--write DIR writes robot.yaml, camera.yaml and fusion.yaml from what it finds, and replays with them.
--topic STREAM=NAME takes a stream from another topic (streams: {", ".join(STREAMS)}).

exit status: 0 all that the demo needs works, or all senses are there in the recording; 1 something is missing;
2 bad input"""


def add_parser(subparsers: Subparsers) -> None:
    """Add `doctor` to the command line."""
    parser = add_command(subparsers, "doctor", HELP, EPILOG, run)
    parser.add_argument("file", metavar="FILE", type=Path, nargs="?", help="a recording (default: this machine)")
    parser.add_argument("--write", metavar="DIR", type=Path, help="settings files for the robot of the recording")
    parser.add_argument("--topic", metavar="STREAM=NAME", action="append", default=[], help="may be repeated")
    parser.add_argument("--robot", metavar="FILE", type=Path, help="its settings (default: the shipped panda.yaml)")
    parser.add_argument("--camera", metavar="FILE", type=Path, help="its pose (default: the shipped camera.yaml)")
    parser.add_argument("--json", metavar="FILE", type=Path, help="write the figures here")


def run(args: argparse.Namespace) -> int:
    """Run all checks."""
    if args.file is not None:
        return _examine(args)
    if args.write or args.topic or args.robot or args.camera:
        raise ConfigError("--write, --topic, --robot and --camera are about a recording; name its FILE")
    from rich.console import Console

    from autoglm_embodied.tools.doctor import all_needed_ok, print_table, report, run_checks

    started_ns, console = time.time_ns(), Console()
    with console.status("checking") as status:
        results = run_checks(lambda item: status.update(f"checking: {item}"))
    print_table(results, console)
    if args.json is not None:
        report(results, started_ns).write_json(args.json, time.time_ns())
    return 0 if all_needed_ok(results) else 1


def _examine(args: argparse.Namespace) -> int:
    """Look at a recording."""
    chosen = parse_stream_topics(args.topic)
    from rich.console import Console

    from autoglm_embodied.tools.recording_doctor import examine, print_diagnosis

    console, started_ns = Console(), time.time_ns()
    with console.status("reading"):
        found = examine(args.file, chosen, args.robot, args.camera, args.write, started_ns)
    print_diagnosis(found, console)
    if args.json is not None:
        found.report.write_json(args.json, time.time_ns())
    return 0 if found.complete else 1
