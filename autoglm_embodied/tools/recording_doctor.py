"""The doctor of a recording: what each topic is, what the pipeline makes of it, and how to replay it.

It also writes settings files for the robot, camera and nodes, to be completed by who knows them.
"""

from __future__ import annotations

import math
import re
import shlex
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

import yaml
from rich.console import Console

from autoglm_embodied.bag.bag import Bag
from autoglm_embodied.config import read_yaml, shipped
from autoglm_embodied.errors import BagError, ConfigError
from autoglm_embodied.ingest.sensor_input import STREAMS
from autoglm_embodied.kinematics import Robot
from autoglm_embodied.metrics import Report
from autoglm_embodied.policy.command_repeater import LIMIT_NS
from autoglm_embodied.replay.bag_replay import BagReplay
from autoglm_embodied.replay.inspection import TopicFacts, inspect, streams_of
from autoglm_embodied.tools.rosetta_contract import Contract, contract_of
from autoglm_embodied.whole_file import write_whole

RATE_HZ = 50.0
HALF = 0.5
NEEDED = ("vision", "force", "joints")


@dataclass(frozen=True)
class Diagnosis:
    """What was found."""

    topics: list[TopicFacts]
    streams: Mapping[str, str]  # the topic of each
    report: Report  # the figures of a replay
    sentences: list[str]  # what is wrong, and what is to be done
    command: str  # that replays it so

    @property
    def complete(self) -> bool:
        """Whether vision, force and joints were there for more than half of the ticks."""
        return all((self.report.value("replay.present", case=name) or 0.0) > HALF for name in NEEDED)

    def use(self, facts: TopicFacts) -> str:
        """What the pipeline does with a topic."""
        for stream, topic in self.streams.items():
            if topic == facts.topic:
                refused = self.report.value("replay.refused", case=stream.removesuffix("_batch"))
                return f"used as {stream}" + (f", {refused:.0f} refused" if refused else "")
        if facts.type_name in {name for stream in STREAMS.values() for name in stream.types}:
            return "not used: another topic is taken; choose with --topic"
        return "not used: its type is not read"


def examine(
    file: Path, chosen: dict[str, str], robot: Path | None, camera: Path | None, write: Path | None, started_ns: int
) -> Diagnosis:
    """Look at each topic of a recording, and replay it.

    Args:
        file: the recording.
        chosen: the topics of streams that the user named.
        robot, camera: settings, None for the shipped ones.
        write: a folder for settings files made from what is found, with which it is then replayed.
        started_ns: of the system clock.

    Raises:
        BagError: the recording cannot be read.
        ConfigError: a settings file cannot be used, or not be written.
    """
    bag, report = Bag(file), Report("autoglm doctor", None, started_ns)
    found, known = inspect(bag), Robot.from_file(robot or shipped("panda.yaml"))
    for topic in chosen.values():
        if f"/{topic.lstrip('/')}" not in (facts.topic for facts in found):
            raise BagError(f"{file} has no topic {topic}, but {', '.join(facts.topic for facts in found)}")
    streams = streams_of(found, bag.metadata, chosen, known.joint_names + known.finger_joint_names)
    sentences: list[str] = []
    if write is not None:
        facts = {facts.topic: facts for facts in found}
        sentences += write_settings(write, {stream: facts[topic] for stream, topic in streams.items()})
        robot, camera = robot or write / ROBOT, camera or write / CAMERA
    replay = BagReplay(Bag(file), RATE_HZ, None, robot, camera, map_clocks=False)
    try:
        replay.run(streams)
    except BagError as error:
        sentences.append(f"{error}")
    else:
        replay.add_figures(report)
        sentences += replay.problems()
    diagnosis = Diagnosis(found, streams, report, sentences, _command(file, streams, robot, camera))
    names = [each.name for each in fields(TopicFacts) if each.name != "calibration"]
    described = [{name: getattr(facts, name) for name in names} | {"use": diagnosis.use(facts)} for facts in found]
    report.details |= {"topics": described, "sentences": sentences, "replay": diagnosis.command}
    return diagnosis


