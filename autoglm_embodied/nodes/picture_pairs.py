"""Colour and depth pictures, each from a topic of its own, paired by their stamps."""

from __future__ import annotations

from typing import NamedTuple

from autoglm_embodied.nodes.cdr import Picture, read_picture
from autoglm_embodied.nodes.meter import Meter
from autoglm_embodied.nodes.qos import FRAMES

MOST_UNPAIRED = FRAMES.depth  # after a delay all colour pictures that waited are taken before the first depth picture


class Pair(NamedTuple):
    """Two pictures of equal stamp, and when the later of them came."""

    rgb: Picture
    depth: Picture
    receive_ns: int


class PicturePairs:
    """Takes pictures one by one and counts all of them.

    Attributes:
        meters: what came of rgb and depth.
        paired: pictures that found each other.
    """

    def __init__(self, nominal_hz: float) -> None:
        self.meters = {"rgb": Meter(nominal_hz), "depth": Meter(nominal_hz)}
        self.paired = 0
        self._unpaired: dict[int, tuple[str, Picture]] = {}

    def take(self, stream: str, data: bytes, receive_ns: int) -> Pair | None:
        """Take a picture of rgb or depth; returns the pair that it completes.

        Raises:
            SensorError: it cannot be read.
        """
        picture = read_picture(data)
        self.meters[stream].count(picture.stamp_ns, receive_ns)
        other_stream, other = self._unpaired.pop(picture.stamp_ns, (stream, picture))
        if other_stream != stream:
            self.paired += 1
            return Pair(picture, other, receive_ns) if stream == "rgb" else Pair(other, picture, receive_ns)
        self._unpaired[picture.stamp_ns] = (stream, picture)
        if len(self._unpaired) > MOST_UNPAIRED:
            self._unpaired.pop(min(self._unpaired))
        return None
