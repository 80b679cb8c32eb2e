"""What a fault does to a stream: takes its messages in CDR one by one, and gives those to send instead, and when.

Every change begins anew for each trial: the functions here make one. Times are of the monotonic clock.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random

import numpy as np
from numpy.typing import NDArray

from autoglm_embodied.ingest.cdr import (
    BEGIN,
    COUNT,
    NS_PER_S,
    SIZE,
    STAMP,
    WRENCH_BYTES,
    RawImage,
    header,
    padded,
    read_image,
    read_stamp_ns,
)
from autoglm_embodied.ingest.joint_states import JointStateReader, JointStateWriter
from autoglm_embodied.types import FloatArray

Sent = list[tuple[int, bytes]]  # when to send a message, and the message
Change = Callable[[bytes, int], Sent]  # of a message that came at a time
NEVER_NS = 2**62  # what waits for it is sent when the fault clears


def silent(data: bytes, now_ns: int) -> Sent:
    """Nothing comes."""
    return []


def burst(data: bytes, now_ns: int) -> Sent:
    """Nothing comes until the fault clears, and then all of it."""
    return [(NEVER_NS, data)]


def late(delay_ns: int) -> Change:
    """Every message comes so much later."""
    return lambda data, now_ns: [(now_ns + delay_ns, data)]


def lossy(share: float) -> Change:
    """A share of the messages never comes."""
    random = Random(0)
    return lambda data, now_ns: [] if random.random() < share else [(now_ns, data)]


def frozen() -> Change:
    """The first message again and again, with the stamps of those that come."""
    first: bytes | None = None

    def change(data: bytes, now_ns: int) -> Sent:
        nonlocal first
        first = data if first is None else first
        return [(now_ns, stamped(first, read_stamp_ns(data)))]

    return change


def noisy(data: bytes, number: int) -> bytes:
    """An image with as little noise as there can be: one bit, which changes from each number to the next."""
    return data[:-1] + bytes([data[-1] ^ number % 2])


def shifted(shift_ns: int) -> Change:
    """Stamps of a clock that is set otherwise."""
    return lambda data, now_ns: [(now_ns, stamped(data, read_stamp_ns(data) + shift_ns))]


def backwards(rate: int) -> Change:
    """Stamps that go back from the first one, `rate` times as fast as time goes on; 0 repeats it."""
    first_ns: int | None = None

    def change(data: bytes, now_ns: int) -> Sent:
        nonlocal first_ns
        first_ns = read_stamp_ns(data) if first_ns is None else first_ns
        return [(now_ns, stamped(data, first_ns - rate * (read_stamp_ns(data) - first_ns)))]

    return change


def cut(share: float) -> Change:
    """Only the beginning of every message."""
    return lambda data, now_ns: [(now_ns, data[: int(share * len(data))])]


def noise() -> Change:
    """Random bytes of the same length, behind a representation that can be read."""
    random = np.random.default_rng(0)
    return lambda data, now_ns: [(now_ns, data[:BEGIN] + random.bytes(len(data) - BEGIN))]


def wrench(edit: Callable[[FloatArray], FloatArray]) -> Change:
    """Wrenches (6,) [N, N·m] edited."""

    def change(data: bytes, now_ns: int) -> Sent:
        edited = edit(np.frombuffer(data[-WRENCH_BYTES:], "<f8").copy())
        return [(now_ns, data[:-WRENCH_BYTES] + np.ascontiguousarray(edited, "<f8").tobytes())]

    return change


def joints(edit: Callable[[FloatArray], FloatArray], order: int = 1) -> Change:
    """Positions (n,) of joint states edited; all joints in the other order where that is -1."""
    reader = JointStateReader()

    def change(data: bytes, now_ns: int) -> Sent:
        stamp_ns, position, velocity = reader.read(data)
        writer = JointStateWriter("", reader.names[::order])
        return [(now_ns, writer.write(stamp_ns, edit(position)[::order], velocity[::order]))]

    return change


def image(edit: Callable[[RawImage], tuple[str, NDArray[np.generic]]]) -> Change:
    """Images of which `edit` gives another encoding, and pixels (height, ...)."""

    def change(data: bytes, now_ns: int) -> Sent:
        raw = read_image(data)
        return [(now_ns, written(raw, *edit(raw)))]

    return change


def written(raw: RawImage, encoding: str, pixels: NDArray[np.generic]) -> bytes:
    """The message of an image with another encoding and other pixels (height, ...)."""
    name = encoding.encode() + b"\0"
    head = padded(header(raw.frame), COUNT.size) + SIZE.pack(raw.height, raw.width) + COUNT.pack(len(name)) + name
    step = COUNT.pack(pixels.nbytes // max(len(pixels), 1))
    whole = padded(head + b"\0", COUNT.size) + step + COUNT.pack(pixels.nbytes) + pixels.tobytes()
    return stamped(whole, raw.stamp_ns)


def depth_nan(raw: RawImage) -> tuple[str, NDArray[np.generic]]:
    """An image of depth in which nothing is known."""
    return "32FC1", np.full((raw.height, raw.width), np.nan, np.float32)


def half(raw: RawImage) -> tuple[str, NDArray[np.generic]]:
    """The upper half of the rows of an image, which still says to have all."""
    rows = np.frombuffer(raw.data, np.uint8).reshape(raw.height, raw.step)
    return raw.encoding, rows[: raw.height // 2]


def unknown_encoding(raw: RawImage) -> tuple[str, NDArray[np.generic]]:
    """An image in an encoding that does not exist."""
    return "rgb9", np.frombuffer(raw.data, np.uint8).reshape(raw.height, raw.step)


def stamped(data: bytes, stamp_ns: int) -> bytes:
    """A message with another stamp, which cannot lie before the epoch."""
    copy = bytearray(data)
    STAMP.pack_into(copy, BEGIN, *divmod(max(stamp_ns, 0), NS_PER_S))
    return bytes(copy)
