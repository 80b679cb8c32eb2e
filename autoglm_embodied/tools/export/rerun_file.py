"""Recordings for the Rerun viewer: of a demo, live in the viewer too, and of what was recorded and is replayed."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

import cv2
import numpy as np
import rerun as rr
from numpy.typing import NDArray

from autoglm_embodied.align.aligner import Aligner
from autoglm_embodied.errors import SetupError
from autoglm_embodied.graph_recording import FusionTick, GraphRecording
from autoglm_embodied.ingest.cdr import SpokenCommand
from autoglm_embodied.replay.runners import AlignerRunner, Instant
from autoglm_embodied.types import MODALITIES, FloatArray, Frame, Observation

T = TypeVar("T")
CLOCK = "ros_time"
WRENCH = ("force_x", "force_y", "force_z", "torque_x", "torque_y", "torque_z")
ROWS_AT_ONCE = 1000
NS_PER_MS = 1e6


class Columns:
    """Numbers of one entity, sent many at a time.

    Args:
        stream: to send to.
        entity: its path in the viewer.
        names: of the numbers.
    """

    def __init__(self, stream: rr.RecordingStream, entity: str, names: tuple[str, ...]) -> None:
        self._stream, self._entity, self._names = stream, entity, names
        self._stamps_ns: list[int] = []
        self._values: list[FloatArray | Sequence[float]] = []

    def add(self, stamp_ns: int, values: FloatArray | Sequence[float]) -> None:
        """Take the numbers of one time; NaN where there is none."""
        self._stamps_ns.append(stamp_ns)
        self._values.append(values)
        if len(self._values) >= ROWS_AT_ONCE:
            self.send()

    def send(self) -> None:
        """Send what waits."""
        if not self._values:
            return
        stamps = np.array(self._stamps_ns, np.int64).astype("datetime64[ns]")
        for name, column in zip(self._names, np.array(self._values).T, strict=True):
            known: NDArray[np.bool_] = np.isfinite(column)
            if known.any():
                times, scalars = (
                    rr.TimeColumn(CLOCK, timestamp=stamps[known]),
                    rr.Scalars.columns(scalars=column[known]),
                )
                self._stream.send_columns(f"{self._entity}/{name}", indexes=[times], columns=scalars)
        self._stamps_ns, self._values = [], []


class RerunLog:
    """Logs what is new in a recording of a demo at each `update`: camera, wrench, gate weights, target and words.

    Args:
        path: of the .rrd file.
        view: whether to open the viewer and stream to it as well.
    """

    def __init__(self, path: Path, view: bool) -> None:
        sinks: list[rr.FileSink | rr.GrpcSink] = [rr.FileSink(str(path))]
        if view:
            _open_viewer()
            sinks.append(rr.GrpcSink())
        self._stream = _stream_to(*sinks)
        self._wrench = Columns(self._stream, "wrench", WRENCH)
        self._gripper = Columns(self._stream, "gripper", ("width_m",))
        self._logged = GraphRecording()

    def update(self, recording: GraphRecording) -> None:
        """Log what came since the last update, each sample once."""
        for image in _new(recording.images, self._logged.images):
            _at(self._stream, image.stamp_ns)
            self._stream.log("camera", rr.EncodedImage(contents=image.jpeg, media_type="image/jpeg"))
        for heard in _new(recording.commands, self._logged.commands):
            _at(self._stream, heard.recognised_ns)
            self._stream.log("voice", rr.TextLog(f"{heard.text} ({heard.confidence:.2f})"))
        for tick in _new(recording.ticks, self._logged.ticks):
            self._log_tick(tick)
        for stamp_ns, wrench in _new(recording.wrench, self._logged.wrench):
            self._wrench.add(stamp_ns, wrench)
        for stamp_ns, joints in _new(recording.joints, self._logged.joints):
            self._gripper.add(stamp_ns, joints[-1:])
        self._wrench.send()
        self._gripper.send()

    def close(self) -> None:
        """Write out what is buffered."""
        _end(self._stream)

    def _log_tick(self, tick: FusionTick) -> None:
        _at(self._stream, tick.stamp_ns)
        weights = dict(zip(tick.modality, tick.gate, strict=True)) if tick.gate else {}
        for name, present in zip(tick.modality, tick.present, strict=True):
            if present and name in weights:
                self._stream.log(f"gate/{name}", rr.Scalars(weights[name]))
        self._stream.log("fusion/tick_ms", rr.Scalars(tick.tick_ms))
        if tick.instruction:
            self._stream.log("fusion/phase", rr.TextLog(tick.outcome or tick.phase))
        if np.isfinite(tick.target_m).all():
            self._stream.log("target", rr.Points3D([tick.target_m], radii=0.02))


def _new(notes: list[T], logged: list[T]) -> list[T]:
    """The notes that are not logged yet; they count as logged from now on."""
    fresh = notes[len(logged) :]
    logged.extend(fresh)
    return fresh


def _open_viewer() -> None:
    if not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        raise SetupError("--view needs a display, and there is none; leave it out and open recording.rrd later")
    try:
        rr.spawn(connect=False)
    except RuntimeError as error:
        raise SetupError(f"the Rerun viewer did not open ({error}); leave --view out") from error


def _stream_to(*sinks: rr.FileSink | rr.GrpcSink) -> rr.RecordingStream:
    stream = rr.RecordingStream("autoglm_embodied")
    stream.set_sinks(*sinks)
    return stream


def _at(stream: rr.RecordingStream, stamp_ns: int) -> None:
    """Of what is logged next."""
    stream.set_time(CLOCK, timestamp=np.datetime64(stamp_ns, "ns"))


def _end(stream: rr.RecordingStream) -> None:
    stream.flush()
    stream.disconnect()


class RerunRunner(AlignerRunner):
    """Logs what the sensors gave, with their own stamps, and what each tick had of it.

    Args:
        aligner: see AlignerRunner.
        path: of the .rrd file.
        joint_names: of arm and fingers.
    """

    def __init__(self, aligner: Aligner, path: Path, joint_names: tuple[str, ...]) -> None:
        super().__init__(aligner)
        self._stream = _stream_to(rr.FileSink(str(path)))
        self._wrench = Columns(self._stream, "wrench", WRENCH)
        self._joints = Columns(self._stream, "joints", joint_names)
        self._present = Columns(self._stream, "present", MODALITIES)
        self._errors_ms = Columns(self._stream, "time_error_ms", MODALITIES)
        self.push_wrench, self.push_joints = self._take_wrench, self._take_joints

    def push_frame(self, frame: Frame, receive_ns: int) -> None:
        """See SensorSink."""
        super().push_frame(frame, receive_ns)
        _at(self._stream, frame.stamp_ns)
        _, jpeg = cv2.imencode(".jpg", frame.rgb[..., ::-1])
        self._stream.log("camera/color", rr.EncodedImage(contents=jpeg.tobytes(), media_type="image/jpeg"))
        self._stream.log("camera/depth", rr.DepthImage(np.ascontiguousarray(frame.depth_m), meter=1.0))

    def on_voice(self, command: SpokenCommand, t_ns: int) -> None:
        """See Runner."""
        super().on_voice(command, t_ns)
        _at(self._stream, t_ns)
        self._stream.log("voice", rr.TextLog(command.text or command.instruction))

    def tick(self, instant: Instant) -> Observation:
        """See Runner."""
        observation = super().tick(instant)
        senses = observation.senses()
        self._present.add(observation.t_ns, np.array([float(sense.present) for sense in senses]))
        errors_ms = [sense.time_error_ns / NS_PER_MS if sense.present else np.nan for sense in senses]
        self._errors_ms.add(observation.t_ns, np.array(errors_ms))
        return observation

    def close(self) -> None:
        """Write out what waits."""
        for columns in (self._wrench, self._joints, self._present, self._errors_ms):
            columns.send()
        _end(self._stream)

    def _take_wrench(self, stamp_ns: int, receive_ns: int, wrench: FloatArray) -> None:
        self.aligner.push_wrench(stamp_ns, receive_ns, wrench)
        self._wrench.add(stamp_ns, wrench)

    def _take_joints(self, stamp_ns: int, receive_ns: int, position: FloatArray, velocity: FloatArray) -> None:
        self.aligner.push_joints(stamp_ns, receive_ns, position, velocity)
        self._joints.add(stamp_ns, position)
