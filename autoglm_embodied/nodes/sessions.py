"""What messages are replayed into: the aligner alone, or all that a fusion node thinks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from autoglm_embodied_interfaces.msg import VoiceCommand

from autoglm_embodied.align.aligner import Aligner
from autoglm_embodied.align.thumbnails import Thumbnails
from autoglm_embodied.bag.even_ticks import Instant
from autoglm_embodied.errors import SensorError
from autoglm_embodied.nodes.intake import Sink
from autoglm_embodied.types import ActionChunk, Observation

if TYPE_CHECKING:
    from autoglm_embodied.conductor import Conductor
    from autoglm_embodied.pipeline import Pipeline


class Session(Protocol):
    """What is replayed into."""

    sink: Sink

    def hear(self, command: VoiceCommand, t_ns: int) -> None:
        """A spoken command."""
        ...

    def tick(self, instant: Instant) -> Observation:
        """What is observed at an instant."""
        ...


class AligningSession:
    """The aligner without a model: a frame is its thumbnail, and nobody acts."""

    def __init__(self, aligner: Aligner) -> None:
        self.sink: Sink = Thumbnails(aligner)
        self._aligner = aligner
        self._tared = False

    def hear(self, command: VoiceCommand, t_ns: int) -> None:
        """Keep in mind what is to be done."""
        if command.intent == VoiceCommand.GRASP:
            self._aligner.push_instruction(t_ns, command.instruction)
        elif command.intent in (VoiceCommand.STOP, VoiceCommand.CANCEL):
            self._aligner.clear_instruction()

    def tick(self, instant: Instant) -> Observation:
        """Tare as soon as that can be, as the fusion node does, and observe."""
        if not self._tared:
            try:
                self._aligner.tare(*instant)
                self._tared = True
            except SensorError:
                pass  # the arm moves or a sensor is silent: force stays masked
        return self._aligner.observe(*instant)


class ActingSession:
    """The pipeline with its model, and grasps as they were commanded by voice.

    Attributes:
        decisions: ticks in which the policy said what to do.
        commands: ticks in which the arm was then told to move.
        newest: the last of the decisions.
    """

    def __init__(self, pipeline: Pipeline, conductor: Conductor) -> None:
        self.sink: Sink = pipeline
        self.decisions = 0
        self.commands = 0
        self.newest: ActionChunk | None = None
        self._conductor = conductor
        self._begin: str | None = None
        self._end: str | None = None

    def hear(self, command: VoiceCommand, t_ns: int) -> None:
        """Begin or end a grasp with the next tick."""
        if command.intent == VoiceCommand.GRASP:
            self._begin, self._end = command.instruction, None
        elif command.intent in (VoiceCommand.STOP, VoiceCommand.CANCEL):
            self._begin, self._end = None, "Ended by voice."

    def tick(self, instant: Instant) -> Observation:
        """Observe, and decide what to do."""
        turn = self._conductor.turn(*instant, self._begin, self._end)
        self._begin = self._end = None
        self.newest = turn.tick.chunk or self.newest
        self.decisions += turn.tick.chunk is not None
        self.commands += turn.command is not None
        return turn.tick.observation
