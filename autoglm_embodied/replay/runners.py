"""What a recording is replayed into: the aligner alone, or the pipeline with its policy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np

from autoglm_embodied.align.aligner import Aligner
from autoglm_embodied.errors import SensorError
from autoglm_embodied.ingest.cdr import SpokenCommand
from autoglm_embodied.ingest.sensor_input import SensorSink
from autoglm_embodied.replay.tick_schedule import Instant
from autoglm_embodied.types import ActionChunk, FloatArray, Frame, Intent, Observation

if TYPE_CHECKING:
    from autoglm_embodied.policy.grasp_controller import GraspController
    from autoglm_embodied.safety.governor import Verdict
    from autoglm_embodied.safety.governor_loop import GovernorLoop

ROWS, COLUMNS = 12, 16


def thumbnail(frame: Frame) -> FloatArray:
    """Frame subsampled on an even grid, (ROWS * COLUMNS, 4) float32: red, green, blue of 0 to 1 and depth [m] or 0.

    The aligner takes it in place of visual tokens where there is no model.
    """
    rows = (np.arange(ROWS) + 0.5) * frame.camera.height / ROWS
    columns = (np.arange(COLUMNS) + 0.5) * frame.camera.width / COLUMNS
    grid = np.ix_(rows.astype(int), columns.astype(int))
    depth_m = np.nan_to_num(frame.depth_m[grid], nan=0.0, posinf=0.0, neginf=0.0)
    pixels = np.dstack([frame.rgb[grid] / np.float32(255), depth_m])
    return pixels.reshape(ROWS * COLUMNS, 4).astype(np.float32)


class ThumbnailSink:
    """Pushes into an aligner what a pipeline would, with thumbnails in place of encoded frames."""

    def __init__(self, aligner: Aligner) -> None:
        self.push_wrench = aligner.push_wrench
        self.push_joints = aligner.push_joints
        self._aligner = aligner

    def push_frame(self, frame: Frame, receive_ns: int) -> None:
        """The frame's thumbnail, at the frame's time."""
        self._aligner.push_tokens(frame.stamp_ns, receive_ns, thumbnail(frame))


class Runner(Protocol):
    """What is replayed into."""

    sink: SensorSink

    def on_voice(self, command: SpokenCommand, t_ns: int) -> None:
        """Take a voice command.

        Args:
            command: what was understood.
            t_ns: when it was spoken, on the clock of the header stamps.
        """
        ...

    def tick(self, instant: Instant) -> Observation:
        """Do a tick; returns what is observed at that instant."""
        ...


class AlignerRunner:
    """The aligner without a model: a frame is its thumbnail, and there is no policy."""

    def __init__(self, aligner: Aligner) -> None:
        self.sink: SensorSink = ThumbnailSink(aligner)
        self._aligner = aligner
        self._tared = False

    def on_voice(self, command: SpokenCommand, t_ns: int) -> None:
        """Set or clear the instruction; `t_ns` is when it was spoken."""
        if command.intent == Intent.GRASP:
            self._aligner.push_instruction(t_ns, command.instruction)
        elif command.intent in (Intent.STOP, Intent.CANCEL):
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


class PolicyRunner:
    """The grasp controller and the governor behind it, with grasps and stops as they were commanded by voice.

    It takes the sensors' data itself, for both.

    Args:
        controller: of a pipeline.
        governor: stepped once a tick.

    Attributes:
        decisions: ticks in which the policy gave an action chunk.
        commands: ticks in which a command followed.
        limited: ticks in which the governor changed that command.
        newest: the last action chunk.
        verdict: the governor's last.
    """

    def __init__(self, controller: GraspController, governor: GovernorLoop) -> None:
        self.sink: SensorSink = self
        self.decisions = 0
        self.commands = 0
        self.limited = 0
        self.newest: ActionChunk | None = None
        self.verdict: Verdict | None = None
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
        """Begin or end a grasp with the next tick; a stop reaches the governor at once."""
        if command.intent == Intent.GRASP:
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
