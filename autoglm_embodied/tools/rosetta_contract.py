"""Contracts of rosetta (https://github.com/iblnkn/rosetta), a bridge from ROS 2 to LeRobot: read and written.

A contract says which topics make the columns of a dataset. Both of its forms are read: entries in a list, each with
`key`, `topic` and `type`, and, since, in a mapping by key, each with `channel`, `align`, `select` and `apply`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from autoglm_embodied.config import read_yaml
from autoglm_embodied.errors import ConfigError
from autoglm_embodied.ingest.sensor_input import STREAMS
from autoglm_embodied.replay.inspection import TopicFacts

SECTIONS = ("observations", "adjunct")  # whose topics may be sensors'
OTHER_SECTIONS = ("actions", "tasks", "teleop", "rewards", "signals", "info", "complementary_data")
SCALARS = ("robot_type", "robot_interface", "name", "version", "fps", "rate_hz", "max_duration_s", "timestamp_source")
UNUSED = ("recording", "reset", "visualization", "metadata")
TOP = {*SECTIONS, *OTHER_SECTIONS, *SCALARS, *UNUSED}
CHANNEL = {"topic", "type", "qos", "dtype", "decoder", "encoder", "safety"}
SOURCE = {"channel", "align", "select", "apply", "kind"}
LISTED = CHANNEL | {"key", "selector", "image", "align", "unit_conversion", "buffering_strategy"}
NEEDED = ("rgb", "depth", "camera_info", "wrench", "joints")
FASTEST_HZ = 1000.0
WRENCH_FIELDS = [f"wrench.{group}.{axis}" for group in ("force", "torque") for axis in "xyz"]
TWIST_FIELDS = [f"twist.{group}.{axis}" for group in ("linear", "angular") for axis in "xyz"]
HOLD = {"strategy": "hold", "timeline": "header"}
TWIST_TOPIC, TWIST = "servo_node/delta_twist_cmds", "geometry_msgs/msg/TwistStamped"


@dataclass
class Contract:
    """What a contract says of this package's streams."""

    fps: float | None = None
    topics: dict[str, str] = field(default_factory=dict)  # of each stream
    said: list[str] = field(default_factory=list)  # what of it is not used, or missing


def read_contract(path: Path) -> Contract:
    """The streams of a contract, by the types of its topics.

    Raises:
        ConfigError: it cannot be read, an entry lacks its topic or type, or fps is no rate.
    """
    values, found = read_yaml(path), Contract()
    unknown = [key for key in values if key not in TOP and not key.startswith("x-")]
    for section in SECTIONS:
        for place, channel, strangers in _entries(values.get(section), section, path):
            unknown += [f"{place}.{key}" for key in strangers]
            _take(found, place, channel, path)
    found.fps = _rate(values, path)
    left = [section for section in OTHER_SECTIONS if section in values]
    found.said += [f"the contract has no {stream}" for stream in NEEDED if stream not in found.topics]
    found.said += [f"not used of the contract: {', '.join(left)}"] if left else []
    found.said += [f"unknown keys of the contract: {', '.join(unknown)}"] if unknown else []
    return found


def _rate(values: Mapping[str, Any], path: Path) -> float | None:
    fps = values.get("fps", values.get("rate_hz"))
    if fps is None or (type(fps) in (int, float) and 0 < fps <= FASTEST_HZ):
        return None if fps is None else float(fps)
    raise ConfigError(f"{path}: fps must be above 0 and at most {FASTEST_HZ:g}, got {fps!r}")


def _entries(section: Any, name: str, path: Path) -> Iterator[tuple[str, dict[str, Any], list[str]]]:
    """Each channel of a section: its place, its values, and the keys that are not known."""
    if section is None:
        return
    if not isinstance(section, (dict, list)):
        raise ConfigError(f"{path}: {name} must be a mapping or a list, got {section!r:.60}")
    for key, value in section.items() if isinstance(section, dict) else enumerate(section):
        for number, entry in enumerate(value if isinstance(value, list) else [value]):
            place = f"{name}.{key}" + (f".{number}" if isinstance(value, list) else "")
            channel = entry.get("channel", entry) if isinstance(entry, dict) else entry
            if not isinstance(channel, dict):
                raise ConfigError(f"{path}: {place} must be a mapping with topic and type, got {channel!r:.60}")
            strangers = [each for each in entry if each not in SOURCE] if channel is not entry else []
            known = CHANNEL if channel is not entry else LISTED
            yield place, channel, strangers + [each for each in channel if each not in known]


def _take(found: Contract, place: str, entry: Mapping[str, Any], path: Path) -> None:
    for name in ("topic", "type"):
        if not isinstance(entry.get(name), str) or not entry[name]:
            raise ConfigError(f"{path}: {place} must name its {name}, got {entry.get(name)!r}")
    topic, kind = entry["topic"], entry["type"]
    streams = [stream for stream, default in STREAMS.items() if kind in default.types]
    is_depth = "depth" in f"{entry.get('key', place)}{topic}".lower()
    fitting = [stream for stream in streams if stream.startswith("depth") == is_depth or len(streams) == 1]
    stream = (fitting or streams or [""])[0]
    if not stream:
        found.said.append(f"{topic} is not read: {kind} is no sensor's that is known")
    elif stream in found.topics:
        found.said.append(f"{topic} is not read: {stream} is {found.topics[stream]}")
    else:
        found.topics[stream] = topic


def contract_of(streams: Mapping[str, TopicFacts], robot_type: str) -> dict[str, Any]:
    """A contract, in the form by keys, of what was found of each stream; what LeRobot has no column for is adjunct.

    Args:
        streams: what was found of each.
        robot_type: the robot's name.
    """

    def channel(stream: str) -> dict[str, str]:
        return {"topic": streams[stream].topic, "type": streams[stream].type_name}

    found: dict[str, dict[str, Any]] = {}
    if "rgb" in streams:
        width, height = streams["rgb"].size_px
        found["observation.images.color"] = {"apply": [{"resize": [height, width]}]}
    if "joints" in streams:
        found["observation.state"] = {"select": [f"position.{name}" for name in streams["joints"].joint_names]}
    if "wrench" in streams:
        found["observation.wrench"] = {"select": WRENCH_FIELDS}
    columns = dict(zip(found, [stream for stream in ("rgb", "joints", "wrench") if stream in streams], strict=True))
    twist = {
        "channel": {"topic": TWIST_TOPIC, "type": TWIST, "safety": "zeros"},
        "align": dict(HOLD),
        "select": TWIST_FIELDS,
    }
    rate_hz = streams["rgb"].rate_hz if "rgb" in streams else None
    contract = {
        "robot_type": robot_type,
        "robot_interface": "ros2",
        "fps": max(round(rate_hz), 1) if rate_hz else 30,
        "observations": {
            key: {"channel": channel(columns[key]), "align": dict(HOLD)} | more for key, more in found.items()
        },
        "actions": {"action": twist},
        "adjunct": [{"channel": channel(stream)} for stream in streams if stream not in columns.values()],
    }
    return {key: value for key, value in contract.items() if value}
