"""voice_node: hears spoken commands, publishes those that the robot can carry out, and answers every utterance."""

from __future__ import annotations

import time
from contextlib import ExitStack
from functools import partial

from autoglm_embodied_interfaces.msg import FusionState
from autoglm_embodied_interfaces.msg import VoiceCommand as VoiceCommandMessage
from diagnostic_msgs.msg import DiagnosticStatus, KeyValue

from autoglm_embodied.ingest.sensor_input import STREAMS
from autoglm_embodied.policy.spoken import SpokenCommands
from autoglm_embodied.ros.checked_messages import checked
from autoglm_embodied.ros.conversions import to_stamp
from autoglm_embodied.ros.diagnostics import Diagnostics, Item, Level, Trouble, trouble_if
from autoglm_embodied.ros.managed_node import ACTIVE, ManagedNode, run_managed
from autoglm_embodied.ros.parameter_files import check_parameter_files
from autoglm_embodied.ros.parameters import parameter, settings, topic_parameter
from autoglm_embodied.ros.polled_subscription import PolledSubscription
from autoglm_embodied.ros.qos import COMMANDS, EVENTS
from autoglm_embodied.setting import About
from autoglm_embodied.voice.answer import Answer, CommandSettings, Outcome, VoiceCommand
from autoglm_embodied.voice.listener import Listener
from autoglm_embodied.voice.microphone import Microphone
from autoglm_embodied.voice.operator_view import RobotStatus
from autoglm_embodied.voice.recogniser import RecogniserSettings, WhisperRecogniser
from autoglm_embodied.voice.segmenter import SegmenterSettings
from autoglm_embodied.voice.speaker import FeedbackSettings, Speaker
from autoglm_embodied.voice.stop_features import ENCODER_MISSING
from autoglm_embodied.voice.stop_spotter import StopSettings

LISTENING = "listening"
TRIED_AGAIN = "until it is there nothing is heard, not even a stop; all else goes on"
STATE_WAIT_NS = 1_000_000_000  # for a tick of fusion_node; what waited before the question is of unknown age
MESSAGE_FIELDS = ("text", "instruction", "language", "confidence", "speech_ns", "latency_ns")
REPORTED = (
    *("blocks", "lost_blocks", "level_dbfs", "stops", "utterances", "commands", "asked", "rejected"),
    *("dropped_utterances", "last_text", "microphone_failures"),
)
FEEDBACK_LEVELS = {
    Outcome.UNDERSTOOD: DiagnosticStatus.OK,
    Outcome.ASKED: DiagnosticStatus.WARN,
    Outcome.REFUSED: DiagnosticStatus.ERROR,
}


