"""voice_node: hears spoken commands and publishes each one once it is understood."""

from __future__ import annotations

import time
from functools import partial

from autoglm_embodied_interfaces.msg import VoiceCommand as VoiceCommandMessage
from rclpy.node import Node

from autoglm_embodied.ros.conversions import to_stamp
from autoglm_embodied.ros.diagnostics import Diagnostics, Health
from autoglm_embodied.ros.parameters import parameter, settings
from autoglm_embodied.ros.qos import EVENTS
from autoglm_embodied.ros.run_node import run
from autoglm_embodied.voice.listener import CommandSettings, Listener, VoiceCommand
from autoglm_embodied.voice.microphone import Microphone
from autoglm_embodied.voice.recogniser import RecogniserSettings, WhisperRecogniser
from autoglm_embodied.voice.segmenter import SegmenterSettings


class VoiceNode(Node):
    """Publishes what the listener understands. It hears from the moment its diagnostics say "listening"."""

    def __init__(self) -> None:
        super().__init__("voice_node")
        device = parameter(self, "device", "")
        recogniser = settings(self, RecogniserSettings, "recogniser")
        segmenter = settings(self, SegmenterSettings, "segmenter")
        checks = settings(self, CommandSettings, "command")
        topic = parameter(self, "topics.voice", "voice/command")
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
        message = VoiceCommandMessage(
            intent=command.intent.value,
            text=command.text,
            instruction=command.instruction,
            language=command.language,
            confidence=command.confidence,
            speech_ns=command.speech_ns,
            latency_ns=command.latency_ns,
        )
        message.header.stamp = to_stamp(self.get_clock().now().nanoseconds - age_ns)
        self._commands.publish(message)
        self.get_logger().info(f"{command.intent.name} heard in {command.text!r}")

    def _health(self) -> Health:
        health = self._listener.health
        return Health(
            well=health.state == "listening" and not health.lost_blocks,
            message=health.state,
            values={
                "blocks": health.blocks,
                "lost_blocks": health.lost_blocks,
                "level_dbfs": health.level_dbfs,
                "utterances": health.utterances,
                "commands": health.commands,
                "rejected": health.rejected,
                "dropped_utterances": health.dropped_utterances,
                "last_text": health.last_text,
            },
        )


def main() -> int:
    """Run the node until a signal."""
    return run(VoiceNode)


if __name__ == "__main__":
    raise SystemExit(main())