def print_diagnosis(diagnosis: Diagnosis, console: Console) -> None:
    """Print three lines for each topic, the sentences, and the command."""

    def line(text: str, style: str = "") -> None:
        console.print(text, style=style, markup=False, highlight=False, soft_wrap=True)

    for facts in diagnosis.topics:
        rate = "" if facts.rate_hz is None else f", {facts.rate_hz:.4g} Hz"
        jitter = "" if facts.jitter_ms is None else f" ± {facts.jitter_ms:.3g} ms"
        frame = f"in frame {facts.frame!r}" if facts.frame else ""
        line(f"{facts.topic} ({facts.type_name}): {diagnosis.use(facts)}", "bold")
        line(f"    {facts.messages} messages{rate}{jitter}; stamps: {facts.clock}")
        line(f"    {'; '.join(filter(None, (facts.layout, frame, facts.unit)))}")
    for sentence in diagnosis.sentences:
        line(sentence, "yellow")
    line(f"to replay it: {diagnosis.command}")


def _command(file: Path, streams: Mapping[str, str], robot: Path | None, camera: Path | None) -> str:
    words = ["autoglm", "replay", str(file)]
    for stream, topic in streams.items():
        if topic != f"/{STREAMS[stream].topic}":
            words += ["--topic", f"{stream}={topic}"]
    words += ["--robot", str(robot)] if robot else []
    return shlex.join(words + (["--camera", str(camera)] if camera else []))


ROBOT, CAMERA, NODE, CONTRACT = "robot.yaml", "camera.yaml", "fusion.yaml", "contract.yaml"
GOVERNOR = "governor.yaml"
PASS = "Pass it with --ros-args --params-file."
LIMIT = "A tenth of both speeds; set limits.workspace_* and limits.table_m to the place where the arm stands."
FIRST_SHARE = 0.1  # of the speed, for the first motion
FINGERS = re.compile("finger|grip|knuckle|jaw|hand", re.IGNORECASE)
WRENCHES = ("wrench", "wrench_batch")
RATES = {"camera_hz": "rgb", "wrench_hz": "wrench", "joints_hz": "joints"}


def write_settings(folder: Path, streams: Mapping[str, TopicFacts]) -> list[str]:
    """Write the files; returns what is to be completed in each. ConfigError if they cannot be, or are there.

    Args:
        folder: to write to, made where it is not.
        streams: what was found of each sensor stream.
    """
    robot, to_do = _robot(streams)
    texts = {
        ROBOT: (to_do, {name: value for name, value in asdict(robot).items() if value != ()}),
        CAMERA: (
            "Measure xyz_m and quaternion_xyzw: they are those of the simulator's camera.",
            _camera(streams, robot),
        ),
        NODE: (PASS, _node(streams, folder)),
        GOVERNOR: (LIMIT, _governor(streams, folder)),
        CONTRACT: ("For rosetta.", contract_of(streams, robot.name)),
    }
    files = zip(("robot", "camera", "fusion", "governor"), (ROBOT, CAMERA, NODE, GOVERNOR), strict=True)
    given = " ".join(f"{name}_file:={(folder / file).resolve()}" for name, file in files)
    launch = f"to start the nodes with them: ros2 launch autoglm_embodied robot.launch.py {given}"
    return [*_write(folder, texts, "a recording"), launch]


def write_parameters(folder: Path, contract: Contract) -> list[str]:
    """Write the node's parameters that a contract tells; returns what is to be done with them, raises likewise."""
    values: dict[str, Any] = {"tick_hz": float(contract.fps)} if contract.fps else {}
    if contract.fps and 2e9 / contract.fps > LIMIT_NS:  # a command must last until the next
        values["command_limit_ns"] = round(2e9 / contract.fps)
    values["topics"] = contract.topics
    return _write(folder, {NODE: (PASS, _parameters(values))}, "a contract of rosetta")


