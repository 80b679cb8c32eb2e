"""voice_node: hears spoken commands and publishes each one that the robot can carry out once it is understood."""

from __future__ import annotations

import time
from contextlib import ExitStack
from functools import partial

from autoglm_embodied_interfaces.msg import VoiceCommand as VoiceCommandMessage

from autoglm_embodied.ingest.sensor_input import STREAMS
from autoglm_embodied.ros.conversions import to_stamp
from autoglm_embodied.ros.diagnostics import Diagnostics, Item, Level, trouble_if
from autoglm_embodied.ros.managed_node import ACTIVE, ManagedNode, run_managed
from autoglm_embodied.ros.parameter_files import check_parameter_files
from autoglm_embodied.ros.parameters import parameter, settings, topic_parameter
from autoglm_embodied.ros.qos import EVENTS
from autoglm_embodied.types import CARRIED_OUT
from autoglm_embodied.voice.listener import CommandSettings, Listener, VoiceCommand
from autoglm_embodied.voice.microphone import Microphone
from autoglm_embodied.voice.recogniser import RecogniserSettings, WhisperRecogniser
from autoglm_embodied.voice.segmenter import SegmenterSettings
from autoglm_embodied.voice.stop_spotter import StopSettings

LISTENING = "listening"
MESSAGE_FIELDS = ("text", "instruction", "language", "confidence", "speech_ns", "latency_ns")
REPORTED = (
    *("blocks", "lost_blocks", "level_dbfs", "stops", "utterances", "commands", "rejected"),
    *("dropped_utterances", "last_text"),
)


class VoiceNode(ManagedNode):
    """Publishes what the listener understands. While active it hears, once its diagnostics say "listening"."""

    def __init__(self) -> None:
        super().__init__("voice_node")
        self._device = parameter(self, "device", "")
        self._recogniser = settings(self, RecogniserSettings, "recogniser")
        self._segmenter = settings(self, SegmenterSettings, "segmenter")
        self._checks = settings(self, CommandSettings, "command")
        self._stop_channel = settings(self, StopSettings, "stop")
        self._topic = topic_parameter(self, "voice", STREAMS["voice"].topic)
        check_parameter_files(self)
        self._listener: Listener | None = None
        self._lost_blocks = 0
        self._diagnostics = Diagnostics(self, self._device or "default microphone", self.items)

    @property
    def failure(self) -> Exception | None:
        """Why the listener gave up."""
        return None if self._listener is None else self._listener.health.error

    def configure(self, undo: ExitStack) -> None:
        """Create the publisher."""
        self._commands = self.create_publisher(VoiceCommandMessage, self._topic, EVENTS)
        undo.callback(self.destroy_publisher, self._commands)

    def activate(self, undo: ExitStack) -> None:
        """Open the microphone and load the recogniser, on the threads of the listener."""
        self._listener = Listener(
            open_microphone=partial(Microphone, self._device),
            load_recogniser=partial(WhisperRecogniser, self._recogniser),
            on_command=self._publish,
            segmenter=self._segmenter,
            checks=self._checks,
            stop=self._stop_channel,
        )
        undo.callback(self._listener.close)

    def _publish(self, command: VoiceCommand) -> None:
        # On the thread that heard it, so that a stop waits for neither the executor nor the recogniser.
        if command.intent not in CARRIED_OUT:
            said = f"{command.intent.name} {dict(command.slots)} understood in {command.text!r}"
            self.get_logger().warning(f"{said}; it is not carried out yet")
            return
        age_ns = time.monotonic_ns() - command.end_ns
        values = {name: getattr(command, name) for name in MESSAGE_FIELDS}
        message = VoiceCommandMessage(intent=command.intent.value, **values)
        message.header.stamp = to_stamp(self.get_clock().now().nanoseconds - age_ns)
        self._commands.publish(message)
        self.get_logger().info(f"{command.intent.name} heard in {command.text!r}")

    def items(self) -> list[Item]:
        """For the diagnostics."""
        if self.state != ACTIVE or self._listener is None:
            return [self.lifecycle_item()]
        health = self._listener.health
        values = {"state": health.state} | {name: getattr(health, name) for name in REPORTED}
        opening = "the microphone or the recogniser is not ready; wait some seconds"
        lost = f"{health.lost_blocks} blocks of sound lost; unload this machine"
        troubles = trouble_if(health.state != LISTENING, Level.STALE, opening)
        return [
            self.lifecycle_item(),
            Item("voice", values, troubles + trouble_if(self._lost_more(health.lost_blocks), Level.WARN, lost)),
        ]

    def _lost_more(self, blocks: int) -> bool:
        lost, self._lost_blocks = self._lost_blocks, blocks
        return blocks > lost


def main() -> int:
    """Run the node until a signal."""
    return run_managed(VoiceNode)


if __name__ == "__main__":
    raise SystemExit(main())
