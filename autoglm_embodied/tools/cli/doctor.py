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
  autoglm doctor --live --seconds 10 --write out/my_robot
  autoglm doctor --contract my_robot/contract.yaml --write out/my_robot

With a recording (a .mcap or .db3 file, or the folder of ros2 bag record) it says of each topic what it is (rate,
jitter, clock, frame, encoding, calibration, units), which stream it is taken for, and what a replay makes of it.
--live says the same of the running graph: it records every topic that may be a sensor's, whatever its name, to a file
in out/doctor, which is kept.
--write DIR writes robot.yaml, camera.yaml, fusion.yaml and governor.yaml (a tenth of the speed, for the first motion)
from what it finds, replays with them, and writes contract.yaml, which says the same to rosetta. --contract FILE takes
the topics of streams from such a contract; without a recording or --live, --write DIR then writes fusion.yaml alone.
--topic STREAM=NAME takes a stream from another topic (streams: {", ".join(STREAMS)}).

exit status: 0 all that the demo needs works, or all senses are there in the recording; 1 something is missing;
2 bad input"""

MOST_S = 600.0


def add_parser(subparsers: Subparsers) -> None:
    """Add `doctor` to the command line."""
    parser = add_command(subparsers, "doctor", HELP, EPILOG, run)
    parser.add_argument("file", metavar="FILE", type=Path, nargs="?", help="a recording (default: this machine)")
    parser.add_argument("--live", action="store_true", help="the topics of the running ROS graph")
    parser.add_argument("--seconds", metavar="N", type=float, default=5.0, help="of --live (default %(default)g)")
    parser.add_argument("--write", metavar="DIR", type=Path, help="settings files for the robot of the recording")
    parser.add_argument("--contract", metavar="FILE", type=Path, help="of rosetta: the topic of each stream")
    parser.add_argument("--topic", metavar="STREAM=NAME", action="append", default=[], help="may be repeated")
    parser.add_argument("--robot", metavar="FILE", type=Path, help="its settings (default: the shipped panda.yaml)")
    parser.add_argument("--camera", metavar="FILE", type=Path, help="its pose (default: the shipped camera.yaml)")
    parser.add_argument("--json", metavar="FILE", type=Path, help="write the figures here")


def run(args: argparse.Namespace) -> int:
    """Run all checks."""
    chosen = _chosen(args)
    if args.live:
        args.file = _recorded(args, chosen)
    if args.file is not None:
        return _examine(args, chosen)
    if args.contract is not None:
        return 0
    if args.write or args.topic or args.robot or args.camera:
        raise ConfigError("--write, --topic, --robot and --camera are about a recording; name its FILE, or --live")
    from rich.console import Console

    from autoglm_embodied.tools.doctor import all_needed_ok, print_table, report, run_checks

    started_ns, console = time.time_ns(), Console()
    with console.status("checking") as status:
        results = run_checks(lambda item: status.update(f"checking: {item}"))
    print_table(results, console)
    if args.json is not None:
        report(results, started_ns).write_json(args.json, time.time_ns())
    return 0 if all_needed_ok(results) else 1


def _chosen(args: argparse.Namespace) -> dict[str, str]:
    """The topics that the user named, by --topic or in a contract, of which is said what is not used."""
    chosen = parse_stream_topics(args.topic)
    if args.contract is None:
        return chosen
    from autoglm_embodied.tools.recording_doctor import write_parameters
    from autoglm_embodied.tools.rosetta_contract import read_contract

    contract = read_contract(args.contract)
    for sentence in contract.said:
        print(sentence)
    for stream, topic in contract.topics.items():
        print(f"{stream}: {topic}")
    if args.write is not None and args.file is None and not args.live:
        for sentence in write_parameters(args.write, contract):
            print(sentence)
    return contract.topics | chosen


def _recorded(args: argparse.Namespace, chosen: dict[str, str]) -> Path:
    """A recording of what the graph now sends."""
    if args.file is not None:
        raise ConfigError(f"--live is about the running graph, not about {args.file}; leave one of them out")
    if not 1.0 <= args.seconds <= MOST_S:
        raise ConfigError(f"--seconds must be from 1 to {MOST_S:g}, got {args.seconds:g}")
    from autoglm_embodied.nodes.record_node import file_of, record_sensors

    file = file_of(Path("out/doctor"), time.time())
    record_sensors(file, args.seconds, chosen)
    return file


def _examine(args: argparse.Namespace, chosen: dict[str, str]) -> int:
    """Look at a recording."""
    from rich.console import Console

    from autoglm_embodied.tools.recording_doctor import examine, print_diagnosis

    console, started_ns = Console(), time.time_ns()
    with console.status("reading"):
        found = examine(args.file, chosen, args.robot, args.camera, args.write, started_ns)
    print_diagnosis(found, console)
    if args.json is not None:
        found.report.write_json(args.json, time.time_ns())
    return 0 if found.complete else 1