def _write(folder: Path, texts: Mapping[str, tuple[str, dict[str, Any]]], source: str) -> list[str]:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, (note, values) in texts.items():
            if (folder / name).exists():
                raise ConfigError(f"{folder / name} is there already; name another folder for --write")
            text = yaml.safe_dump(values, sort_keys=False, default_flow_style=None, width=120)
            write_whole(folder / name, f"# From {source} by autoglm doctor. {note}\n{text}")
    except OSError as error:
        raise ConfigError(f"cannot write to {folder} ({error.strerror}); name a folder that can be") from error
    return [f"{folder / name}: {note}" for name, (note, _) in texts.items()]


def _robot(streams: Mapping[str, TopicFacts]) -> tuple[Robot, str]:
    """The shipped robot, if its joints came, else one of the joints that came, without kinematics."""
    robot, names = Robot.from_file(shipped("panda.yaml")), streams["joints"].joint_names if "joints" in streams else ()
    frame = next((streams[name].frame for name in WRENCHES if name in streams), "") or robot.wrench_frame
    if not names or set(robot.joint_names + robot.finger_joint_names) <= set(names):
        return replace(robot, wrench_frame=frame), "It is the shipped Panda with the wrench frame of the recording."
    fingers = tuple(name for name in names if FINGERS.search(name) and len(names) > 1)
    arm = tuple(name for name in names if name not in fingers) or names
    zeros, limits = (0.0,) * len(arm), (math.pi,) * len(arm)
    found = Robot(
        name="robot",
        base_frame="base_link",
        tool_frame="tool0",
        wrench_frame=frame,
        joint_names=arm,
        finger_joint_names=fingers if fingers != arm and fingers else ("gripper",),
        dh_a_m=zeros,
        dh_d_m=zeros,
        dh_alpha_rad=zeros,
        tool_xyz_m=(0.0, 0.0, 0.0),
        tool_yaw_rad=0.0,
        joint_lower_rad=tuple(-limit for limit in limits),
        joint_upper_rad=limits,
        gripper_max_width_m=robot.gripper_max_width_m,
    )
    return found, "Complete frames, dh_*, tool_*, limits, fingers and gripper width: a recording does not hold them."


def _camera(streams: Mapping[str, TopicFacts], robot: Robot) -> dict[str, Any]:
    """The shipped camera's pose with the size and the field of view of the recorded one."""
    values = read_yaml(shipped("camera.yaml")) | {"parent_frame_id": robot.base_frame}
    images, info = streams.get("rgb"), streams.get("camera_info")
    if images is not None:
        values |= {"frame_id": images.frame, "width": images.size_px[0], "height": images.size_px[1]}
    if info is not None and info.calibration is not None:
        fovy_rad = 2 * math.atan(info.calibration.height / (2 * float(info.calibration.K[1, 1])))
        values["fovy_deg"] = round(math.degrees(fovy_rad), 2)
    return values


def _node(streams: Mapping[str, TopicFacts], folder: Path) -> dict[str, Any]:
    """Parameters of the fusion node: topics, nominal rates and the other two files."""
    rates = {name: streams[stream].rate_hz for name, stream in RATES.items() if stream in streams}
    values: dict[str, Any] = {
        "robot_file": str((folder / ROBOT).resolve()),
        "camera_file": str((folder / CAMERA).resolve()),
    }
    values |= {name: round(rate_hz, 1) for name, rate_hz in rates.items() if rate_hz}
    values["topics"] = {stream: facts.topic for stream, facts in streams.items()}
    return _parameters(values)


def _governor(streams: Mapping[str, TopicFacts], folder: Path) -> dict[str, Any]:
    """Parameters of the governor for a first motion: its topics, and the rate of the wrench."""
    values: dict[str, Any] = {"robot_file": str((folder / ROBOT).resolve())}
    wrench = next((streams[name] for name in WRENCHES if name in streams), None)
    if wrench is not None and wrench.rate_hz:
        values["wrench_hz"] = round(wrench.rate_hz, 1)
    values["limits"] = {"speed_share": FIRST_SHARE}
    felt = {name: streams[name].topic for name in (*WRENCHES, "joints") if name in streams}
    return _parameters(values | ({"topics": felt} if felt else {}), "governor_node")


def _parameters(values: dict[str, Any], node: str = "fusion_node") -> dict[str, Any]:
    return {f"/**/{node}": {"ros__parameters": values}}
