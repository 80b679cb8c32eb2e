"""What a demo came to: its figures under their fixed names, and everything else worth keeping, as one JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from autoglm_embodied.errors import SensorError
from autoglm_embodied.graph.launch import GraphExit
from autoglm_embodied.graph_recording import FusionTick, GraphRecording, RecordedCommand, arrays
from autoglm_embodied.metrics import Report
from autoglm_embodied.tools.demo.timeline import Timeline
from autoglm_embodied.train.instructions import Named, described, matches
from autoglm_embodied.vocabulary import words

SENSORS = ("rgb", "depth", "wrench", "joints")
LOSSES = ("rgb", "depth", "wrench")
NOT_UP = "the run ended before it could be measured"


@dataclass(frozen=True)
class DemoScene:
    """Colour and shape of each object on the table, and an instruction that the simulator chose."""

    objects: tuple[Named, ...]
    instruction: str
    target: int | None  # index of the object that it means

    @classmethod
    def from_json(cls, text: str) -> DemoScene:
        """The scene out of the answer of `sim/reset`; SensorError if it is none."""
        try:
            answer = json.loads(text)
            objects = tuple((obj["colour"], _noun(obj["shape"])) for obj in answer["objects"])
            return cls(objects, str(answer["instruction"]), answer["target"])
        except (ValueError, KeyError, TypeError) as error:
            raise SensorError(f"the simulator must answer with a scene as JSON, got {text[:80]!r}") from error

    def __str__(self) -> str:
        return self.names(range(len(self.objects)))

    def names(self, indices: Sequence[int]) -> str:
        """Some of the objects in words, such as "red cube, blue ball"; "nothing" for none."""
        return ", ".join(self.each_name(indices)) or "nothing"

    def each_name(self, indices: Sequence[int]) -> list[str]:
        """Some of the objects in words, such as "red cube" and "blue ball"."""
        return [" ".join(self.objects[index]) for index in indices]

    def named_by(self, instruction: str) -> int | None:
        """Index of the one object that an instruction means; None where it fits none or several."""
        if words(instruction) == words(self.instruction):
            return self.target
        fitting = matches(described(instruction), self.objects)
        return fitting[0] if len(fitting) == 1 else None


def _noun(shape: str) -> str:
    """What people call a shape: nothing but an object, if it only has a number."""
    return "object" if shape.rpartition("/")[2].isdigit() else shape.rpartition("/")[2]


def held_objects(text: str) -> tuple[int, ...]:
    """Indices of the objects in the hand, out of the answer of `sim/judge`; SensorError if it is none."""
    try:
        return tuple(int(index) for index in json.loads(text)["held"])
    except (ValueError, KeyError, TypeError) as error:
        raise SensorError(f"the simulator must answer 'held' as JSON, got {text[:80]!r}") from error


@dataclass
class Course:
    """How a run went, filled while it runs; None is what did not come."""

    scene: DemoScene | None = None
    said: str | None = None  # None also where a recording or a person spoke
    heard: RecordedCommand | None = None
    end: FusionTick | None = None
    spoken_at: int = 0  # joint states observed by the end of the sentence
    over_at: int = 0  # and by the outcome
    in_hand: tuple[int, ...] | None = None  # the judge's word, after a grasp that claims to hold
    ended: GraphExit = field(default_factory=GraphExit)

    @property
    def held(self) -> bool:
        """Whether the judge found the one object that was named, and no other, in the hand."""
        sentence = self.said or (self.heard.instruction if self.heard else "")
        named = self.scene.named_by(sentence) if self.scene else None
        return named is not None and self.in_hand == (named,)


def report(course: Course, recording: GraphRecording, timeline: Timeline, seed: int, now_ns: int) -> Report:
    """The figures of a run that got as far as speaking, and its course in the details."""
    made = Report("autoglm demo", seed, timeline.start_ns)
    heard = course.heard.text if course.heard else None
    made.add("demo.held", course.held, "bool", case=course.said or heard)
    if course.said is None:
        made.skip("demo.heard_equals_said", "a recording or a person spoke: what was said is not known")
    else:
        understood = heard is not None and words(heard) == words(course.said)
        made.add("demo.heard_equals_said", understood, "bool", case=course.said)
    _add_rates(made, recording, timeline)
    _add_motion(made, course, recording)
    _add_seconds(made, timeline, now_ns)
    made.add("demo.survivors", len(course.ended.leftover), "processes")
    made.details = _details(course, recording, timeline)
    return made


def _add_rates(made: Report, recording: GraphRecording, timeline: Timeline) -> None:
    """What the fusion node received from the moment when all was ready, and lost since it started."""
    statuses = [status for status in recording.statuses if status.node == "fusion_node"]
    ready_s = timeline.at_s("ready")
    began_s = float("inf") if ready_s is None else ready_s
    since = [status for status in statuses if timeline.since_start_s(status.stamp_ns) >= began_s]
    for sensor in SENSORS:
        counts = [int(status.values.get(f"{sensor}_received", 0)) for status in since]
        if len(counts) > 1 and counts[-1] > counts[0]:
            elapsed_s = (since[-1].stamp_ns - since[0].stamp_ns) / 1e9
            count = counts[-1] - counts[0]
            made.add("demo.rate_hz", count / elapsed_s, "Hz", count, case=sensor)
        else:
            made.skip("demo.rate_hz", f"{sensor}: {NOT_UP}")
    if len(recording.ticks) > 1:
        elapsed_s = (recording.ticks[-1].stamp_ns - recording.ticks[0].stamp_ns) / 1e9
        made.add("demo.rate_hz", (len(recording.ticks) - 1) / elapsed_s, "Hz", len(recording.ticks), case="tick")
    else:
        made.skip("demo.rate_hz", f"tick: {NOT_UP}")
    for sensor in LOSSES:
        received = int(statuses[-1].values.get(f"{sensor}_received", 0)) if statuses else 0
        if received:
            made.add("demo.lost", float(statuses[-1].values[f"{sensor}_lost"]), "messages", received, case=sensor)
        else:
            made.skip("demo.lost", f"{sensor}: {NOT_UP}")


def _add_motion(made: Report, course: Course, recording: GraphRecording) -> None:
    """How far any joint went from where it was when the sentence was over, until the outcome; 0 if refused."""
    during = recording.joints[course.spoken_at : course.over_at]
    if not during:
        made.skip("demo.joint_motion_rad", NOT_UP)
        return
    _, joints = arrays(during)
    motion_rad = np.abs(joints[:, :-1] - joints[0, :-1]).max()
    made.add("demo.joint_motion_rad", motion_rad, "rad", len(joints), stat="max")


def _add_seconds(made: Report, timeline: Timeline, now_ns: int) -> None:
    moments = {"start": timeline.at_s("ready"), "heard": timeline.at_s("heard"), "grasped": timeline.at_s("held")}
    for stat, second in (moments | {"total": timeline.since_start_s(now_ns)}).items():
        if second is None:
            made.skip("demo.seconds", f"{stat}: it did not come to that")
        else:
            made.add("demo.seconds", second, "s", stat=stat)


def _details(course: Course, recording: GraphRecording, timeline: Timeline) -> dict[str, Any]:
    scene, end, heard, in_hand = course.scene, course.end, course.heard, course.in_hand
    return {
        "scene": scene.each_name(range(len(scene.objects))) if scene else None,
        "said": course.said,
        "heard": heard.text if heard else None,
        "understood": heard.instruction if heard else None,
        "recognised_in_s": round(heard.latency_ns / 1e9, 3) if heard else None,
        "outcome": end.outcome if end else None,
        "message": end.message if end else None,
        "tries": end.tries if end else None,
        "held_force_n": round(end.held_force_n, 3) if end else None,
        "held": scene.each_name(in_hand) if scene and in_hand is not None else None,
        "nodes": {name: dict(health.values) for name, health in recording.latest_status().items()},
        "timeline": [
            {"moment": moment.name, "seconds": round(timeline.since_start_s(moment.t_ns), 3), "text": moment.text}
            for moment in timeline.moments
        ],
        "processes": [asdict(each) | {"ended_by": each.ended_by and each.ended_by.name} for each in course.ended.exits],
        "survivors": course.ended.leftover,
    }
