"""The demo from start to end: bring up a robot, say a sentence, watch what it does, have it judged, report."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from autoglm_embodied.command_language.grammar import parse_command
from autoglm_embodied.config import shipped
from autoglm_embodied.errors import ConfigError, InstructionError, SetupError
from autoglm_embodied.graph.launch import NODES, RunningGraph, not_ready_reasons, parameters, run_graph
from autoglm_embodied.graph_recording import FusionTick, GraphRecording
from autoglm_embodied.tools.demo.files import RECORDING, RESULT, write_files
from autoglm_embodied.tools.demo.result import Course, DemoScene, held_objects, report
from autoglm_embodied.tools.demo.timeline import Narrator, Timeline
from autoglm_embodied.tools.export.rerun_file import RerunLog
from autoglm_embodied.types import Intent
from autoglm_embodied.voice.microphone import Microphone
from autoglm_embodied.voice.recording import read_wav, synthesise

MOST_OBJECTS, OBJECTS = 4, 3
PRIMITIVES = "primitives"  # the suite of which the shipped learned policy knows the objects
READY_LIMIT_S = 90.0
HEARD_LIMIT_S = 20.0
PERSON_LIMIT_S = 120.0  # with --mic: people take their time
GRASP_LIMIT_S, UNKNOWN_LIMIT_S = 60.0, 240.0  # of primitives, of unknown objects
SERVICE_LIMIT_S = 30.0

Meanwhile = Callable[[], None]


@dataclass(frozen=True)
class DemoRequest:
    """The sentence comes from one of `say`, `wav` and `mic`; without any it is chosen to fit the scene."""

    say: str | None
    wav: Path | None
    mic: bool
    suite: str
    seed: int
    objects: int | None  # None: as many as the suite has
    out: Path
    view: bool
    json: Path | None
    checkpoint: Path | None

    def check(self) -> None:
        """Refuse what cannot work, before anything is started, and make the folder for the results.

        Raises:
            ConfigError: a seed, a number of objects or a folder that cannot be used.
            InstructionError: the sentence is no command to pick something up.
            AudioError: the recording cannot be used, or there is no microphone that was asked for.
            CheckpointError: the checkpoint cannot be read.
        """
        if self.checkpoint is not None:
            if not self.primitives:
                raise ConfigError(
                    "--checkpoint is of the policy of primitives; add --suite primitives, or leave it out"
                )
            from autoglm_embodied.model.checkpoint import load  # seconds to import, which only this needs

            load(self.checkpoint)
        if self.seed < 0:
            raise ConfigError(f"--seed must be 0 or more, got {self.seed}")
        if self.objects is not None and not 1 <= self.objects <= MOST_OBJECTS:
            raise ConfigError(f"--objects must be 1 to {MOST_OBJECTS}, got {self.objects}")
        if self.say is not None:
            meaning = parse_command(self.say)
            if meaning is None or meaning.intent is not Intent.GRASP:
                example = 'say for example --say "pick up the red cube"'
                raise InstructionError(f"{self.say!r} is no command to pick something up; {example}")
        if self.wav is not None:
            read_wav(self.wav)
        if self.mic:
            Microphone().close()
        try:
            self.out.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigError(f"cannot make the folder {self.out} ({error.strerror}); choose another") from error

    @property
    def primitives(self) -> bool:
        """Whether the learned policy grasps; else it is `named`."""
        return self.suite == PRIMITIVES

    @property
    def grasp_limit_s(self) -> float:
        """For how long a grasp is waited for."""
        return GRASP_LIMIT_S if self.primitives else UNKNOWN_LIMIT_S

    def arguments(self) -> dict[str, list[str]]:
        """Of the nodes' command lines."""
        count = self.objects or (OBJECTS if self.primitives else 0)
        simulator = parameters(suite=self.suite, seed=self.seed, count=count)
        named = ["--ros-args", "--params-file", str(shipped("fusion_named.yaml"))]
        own = {} if self.checkpoint is None else {"checkpoint": self.checkpoint.resolve()}
        return {"sim_node": simulator, "fusion_node": parameters(**own) if self.primitives else named}


