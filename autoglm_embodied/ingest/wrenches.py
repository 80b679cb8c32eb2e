"""Wrench messages: taken as they come, alone or in batches, in the one frame of the robot's settings; and written."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from autoglm_embodied.errors import SensorError
from autoglm_embodied.ingest.cdr import (
    BEGIN,
    DOUBLE,
    NS_PER_S,
    STAMP,
    WRENCH_BYTES,
    header,
    padded,
    read_wrench,
    read_wrench_batch,
)
from autoglm_embodied.ingest.stream_health import StreamMeter
from autoglm_embodied.types import FloatArray


class WrenchInput:
    """Reads messages, counts their samples and pushes each with its own stamp; what cannot be used is rejected.

    A wrench in another frame would be felt in the wrong direction, so it is rejected: no transform is known.

    Args:
        frame: in which wrenches must be.
        meter: counts the samples.
        push: takes a stamp [ns], a receive time [ns] and a wrench (6,) [N, N·m]; may raise SensorError.
        reject: takes what was wrong.
    """

    def __init__(
        self,
        frame: str,
        meter: StreamMeter,
        push: Callable[[int, int, FloatArray], None],
        reject: Callable[[SensorError], None],
    ) -> None:
        self._frame = frame
        self._meter = meter
        self._push = push
        self._reject = reject

    def take(self, data: bytes, receive_ns: int) -> None:
        """Take a message.

        Args:
            data: a WrenchStamped.
            receive_ns: when it came, on the monotonic clock.
        """
        try:
            stamp_ns, frame, wrench = read_wrench(data)
            self._take(stamp_ns, receive_ns, frame, wrench)
        except SensorError as error:
            self._reject(error)

    def take_batch(self, data: bytes, receive_ns: int) -> None:
        """Take a batch; a sample that cannot be used does not harm the others.

        Args:
            data: a WrenchBatch.
            receive_ns: when it came, on the monotonic clock.
        """
        try:
            stamps_ns, frame, wrenches = read_wrench_batch(data)
        except SensorError as error:
            self._reject(error)
            return
        for stamp_ns, wrench in zip(stamps_ns.tolist(), wrenches, strict=True):
            try:
                self._take(stamp_ns, receive_ns, frame, wrench)
            except SensorError as error:
                self._reject(error)

    def _take(self, stamp_ns: int, receive_ns: int, frame: str, wrench: FloatArray) -> None:
        self._meter.count(stamp_ns, receive_ns)
        if frame != self._frame:
            raise SensorError(
                f"a wrench must be in frame {self._frame!r}, got {frame!r} and no transform between them; "
                "let the driver publish it there, or name its frame as wrench_frame in the robot's file"
            )
        self._push(stamp_ns, receive_ns, wrench)


class WrenchWriter:
    """Fills one WrenchStamped again and again.

    Args:
        frame_id: of the header.
    """

    def __init__(self, frame_id: str) -> None:
        head = padded(header(frame_id), DOUBLE)
        self._data = bytearray(head + bytes(WRENCH_BYTES))
        self._wrench = slice(len(head), len(self._data))

    def write(self, t_ns: int, wrench: FloatArray) -> bytes:
        """The message of a sample.

        Args:
            t_ns: stamp.
            wrench: (6,) force then torque [N, N·m], in the frame of the header.
        """
        STAMP.pack_into(self._data, BEGIN, *divmod(t_ns, NS_PER_S))
        self._data[self._wrench] = np.ascontiguousarray(wrench, "<f8").tobytes()
        return bytes(self._data)
