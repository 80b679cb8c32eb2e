"""voice_node: hears spoken commands and publishes each one once it is understood."""

from __future__ import annotations

import time
from functools import partial

from autoglm_embodied_interfaces.msg import VoiceCommand as VoiceCommandMessage
from rclpy.node import Node

from autoglm_embodied.ros.conversions import to_stamp
from autoglm_embodied.ros.diagnostics import Diagnostics, Health
from autoglm_embodied.ros.parameter_files import check_parameter_files
from autoglm_embodied.ros.parameters import parameter, settings
from autoglm_embodied.ros.qos import EVENTS
from autoglm_embodied.ros.run_node import run
from autoglm_embodied.voice.listener import CommandSettings, Listener, VoiceCommand
from autoglm_embodied.voice.microphone import Microphone
from autoglm_embodied.voice.recogniser import RecogniserSettings, WhisperRecogniser
from autoglm_embodied.voice.segmenter import SegmenterSettings

MESSAGE_FIELDS = ("text", "instruction", "language", "confidence", "speech_ns", "latency_ns")
REPORTED = (
    *("blocks", "lost_blocks", "level_dbfs", "utterances", "commands", "rejected"),
    *("dropped_utterances", "last_text"),
)


class VoiceNode(Node):
    """Publishes what the listener understands. It hears from the moment its diagnostics say "listening"."""

    def __init__(self) -> None:
        super().__init__("voice_node")
        device = parameter(self, "device", "")
        recogniser = settings(self, RecogniserSettings, "recogniser")
        segmenter = settings(self, SegmenterSettings, "segmenter")
        checks = settings(self, CommandSettings, "command")
        topic = parameter(self, "topics.voice", "voice/command")
        check_parameter_files(self)
        self._commands = self.create_publisher(VoiceCommandMessage, topic, EVENTS)
        self._listener = Listener(
            open_microphone=partial(Microphone, device),
            load_recogniser=partial(WhisperRecogniser, recogniser),
            on_command=self._publish,
            segmenter=segmenter,
            checks=checks,
        )
        self._diagnostics = Diagnostics(self, device or "default microphone", self._health)

    @property
    def ros(self) -> Node:
        """The node to spin."""
        return self

    @property
    def failure(self) -> Exception | None:
        """Why the listener gave up."""
        return self._listener.health.error

    def close(self) -> None:
        """End the listener's threads and give the microphone back."""
        self._listener.close()

    def _publish(self, command: VoiceCommand) -> None:
        # On the recogniser's thread, so that a stop does not wait for the executor.
        age_ns = time.monotonic_ns() - command.end_ns
        values = {name: getattr(command, name) for name in MESSAGE_FIELDS}
        message = VoiceCommandMessage(intent=command.intent.value, **values)
        message.header.stamp = to_stamp(self.get_clock().now().nanoseconds - age_ns)
        self._commands.publish(message)
        self.get_logger().info(f"{command.intent.name} heard in {command.text!r}")

    def _health(self) -> Health:
        health = self._listener.health
        well = health.state == "listening" and not health.lost_blocks
        return Health(well, health.state, {name: getattr(health, name) for name in REPORTED})


def main() -> int:
    """Run the node until a signal."""
    return run(VoiceNode)


if __name__ == "__main__":
    raise SystemExit(main())
