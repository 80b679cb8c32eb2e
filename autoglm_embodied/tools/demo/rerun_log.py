"""The run as a Rerun recording: camera, wrench, gate weights, target, and the words; live in the viewer too."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TypeVar

import numpy as np
import rerun as rr

from autoglm_embodied.errors import SetupError
from autoglm_embodied.graph_recording import FusionTick, GraphRecording, Sample, arrays

T = TypeVar("T")
CLOCK = "ros_time"
WRENCH = ("force_x", "force_y", "force_z", "torque_x", "torque_y", "torque_z")


class RerunLog:
    """Logs what is new in a recording at each `update`; each sample once.

    Args:
        path: of the recording.
        view: whether to open the viewer and stream to it as well.
    """

    def __init__(self, path: Path, view: bool) -> None:
        self._stream = rr.RecordingStream("autoglm_embodied")
        sinks: list[rr.FileSink | rr.GrpcSink] = [rr.FileSink(str(path))]
        if view:
            _open_viewer()
            sinks.append(rr.GrpcSink())
        self._stream.set_sinks(*sinks)
        self._logged = GraphRecording()

    def update(self, recording: GraphRecording) -> None:
        """Log what came since the last update."""
        for image in _new(recording.images, self._logged.images):
            self._at(image.stamp_ns)
            self._stream.log("camera", rr.EncodedImage(contents=image.jpeg, media_type="image/jpeg"))
        for heard in _new(recording.commands, self._logged.commands):
            self._at(heard.recognised_ns)
            self._stream.log("voice", rr.TextLog(f"{heard.text} ({heard.confidence:.2f})"))
        for tick in _new(recording.ticks, self._logged.ticks):
            self._log_tick(tick)
        self._log_samples("wrench", _new(recording.wrench, self._logged.wrench), WRENCH)
        width = [(stamp_ns, values[-1:]) for stamp_ns, values in _new(recording.joints, self._logged.joints)]
        self._log_samples("gripper", width, ("width_m",))

    def close(self) -> None:
        """Write out what is buffered."""
        self._stream.flush()
        self._stream.disconnect()

    def _log_tick(self, tick: FusionTick) -> None:
        self._at(tick.stamp_ns)
        weights = dict(zip(tick.modality, tick.gate, strict=True)) if tick.gate else {}
        for name, present in zip(tick.modality, tick.present, strict=True):
            if present and name in weights:
                self._stream.log(f"gate/{name}", rr.Scalars(weights[name]))
        self._stream.log("fusion/tick_ms", rr.Scalars(tick.tick_ms))
        if tick.instruction:
            self._stream.log("fusion/phase", rr.TextLog(tick.outcome or tick.phase))
        if np.isfinite(tick.target_m).all():
            self._stream.log("target", rr.Points3D([tick.target_m], radii=0.02))

    def _log_samples(self, entity: str, samples: list[Sample], names: tuple[str, ...]) -> None:
        if not samples:
            return
        stamp_ns, values = arrays(samples)
        times = rr.TimeColumn(CLOCK, timestamp=stamp_ns.astype("datetime64[ns]"))
        for name, column in zip(names, values.T, strict=True):
            scalars = rr.Scalars.columns(scalars=np.ascontiguousarray(column))
            self._stream.send_columns(f"{entity}/{name}", indexes=[times], columns=scalars)

    def _at(self, stamp_ns: int) -> None:
        self._stream.set_time(CLOCK, timestamp=np.datetime64(stamp_ns, "ns"))


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