def run(request: DemoRequest, console: Console) -> int:
    """Run one demo. Returns 0 if the named object is held, 1 if it honestly is not.

    Raises:
        AutoGLMError: bad input, or a set-up that cannot work.
    """
    request.check()
    timeline, course = Timeline(time.time_ns, console), Course()
    # Before the graph, which ends every process started within it: a viewer stays open.
    log = RerunLog(request.out / RECORDING, request.view)
    nodes = dict.fromkeys(NODES, ()) | request.arguments()
    with run_graph(nodes, request.out / "log", not request.mic, course.ended) as graph:
        recording = graph.observer.recording
        alive = _watch(graph, log, request.view)
        _wait_until_ready(graph, alive)
        timeline.mark("ready", f"{len(NODES)} nodes, all sensors")
        course.scene = DemoScene.from_json(graph.observer.call("sim/reset", SERVICE_LIMIT_S, alive))
        timeline.mark("scene", str(course.scene))
        course.said = _speak(request, graph, course.scene, timeline)
        course.spoken_at = len(recording.joints)
        course.end = _follow(request, graph, Narrator(timeline), alive)
        course.over_at = len(recording.joints)
        course.heard = next(iter(recording.commands), None)
        if course.end is not None and course.end.outcome == "held":
            course.in_hand = held_objects(graph.observer.call("sim/judge", SERVICE_LIMIT_S, alive))
            timeline.mark("judged", _verdict(course))
    with console.status("writing the film, the plot and the recording"):
        log.update(recording)
        log.close()
        files = write_files(request.out, recording, timeline)
    made = report(course, recording, timeline, request.seed, time.time_ns())
    made.details["files"] = [*files, RESULT]
    for path in filter(None, (request.out / RESULT, request.json)):
        made.write_json(path, time.time_ns())
    made.print_table(console)
    status = recording.latest_status().items()
    complaints = [f"{name}: {health.message}" for name, health in status if health.level > 0]
    for line in (*complaints, conclusion(course, recording, request)):
        console.print(line, soft_wrap=True, markup=False, highlight=False)
    return 0 if course.held else 1


def _watch(graph: RunningGraph, log: RerunLog, view: bool) -> Meanwhile:
    """What is done a few times a second while waiting: notice a node that died, feed the viewer."""

    def meanwhile() -> None:
        graph.processes.check()
        if view:
            log.update(graph.observer.recording)

    return meanwhile


def _wait_until_ready(graph: RunningGraph, alive: Meanwhile) -> None:
    if not graph.observer.wait_for(lambda recording: not not_ready_reasons(recording, NODES), READY_LIMIT_S, alive):
        lacking = "; ".join(not_ready_reasons(graph.observer.recording, NODES))
        raise SetupError(
            f"not ready after {READY_LIMIT_S:.0f} s: {lacking}; see the logs in {graph.processes.log_dir} "
            "and run `autoglm doctor`"
        )


def _speak(request: DemoRequest, graph: RunningGraph, scene: DemoScene, timeline: Timeline) -> str | None:
    """Let the sentence be heard; returns its words where they are known."""
    if graph.sound is None:
        timeline.mark("listening", f"say a sentence, such as “{scene.instruction}”")
        return None
    if request.wav is not None:
        timeline.mark("said", f"the recording {request.wav}")
        graph.sound.play(request.wav)
        return None
    sentence = request.say or scene.instruction
    spoken = request.out / "said.wav"
    synthesise(sentence, spoken)
    timeline.mark("said", f"“{sentence}”")
    graph.sound.play(spoken)
    return sentence


def _follow(request: DemoRequest, graph: RunningGraph, narrator: Narrator, alive: Meanwhile) -> FusionTick | None:
    """Watch until the grasp has an outcome; None where nothing was heard that asks for one."""
    one_sentence, before = not request.mic and request.wav is None, _turned_down(graph.observer.recording)

    def answered(recording: GraphRecording) -> bool:
        narrator.follow(recording)
        return bool(recording.commands) or (one_sentence and _turned_down(recording) > before)

    graph.observer.wait_for(answered, PERSON_LIMIT_S if request.mic else HEARD_LIMIT_S, alive)
    heard = graph.observer.recording.commands
    if not heard or heard[0].intent != Intent.GRASP.value:
        return None
    graph.observer.wait_for(narrator.follow, request.grasp_limit_s, alive)
    return narrator.end


def _turned_down(recording: GraphRecording) -> int:
    """How many utterances voice_node took for no command."""
    voice = recording.latest_status().get("voice_node")
    return 0 if voice is None else sum(int(voice.values.get(name, 0)) for name in ("asked", "rejected"))


def _verdict(course: Course) -> str:
    held = course.scene.names(course.in_hand or ()) if course.scene else "nothing"
    return f"lifted and shaken, the hand holds {held}"


def conclusion(course: Course, recording: GraphRecording, request: DemoRequest) -> str:
    """What is said at the end of a run."""
    if course.held:
        return f"Held. The film, the plot, the recording and the figures are in {request.out}/"
    if course.heard is None:
        voice = recording.latest_status().get("voice_node")
        text = voice.values.get("last_text", "") if voice else ""
        return f"Nothing was heard that asks for a grasp{f' (recognised: {text!r})' if text else ''}; say it again."
    if course.heard.intent != Intent.GRASP.value:
        return f"{course.heard.text!r} was heard, which asks for no grasp; say it again."
    if course.end is None:
        return f"The grasp had no outcome within {request.grasp_limit_s:.0f} s; see the logs in {request.out}/log."
    return course.end.message if course.in_hand is None else f"Not held: {_verdict(course)}."
