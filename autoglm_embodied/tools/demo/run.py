"""The demo from start to end: bring up a robot, say a sentence, watch what it does, have it judged, report."""

from __future__ import annotations

import time
from collections.abc import Callable

from rich.console import Console

from autoglm_embodied.errors import SetupError
from autoglm_embodied.graph.launch import NODES, RunningGraph, not_ready_reasons, parameters, run_graph
from autoglm_embodied.graph_recording import FusionTick, GraphRecording
from autoglm_embodied.tools.demo.files import RECORDING, RESULT, write_files
from autoglm_embodied.tools.demo.request import DemoRequest
from autoglm_embodied.tools.demo.rerun_log import RerunLog
from autoglm_embodied.tools.demo.result import Course, report
from autoglm_embodied.tools.demo.scene import DemoScene, held_objects
from autoglm_embodied.tools.demo.timeline import Narrator, Timeline
from autoglm_embodied.voice.recording import synthesise

READY_LIMIT_S = 90.0
HEARD_LIMIT_S = 20.0
PERSON_LIMIT_S = 120.0  # with --mic: people take their time
GRASP_LIMIT_S = 60.0
SERVICE_LIMIT_S = 30.0

Meanwhile = Callable[[], None]


def run(request: DemoRequest, console: Console) -> int:
    """Run one demo. Returns 0 if the named object is held, 1 if it honestly is not.

    Raises:
        AutoGLMError: bad input, or a set-up that cannot work.
    """
    request.check()
    timeline, course = Timeline(time.time_ns, console), Course()
    # Before the graph, which ends every process started within it: a viewer stays open.
    log = RerunLog(request.out / RECORDING, request.view)
    with run_graph(_nodes(request), request.out / "log", not request.mic, course.ended) as graph:
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
    for line in (*_complaints(recording), _conclusion(course, recording, request)):
        console.print(line, soft_wrap=True, markup=False, highlight=False)
    return 0 if course.held else 1


def _nodes(request: DemoRequest) -> dict[str, list[str]]:
    """All nodes with their command line arguments."""
    own = {"checkpoint": request.checkpoint.resolve()} if request.checkpoint is not None else {}
    arguments = {"sim_node": parameters(seed=request.seed, count=request.objects), "fusion_node": parameters(**own)}
    return {name: arguments.get(name, []) for name in NODES}


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

    def heard(recording: GraphRecording) -> bool:
        narrator.follow(recording)
        return bool(recording.commands)

    if not graph.observer.wait_for(heard, PERSON_LIMIT_S if request.mic else HEARD_LIMIT_S, alive):
        return None
    graph.observer.wait_for(narrator.follow, GRASP_LIMIT_S, alive)
    return narrator.end


def _verdict(course: Course) -> str:
    held = course.scene.names(course.in_hand or ()) if course.scene else "nothing"
    return f"lifted and shaken, the hand holds {held}"


def _complaints(recording: GraphRecording) -> list[str]:
    """What the nodes say of themselves that is not well."""
    return [f"{name}: {health.message}" for name, health in recording.latest_status().items() if health.level > 0]


def _conclusion(course: Course, recording: GraphRecording, request: DemoRequest) -> str:
    if course.held:
        return f"Held. The film, the plot, the recording and the figures are in {request.out}/"
    if course.heard is None:
        voice = recording.latest_status().get("voice_node")
        text = voice.values.get("last_text", "") if voice else ""
        return f"Nothing was heard that asks for a grasp{f' (recognised: {text!r})' if text else ''}; say it again."
    if course.end is None:
        return f"The grasp had no outcome within {GRASP_LIMIT_S:.0f} s; see the logs in {request.out}/log."
    return course.end.message if course.in_hand is None else f"Not held: {_verdict(course)}."
