"""A recording for the Rerun viewer: images, wrench, joints, words, and which senses each tick had."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import rerun as rr
from numpy.typing import NDArray

from autoglm_embodied.align.aligner import Aligner
from autoglm_embodied.ingest.cdr import SpokenCommand
from autoglm_embodied.replay.runners import AlignerRunner, Instant
from autoglm_embodied.types import MODALITIES, FloatArray, Frame, Observation

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
        self._values: list[FloatArray] = []

    def add(self, stamp_ns: int, values: FloatArray) -> None:
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


class RerunRunner(AlignerRunner):
    """Logs what the sensors gave, with their own stamps, and what each tick had of it.

    Args:
        aligner: see AlignerRunner.
        path: of the .rrd file.
        joint_names: of arm and fingers.
    """

    def __init__(self, aligner: Aligner, path: Path, joint_names: tuple[str, ...]) -> None:
        super().__init__(aligner)
        self._stream = rr.RecordingStream("autoglm_embodied")
        self._stream.set_sinks(rr.FileSink(str(path)))
        self._wrench = Columns(self._stream, "wrench", WRENCH)
        self._joints = Columns(self._stream, "joints", joint_names)
        self._present = Columns(self._stream, "present", MODALITIES)
        self._errors_ms = Columns(self._stream, "time_error_ms", MODALITIES)
        self.push_wrench, self.push_joints = self._take_wrench, self._take_joints

    def push_frame(self, frame: Frame, receive_ns: int) -> None:
        """See SensorSink."""
        super().push_frame(frame, receive_ns)
        self._at(frame.stamp_ns)
        _, jpeg = cv2.imencode(".jpg", frame.rgb[..., ::-1])
        self._stream.log("camera/color", rr.EncodedImage(contents=jpeg.tobytes(), media_type="image/jpeg"))
        self._stream.log("camera/depth", rr.DepthImage(np.ascontiguousarray(frame.depth_m), meter=1.0))

    def on_voice(self, command: SpokenCommand, t_ns: int) -> None:
        """See Runner."""
        super().on_voice(command, t_ns)
        self._at(t_ns)
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
        self._stream.flush()
        self._stream.disconnect()

    def _take_wrench(self, stamp_ns: int, receive_ns: int, wrench: FloatArray) -> None:
        self.aligner.push_wrench(stamp_ns, receive_ns, wrench)
        self._wrench.add(stamp_ns, wrench)

    def _take_joints(self, stamp_ns: int, receive_ns: int, position: FloatArray, velocity: FloatArray) -> None:
        self.aligner.push_joints(stamp_ns, receive_ns, position, velocity)
        self._joints.add(stamp_ns, position)

    def _at(self, stamp_ns: int) -> None:
        self._stream.set_time(CLOCK, timestamp=np.datetime64(stamp_ns, "ns"))
