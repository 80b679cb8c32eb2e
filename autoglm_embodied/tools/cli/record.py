"""`autoglm record`: the topics of sensors and voice commands to an MCAP file."""

from __future__ import annotations

import argparse
import math
from pathlib import Path

from autoglm_embodied.errors import ConfigError
from autoglm_embodied.tools.cli.command import Subparsers, add_command

HELP = "record the sensors' topics to an MCAP file"
STREAMS = ("rgb", "depth", "camera_info", "depth_info", "wrench", "wrench_batch", "joints", "voice")
EPILOG = f"""examples:
  autoglm record
  autoglm record --out data/first.mcap --seconds 60
  autoglm record --topic joints=/panda/joint_states --topic /tf

--topic STREAM=NAME records a stream that can be replayed from another topic than its default one
(streams: {", ".join(STREAMS)}); --topic NAME records any other topic as well.

exit status: 0 recorded until Ctrl-C or --seconds; 1 no message came; 2 bad input, or the disk is full"""


def add_parser(subparsers: Subparsers) -> None:
    """Add `record` to the command line."""
    parser = add_command(subparsers, "record", HELP, EPILOG, run)
    out = "a .mcap file or a folder (default %(default)s)"
    parser.add_argument("--out", metavar="PATH", type=Path, default=Path("out/record"), help=out)
    parser.add_argument("--seconds", metavar="N", type=float, default=0.0, help="then end (default: until Ctrl-C)")
    parser.add_argument("--topic", metavar="[STREAM=]NAME", action="append", default=[], help="may be repeated")


def run(args: argparse.Namespace) -> int:
    """Record."""
    if not (math.isfinite(args.seconds) and args.seconds >= 0):
        raise ConfigError(f"--seconds must be 0 or more, got {args.seconds:g}")
    streams, more = parse_topics(args.topic)
    from autoglm_embodied.nodes.record_node import record

    topics = {f"topics.{name}": topic for name, topic in streams.items()}
    return record({"out": str(args.out), "seconds": args.seconds, "more": more or [""]} | topics)


def parse_topics(given: list[str]) -> tuple[dict[str, str], list[str]]:
    """The topic of each stream, and the other topics, out of the values NAME or STREAM=NAME of --topic.

    Raises:
        ConfigError: there is no such stream, or a name is empty.
    """
    streams: dict[str, str] = {}
    more: list[str] = []
    for text in given:
        stream, equals, after = text.partition("=")
        name = after if equals else text
        if not name or any(character.isspace() for character in name):
            raise ConfigError(f"--topic must be NAME or STREAM=NAME, got {text!r}")
        if not equals:
            more.append(name)
        elif stream in STREAMS:
            streams[stream] = name
        else:
            raise ConfigError(f"--topic {text}: the stream must be one of {', '.join(STREAMS)}, got {stream!r}")
    return streams, more


def parse_stream_topics(given: list[str]) -> dict[str, str]:
    """The topic of each stream out of the values STREAM=NAME of --topic; ConfigError if one names no stream."""
    streams, more = parse_topics(given)
    if more:
        raise ConfigError(f"--topic must be STREAM=NAME, got {more[0]!r}")
    return streams
