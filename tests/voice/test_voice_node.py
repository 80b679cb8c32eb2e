"""voice_node as a process of its own, over real DDS, with a real microphone."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from autoglm_embodied.config import shipped
from autoglm_embodied.graph.domain import environment, private_domain
from autoglm_embodied.graph.processes import Process, Processes, leftover_processes, new_run_id
from autoglm_embodied.ros.diagnostics import Level
from autoglm_embodied.types import Intent
from autoglm_embodied.voice.answer import CommandSettings
from autoglm_embodied.voice.recogniser import RecogniserSettings
from autoglm_embodied.voice.recording import synthesise
from autoglm_embodied.voice.segmenter import SegmenterSettings
from autoglm_embodied.voice.sound_server import SoundServer
from autoglm_embodied.voice.speaker import FeedbackSettings
from autoglm_embodied.voice.stop_features import ENCODER_MISSING
from autoglm_embodied.voice.stop_spotter import StopSettings
from autoglm_embodied.voice.weights import TINY_EN, installed_folders

if TYPE_CHECKING:
    from autoglm_embodied.nodes.observer_node import Observer

pytestmark = pytest.mark.filterwarnings("ignore:module 'sre_:DeprecationWarning")  # of lark, which rclpy imports

MODULE = "autoglm_embodied.nodes.voice_node"
LIMIT_S = 60.0
TRIES = 3  # sound has gaps where the machine stands still while it is played


@dataclass
class Graph:
    """A private graph with one place for a voice node."""

    observer: Observer
    processes: Processes
    run_id: dict[str, str]

    def start(self, *arguments: str, sound: SoundServer | None = None, python_path: str = "") -> Process:
        parameters = ["--ros-args", "--params-file", str(shipped("voice.yaml")), *arguments]
        variables = dict(sound.environment) if sound else {}
        if python_path:
            variables["PYTHONPATH"] = os.pathsep.join((python_path, os.environ.get("PYTHONPATH", "")))
        return self.processes.start("voice_node", MODULE, *parameters, environment=variables)

    def is_listening(self) -> bool:
        return self.reports("listening")

    def reports(self, state: str) -> bool:
        def reported() -> bool:
            health = self.observer.recording.latest_status().get("voice_node")
            return health is not None and health.values.get("state") == state

        return self.observer.wait_for(lambda _: reported(), LIMIT_S, self.processes.check)

    def microphone_failures(self) -> int:
        return int(self.observer.recording.latest_status()["voice_node"].values["microphone_failures"])


@pytest.fixture
def graph(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Graph]:
    run_id = new_run_id()
    with ExitStack() as stack:
        domain, lock = stack.enter_context(private_domain())
        for name, value in environment(domain, run_id).items():
            monkeypatch.setenv(name, value)
        processes = Processes(tmp_path / "log", os.environ, [lock])
        stack.callback(processes.stop)
        from autoglm_embodied.nodes.observer_node import Observer

        yield Graph(stack.enter_context(Observer(domain)), processes, run_id)
    for name in run_id:
        monkeypatch.delenv(name)


@pytest.mark.slow
def test_a_spoken_sentence_arrives_as_a_command_and_the_node_ends_clean(graph: Graph, tmp_path: Path) -> None:
    from autoglm_embodied_interfaces.msg import FusionState
    from diagnostic_msgs.msg import DiagnosticStatus

    feedback: list[DiagnosticStatus] = []
    synthesise("grab the yellow sphere", tmp_path / "a.wav")
    synthesise("go faster", tmp_path / "refused.wav")
    synthesise("what are you doing", tmp_path / "question.wav")
    with SoundServer() as sound:
        view = graph.processes.start("view", "autoglm_embodied.tools.cli", "voice", "--robot")
        graph.start(sound=sound)
        assert graph.is_listening()
        subscription = graph.observer._node.create_subscription(DiagnosticStatus, "voice/feedback", feedback.append, 10)
        assert graph.observer.wait_for(
            lambda _: subscription.get_publisher_count() == 1, LIMIT_S, graph.processes.check
        )
        faster = answer_to(sound, tmp_path / "refused.wav", graph, feedback, DiagnosticStatus.ERROR)
        states = graph.observer._node.create_publisher(FusionState, "fusion/state", 10)
        states_timer = graph.observer._node.create_timer(
            0.05, lambda: states.publish(FusionState(instruction="home", phase="travel"))
        )
        question = answer_to(sound, tmp_path / "question.wav", graph, feedback, DiagnosticStatus.OK)
        states_timer.cancel()
        began_ns = time.time_ns()
        grasp = answer_to(sound, tmp_path / "a.wav", graph, feedback, DiagnosticStatus.OK)
        assert graph.observer.wait_for(lambda observed: bool(observed.commands), LIMIT_S, graph.processes.check)
        told_ns = time.time_ns()
        ended_view, ended = graph.processes.stop()
    at_most = "faster: 100% of the set speed is as fast as it goes; set actions.travel_m_s higher"
    assert (faster.level, faster.message) == (DiagnosticStatus.ERROR, at_most)
    at_x = "the object is at x 0.00, y 0.00, z 0.00 m in the base frame"
    assert (question.level, question.message) == (DiagnosticStatus.OK, f"home: travel; {at_x}")
    assert (grasp.level, grasp.message) == (DiagnosticStatus.OK, "pick up the yellow ball")
    said = {each.key: each.value for each in grasp.values}
    assert (said["outcome"], said["intent"], said["text"]) == ("understood", "GRASP", "grab the yellow sphere")
    (heard,) = graph.observer.recording.commands
    assert (heard.intent, heard.instruction) == (Intent.GRASP.value, "pick up the yellow ball")
    assert heard.latency_ns > 5e8
    assert began_ns < heard.stamp_ns < told_ns - heard.latency_ns, "it was said before it was understood"
    assert ended.clean and ended_view.clean
    told = [line.strip() for line in view.log.read_text().splitlines()]
    assert "governor  No governor tells its state on governor/state; start governor_node." in told
    assert [line for line in told if line.startswith("voice")][-1] == "voice  listening"
    you = [re.sub(r"\d\.\d+", "N", line) for line in told if line.startswith("you")]
    assert f"you  'go faster' (N) refused: {at_most}" in you
    assert you[-1] == "you  'grab the yellow sphere' (N) understood: pick up the yellow ball"
    assert not leftover_processes(graph.run_id)


def answer_to(sound: SoundServer, path: Path, graph: Graph, feedback: list[Any], level: bytes) -> Any:
    """What the node answers to a sentence, of this level."""
    for _ in range(TRIES):
        told = len(feedback)
        sound.play(path)
        graph.observer.wait_for(lambda _, told=told: len(feedback) > told, LIMIT_S, graph.processes.check)
        if feedback and feedback[-1].level == level:
            break
    return feedback[-1]


@pytest.mark.slow
def test_the_node_ends_clean_while_it_is_still_opening(graph: Graph) -> None:
    with SoundServer() as sound:
        process = graph.start(sound=sound)
        assert graph.observer.wait_for(lambda observed: "voice_node" in _nodes(graph), LIMIT_S, graph.processes.check)
        (ended,) = graph.processes.stop()
    assert ended.clean, process.last_log_line()


@pytest.mark.slow
def test_a_missing_speech_encoder_is_told_and_the_node_listens_without(graph: Graph, tmp_path: Path) -> None:
    (folder,) = installed_folders(TINY_EN)
    (tmp_path / folder.parent.name).mkdir()
    (tmp_path / folder.parent.name / "__init__.py").touch()
    with SoundServer() as sound:
        process = graph.start("-p", f"recogniser.weights:={folder}", sound=sound, python_path=str(tmp_path))
        assert graph.is_listening()
        graph.processes.stop()
    assert process.log.read_text().count(ENCODER_MISSING) == 1


@pytest.mark.slow
def test_a_machine_without_a_microphone_is_told_of_once_and_the_node_stays_active(graph: Graph) -> None:
    process = graph.start()
    view = graph.processes.start("view", "autoglm_embodied.tools.cli", "voice", "--robot")
    assert graph.reports("no microphone")
    status = graph.observer.recording.latest_status()["voice_node"]
    assert status.level == Level.ERROR and status.message.startswith("there is no microphone")
    assert "launch files with voice:=false" in status.values["cure"]
    tries = int(status.values["microphone_failures"])
    assert graph.observer.wait_for(lambda _: graph.microphone_failures() > tries, LIMIT_S, graph.processes.check)
    _, ended = graph.processes.stop()
    assert ended.clean
    told = [line for line in process.log.read_text().splitlines() if "microphone" in line]
    assert len(told) == 1 and "not even a stop; all else goes on" in told[0]
    assert "voice  there is no microphone; plug one in" in view.log.read_text()


@pytest.mark.slow
def test_a_microphone_that_comes_late_and_whose_sound_server_is_started_again_is_heard(
    graph: Graph, tmp_path: Path
) -> None:
    from diagnostic_msgs.msg import DiagnosticStatus

    feedback: list[DiagnosticStatus] = []
    synthesise("grab the yellow sphere", tmp_path / "a.wav")
    with SoundServer() as sound:
        sound.end()
        process = graph.start(sound=sound)
        graph.observer._node.create_subscription(DiagnosticStatus, "voice/feedback", feedback.append, 10)
        for _ in range(2):
            assert graph.reports("no microphone")
            sound.start()
            assert graph.is_listening()
            told = len(feedback)
            answer_to(sound, tmp_path / "a.wav", graph, feedback, DiagnosticStatus.OK)
            assert len(feedback) > told, "what was said is answered"
            sound.end()
        assert graph.reports("no microphone")
        (ended,) = graph.processes.stop()
    assert ended.clean
    log = process.log.read_text()
    assert log.count("not even a stop; all else goes on") == 3
    assert log.count("there is a microphone again") == 2


@pytest.mark.slow
@pytest.mark.parametrize(
    ("parameter", "sentence"),
    [
        ("command.least_confidence:=7.0", "must be from 0 to 1, got 7.0"),
        ("recogniser.language:=eo", "no commands are known in language 'eo'"),
        ("recogniser.model:=huge", "there is no speech model 'huge'; choose base, tiny.en"),
        ("recogniser.weights:=/nosuch", "cannot read the weights /nosuch/model.bin"),
    ],
)
def test_bad_parameters_end_the_node_with_one_sentence(
    refusal: Callable[..., str], monkeypatch: pytest.MonkeyPatch, parameter: str, sentence: str
) -> None:
    from autoglm_embodied.nodes import voice_node

    with SoundServer() as sound:
        for name, value in sound.environment.items():
            monkeypatch.setenv(name, value)
        said = refusal(voice_node.main, parameter)
    assert sentence in said and len(said.splitlines()) == 1


def test_the_shipped_settings_are_those_of_the_code() -> None:
    parameters = yaml.safe_load(shipped("voice.yaml").read_text())["/**/voice_node"]["ros__parameters"]
    assert RecogniserSettings(**parameters["recogniser"]) == RecogniserSettings()
    assert SegmenterSettings(**parameters["segmenter"]) == SegmenterSettings()
    assert CommandSettings(**parameters["command"]) == CommandSettings()
    assert StopSettings(**parameters["stop"]) == StopSettings()
    assert FeedbackSettings(**parameters["feedback"]) == FeedbackSettings()


def _nodes(graph: Graph) -> set[str]:
    return set(graph.observer.recording.latest_status())