class VoiceNode(ManagedNode):
    """Publishes what the listener understands. While active it hears, once its diagnostics say "listening".

    A microphone that is not there, or no more, is tried again for as long.
    """

    def __init__(self) -> None:
        super().__init__("voice_node")
        self._device = parameter(self, "device", "", About("microphone, by a part of its name; empty: the default one"))
        self._recogniser = settings(self, RecogniserSettings, "recogniser")
        self._segmenter = settings(self, SegmenterSettings, "segmenter")
        self._checks = settings(self, CommandSettings, "command")
        self._stop_channel = settings(self, StopSettings, "stop")
        self._feedback = settings(self, FeedbackSettings, "feedback")
        self._topic = topic_parameter(self, "voice", STREAMS["voice"].topic)
        self._feedback_topic = topic_parameter(self, "feedback", "voice/feedback")
        self._state_topic = topic_parameter(self, "state", "fusion/state")
        check_parameter_files(self)
        self._listener: Listener | None = None
        self._lost_blocks = 0
        self._deaf = False
        self._status: RobotStatus | None = None
        self._diagnostics = Diagnostics(self, self._device or "default microphone", self.items)

    @property
    def failure(self) -> Exception | None:
        """Why the listener gave up."""
        return None if self._listener is None else self._listener.health.error

    def configure(self, undo: ExitStack) -> None:
        """Create the publishers, and the subscription that is read where somebody asks what the robot does."""
        self._commands = self.create_publisher(VoiceCommandMessage, self._topic, EVENTS)
        undo.callback(self.destroy_publisher, self._commands)
        self._answers = self.create_publisher(DiagnosticStatus, self._feedback_topic, EVENTS)
        undo.callback(self.destroy_publisher, self._answers)
        take = checked(FusionState, self._on_state, self.reject)
        self._states = PolledSubscription(self, FusionState, self._state_topic, take, COMMANDS, raw=True)
        undo.callback(self._states.destroy)

    def activate(self, undo: ExitStack) -> None:
        """Open the microphone and load the recogniser, on the threads of the listener."""
        if self._stop_channel.lacks_encoder:
            self.get_logger().warning(ENCODER_MISSING)
        self._spoken = SpokenCommands(self._tell_status)
        self._speaker = Speaker(self._feedback)
        undo.callback(self._speaker.close)
        self._listener = Listener(
            open_microphone=partial(Microphone, self._device),
            load_recogniser=partial(WhisperRecogniser, self._recogniser),
            on_answer=self._answer,
            segmenter=self._segmenter,
            checks=self._checks,
            stop=self._stop_channel,
            hears_itself=self._speaker.is_heard,
            waits_for_microphone=True,
        )
        undo.callback(self._listener.close)

    def _answer(self, answer: Answer) -> None:
        # On the thread that heard it, so that a stop waits for neither the executor nor the recogniser.
        answer, carried_out = self._spoken.reply(answer)
        if carried_out is not None:
            self._publish(carried_out)
        command = answer.command
        said = {"outcome": answer.outcome.value}
        if command is not None:
            said |= {"text": command.text, "intent": command.intent.name, "confidence": f"{command.confidence:.2f}"}
        values = [KeyValue(key=key, value=value) for key, value in said.items()]
        level = FEEDBACK_LEVELS[answer.outcome]
        self._answers.publish(DiagnosticStatus(level=level, name="voice", message=answer.sentence, values=values))
        self._speaker.tell(answer)
        self.get_logger().info(f"{answer.outcome.value}: {answer.sentence}")

    def _on_state(self, state: FusionState) -> None:
        absent = [name for name, present in zip(state.modality, state.present, strict=False) if not present]
        target_m = (state.target.x, state.target.y, state.target.z)
        self._status = RobotStatus(state.instruction, state.phase, state.outcome, state.message, absent, target_m)

    def _tell_status(self) -> str:
        # On the recogniser's thread, which may wait.
        self._states.poll()
        self._status = None
        self._states.wait(STATE_WAIT_NS)
        self._states.poll()
        return "" if self._status is None else self._status.sentence()

    def _publish(self, command: VoiceCommand) -> None:
        age_ns = time.monotonic_ns() - command.end_ns
        values = {name: getattr(command, name) for name in MESSAGE_FIELDS}
        message = VoiceCommandMessage(intent=command.intent.value, **values)
        message.slot, message.slot_value = list(command.slots), list(command.slots.values())
        message.header.stamp = to_stamp(self.get_clock().now().nanoseconds - age_ns)
        self._commands.publish(message)

    def items(self) -> list[Item]:
        """For the diagnostics."""
        if self.state != ACTIVE or self._listener is None:
            return [self.lifecycle_item()]
        health = self._listener.health
        self._log_microphone(health.microphone)
        values = {"state": health.state} | {name: getattr(health, name) for name in REPORTED}
        opening = "the microphone or the recogniser is not ready; wait some seconds"
        lost = f"{health.lost_blocks} blocks of sound lost; unload this machine"
        if health.microphone:
            troubles = [Trouble(Level.ERROR, health.microphone)]
        else:
            troubles = trouble_if(health.state != LISTENING, Level.STALE, opening)
        troubles += trouble_if(self._lost_more(health.lost_blocks), Level.WARN, lost)
        return [self.lifecycle_item(), Item("voice", values, troubles)]

    def _log_microphone(self, missing: str) -> None:
        """Once where it is missed, whatever the tries that follow say, and once where it is back."""
        if missing and not self._deaf:
            self.get_logger().warning(f"{missing}; {TRIED_AGAIN}")
        elif self._deaf and not missing:
            self.get_logger().info("there is a microphone again")
        self._deaf = bool(missing)

    def _lost_more(self, blocks: int) -> bool:
        lost, self._lost_blocks = self._lost_blocks, blocks
        return blocks > lost


def main() -> int:
    """Run the node until a signal."""
    return run_managed(VoiceNode)


if __name__ == "__main__":
    raise SystemExit(main())
