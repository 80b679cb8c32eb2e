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
    from autoglm_embodied.policy.pipeline import Pipeline

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
    """The pipeline with its model, and grasps as they were commanded by voice.

    Args:
        pipeline: takes the sensors' data.
        controller: of that pipeline.

    Attributes:
        decisions: ticks in which the policy gave an action chunk.
        commands: ticks in which a command followed.
        newest: the last action chunk.
    """

    def __init__(self, pipeline: Pipeline, controller: GraspController) -> None:
        self.sink: SensorSink = pipeline
        self.decisions = 0
        self.commands = 0
        self.newest: ActionChunk | None = None
        self._controller = controller
        self._begin: str | None = None
        self._end: str | None = None

    def on_voice(self, command: SpokenCommand, t_ns: int) -> None:
        """Begin or end a grasp with the next tick."""
        if command.intent == Intent.GRASP:
            self._begin, self._end = command.instruction, None
        elif command.intent in (Intent.STOP, Intent.CANCEL):
            self._begin, self._end = None, "Ended by voice."

    def tick(self, instant: Instant) -> Observation:
        """Observe, and decide what to do."""
        step = self._controller.step(*instant, self._begin, self._end)
        self._begin = self._end = None
        self.newest = step.tick.chunk or self.newest
        self.decisions += step.tick.chunk is not None
        self.commands += step.command is not None
        return step.tick.observation
