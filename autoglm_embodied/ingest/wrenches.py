"""Wrenches as they come, alone or in batches, of the one frame that the robot's settings name."""

from __future__ import annotations

from collections.abc import Callable

from autoglm_embodied.errors import SensorError
from autoglm_embodied.ingest.cdr import read_wrench, read_wrench_batch
from autoglm_embodied.ingest.stream_health import Meter
from autoglm_embodied.types import FloatArray


class WrenchInput:
    """Reads messages, counts their samples and hands each on with its own stamp; what cannot be used is refused.

    A wrench in another frame would be felt in the wrong direction, so it is refused: there is no transform to turn it.

    Args:
        frame: in which wrenches must be.
        meter: counts the samples.
        push: takes a stamp [ns], a receive time [ns] and a wrench (6,) [N, N·m]; may raise SensorError.
        refuse: takes what was wrong.
    """

    def __init__(
        self,
        frame: str,
        meter: Meter,
        push: Callable[[int, int, FloatArray], None],
        reject: Callable[[SensorError], None],
    ) -> None:
        self._frame = frame
        self._meter = meter
        self._push = push
        self._reject = reject

    def take(self, data: bytes, receive_ns: int) -> None:
        """Take a WrenchStamped."""
        try:
            stamp_ns, frame, wrench = read_wrench(data)
            self._take(stamp_ns, receive_ns, frame, wrench)
        except SensorError as error:
            self._reject(error)

    def take_batch(self, data: bytes, receive_ns: int) -> None:
        """Take a WrenchBatch; a sample that cannot be used does not harm the others."""
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
