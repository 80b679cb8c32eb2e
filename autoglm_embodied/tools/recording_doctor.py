"""The doctor of a recording: what each topic is, what the pipeline makes of it, and how to replay it."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path

from rich.console import Console

from autoglm_embodied.bag.bag import Bag
from autoglm_embodied.config import shipped
from autoglm_embodied.errors import BagError
from autoglm_embodied.ingest.sensor_input import STREAMS
from autoglm_embodied.kinematics import Robot
from autoglm_embodied.metrics import Report
from autoglm_embodied.replay.bag_replay import BagReplay
from autoglm_embodied.replay.inspection import TopicFacts, inspect, streams_of
from autoglm_embodied.tools.recording_settings import CAMERA, ROBOT, write_settings

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
