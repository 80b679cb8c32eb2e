"""One recorded message, as it came over the wire."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class BagMessage:
    """The bytes of a message and when it came.

    Attributes:
        topic: its full name.
        type_name: such as sensor_msgs/msg/Image.
        data: plain CDR, the 4 bytes of the byte order included.
        receive_ns: on the recorder's monotonic clock; in a bag that this package did not write, on its wall clock.
        publish_ns: the header stamp, or what comes nearest to it.
    """

    topic: str
    type_name: str
    data: bytes
    receive_ns: int
    publish_ns: int
