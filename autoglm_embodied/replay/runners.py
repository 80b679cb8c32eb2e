"""What a recording is replayed into: the aligner alone, or the pipeline with its policy."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple, Protocol

import numpy as np

from autoglm_embodied.align.aligner import Aligner
from autoglm_embodied.errors import SensorError
from autoglm_embodied.ingest.cdr import SpokenCommand
from autoglm_embodied.ingest.sensor_input import SensorSink
from autoglm_embodied.types import ActionChunk, FloatArray, Frame, Intent, Observation

if TYPE_CHECKING:
    from autoglm_embodied.policy.grasp_controller import GraspController
    from autoglm_embodied.safety.governor import GovernorLoop, Verdict

ROWS, COLUMNS, CHANNELS = 12, 16, 5


class Instant(NamedTuple):
    """A tick: on the clock of the header stamps, and on that of the receive times."""

    t_ns: int
    now_receive_ns: int


def thumbnail(frame: Frame) -> FloatArray:
    """Frame subsampled on an even grid, (ROWS * COLUMNS, CHANNELS) float32: red, green, blue, depth [m] or 0, known.

    The aligner takes it in place of visual tokens where there is no model. Known is 1 where there is a depth: between
    two frames both are interpolated, and their quotient is the depth.
    """
    rows = (np.arange(ROWS) + 0.5) * frame.camera.height / ROWS
    columns = (np.arange(COLUMNS) + 0.5) * frame.camera.width / COLUMNS
    grid = np.ix_(rows.astype(int), columns.astype(int))
    depth_m = np.nan_to_num(frame.depth_m[grid], nan=0.0, posinf=0.0, neginf=0.0)
    pixels = np.dstack([frame.rgb[grid] / np.float32(255), depth_m, depth_m > 0])
    return pixels.reshape(ROWS * COLUMNS, CHANNELS).astype(np.float32)


class Runner(Protocol):
    """What is replayed into."""

    sink: SensorSink
    aligner: Aligner

    def on_voice(self, command: SpokenCommand, t_ns: int) -> None:
        """Take a voice command, spoken at `t_ns` on the clock of the header stamps."""

    def tick(self, instant: Instant) -> Observation:
        """Do a tick; returns what is observed at that instant."""


class AlignerRunner:
    """The aligner without a model: a frame is its thumbnail, and there is no policy. It is its own sink."""

    def __init__(self, aligner: Aligner) -> None:
        self.sink: SensorSink = self
        self.push_wrench = aligner.push_wrench
        self.push_joints = aligner.push_joints
        self.aligner = aligner

    def push_frame(self, frame: Frame, receive_ns: int) -> None:
        """The frame's thumbnail, at the frame's time."""
        self.aligner.push_tokens(frame.stamp_ns, receive_ns, thumbnail(frame))

    def on_voice(self, command: SpokenCommand, t_ns: int) -> None:
        """See Runner: set or clear the instruction."""
        if command.intent == Intent.GRASP:
            self.aligner.push_instruction(t_ns, command.instruction)
        elif command.intent in (Intent.STOP, Intent.CANCEL):
            self.aligner.clear_instruction()

    def tick(self, instant: Instant) -> Observation:
        """Tare as soon as that can be, as the fusion node does, and observe."""
        if not self.aligner.tared:
            with suppress(SensorError):  # the arm moves or a sensor is silent: force stays masked
                self.aligner.tare(*instant)
        return self.aligner.observe(*instant)


class PolicyRunner:
    """The grasp controller and the governor behind it, with grasps and stops as they were commanded by voice.

    It takes the sensors' data itself, for both, and steps the governor once a tick.
    """

    def __init__(self, controller: GraspController, governor: GovernorLoop) -> None:
        self.sink: SensorSink = self
        self.decisions = 0  # ticks in which the policy gave an action chunk
        self.commands = 0  # ticks in which a command followed
        self.limited = 0  # ticks in which the governor changed that command
        self.newest: ActionChunk | None = None  # the last action chunk
        self.verdict: Verdict | None = None  # the governor's last
        self.aligner = controller.pipeline.aligner
        self._controller = controller
        self._governor = governor
        self._begin: str | None = None
        self._end: str | None = None

    def push_frame(self, frame: Frame, receive_ns: int) -> None:
        """See SensorSink."""
        self._controller.pipeline.push_frame(frame, receive_ns)

    def push_wrench(self, stamp_ns: int, receive_ns: int, wrench: FloatArray) -> None:
        """See SensorSink."""
        self._governor.push_wrench(receive_ns, wrench)
        self._controller.pipeline.push_wrench(stamp_ns, receive_ns, wrench)

    def push_joints(self, stamp_ns: int, receive_ns: int, position: FloatArray, velocity: FloatArray) -> None:
        """See SensorSink."""
        self._governor.push_joints(receive_ns, position)
        self._controller.pipeline.push_joints(stamp_ns, receive_ns, position, velocity)

    def on_voice(self, command: SpokenCommand, t_ns: int) -> None:
        """Begin or end a grasp with the next tick; a stop reaches the governor at once and refuses later grasps."""
        if command.intent == Intent.GRASP and not self._governor.governor.stopped:
            self._begin, self._end = command.instruction, None
        elif command.intent in (Intent.STOP, Intent.CANCEL):
            self._begin, self._end = None, "Ended by voice."
        if command.intent == Intent.STOP:
            self._governor.governor.stop()
        elif command.intent == Intent.RESUME:
            self._governor.governor.resume()

    def tick(self, instant: Instant) -> Observation:
        """Observe, and decide what to do."""
        step = self._controller.step(*instant, self._begin, self._end)
        self._begin = self._end = None
        self.newest = step.tick.chunk or self.newest
        self.decisions += step.tick.chunk is not None
        self._governor.push_command(instant[1], step.command)
        self.verdict = self._governor.step(instant[1])
        self.commands += step.command is not None
        self.limited += step.command is not None and bool(self.verdict.reasons)
        return step.tick.observation
