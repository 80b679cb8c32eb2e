"""Messages whose bytes are checked before ROS reads them.

Fast CDR 2 reads beyond the end of some malformed messages (one whose header announces more padding than it has bytes),
and takes the process with it: whoever can publish could end the governor so.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from importlib import import_module
from typing import Any

from rclpy.serialization import deserialize_message

from autoglm_embodied.errors import SensorError
from autoglm_embodied.ingest.cdr import (
    BEGIN,
    COUNT,
    MALFORMED,
    REPRESENTATION,
    STRING,
    Field,
    aligned,
    little_endian,
    unreadable,
)

SIZES = {
    **dict.fromkeys(("boolean", "octet", "byte", "char", "int8", "uint8"), 1),
    **dict.fromkeys(("int16", "uint16"), 2),
    **dict.fromkeys(("int32", "uint32", "float"), 4),
    **dict.fromkeys(("int64", "uint64", "double"), 8),
}
"""Bytes of the types of which messages are made, as rosidl calls them."""
SEQUENCE, ARRAY = re.compile(r"sequence<(.+?)(?:, \d+)?>"), re.compile(r"(.+)\[(\d+)\]")


def read_message(message_type: Any, data: bytes) -> Any:
    """The message that these bytes are in CDR; SensorError if they are none of its type."""
    fields = fields_of(message_type)
    try:
        plain = REPRESENTATION + little_endian(data, fields)[BEGIN:]
        _check(plain, fields, BEGIN)
        return deserialize_message(plain, message_type)
    except (*MALFORMED, RuntimeError) as error:
        raise unreadable(error) from error


def checked(
    message_type: Any, take: Callable[[Any], None], reject: Callable[[SensorError], None]
) -> Callable[[bytes], None]:
    """A callback of a raw subscription.

    Args:
        message_type: of its topic.
        take: takes each message; a SensorError is why it does not.
        reject: takes the error of one that cannot be read, or was not taken.
    """

    def take_bytes(data: bytes) -> None:
        try:
            take(read_message(message_type, data))
        except SensorError as error:
            reject(error)

    return take_bytes


@cache
def fields_of(message_type: Any) -> tuple[Field, ...]:
    """The fields of a type of messages, those of messages in it among them."""
    found: list[Field] = []
    for name in message_type.get_fields_and_field_types().values():
        found += _fields(name)
    return tuple(found)


def _fields(name: str) -> tuple[Field, ...]:
    if sequence := SEQUENCE.fullmatch(name):
        return (_fields(sequence[1]),)
    if array := ARRAY.fullmatch(name):
        return _fields(array[1]) * int(array[2])
    if name.startswith(STRING):
        return (STRING,)
    if name in SIZES:
        return (SIZES[name],)
    package, _, message = name.partition("/")
    return fields_of(getattr(import_module(f"{package}.msg"), message))


def _check(data: bytes, fields: tuple[Field, ...], offset: int) -> int:
    """Where these fields end; ValueError or struct.error if that is beyond the message."""
    for field in fields:
        if isinstance(field, int):
            offset = aligned(offset, field) + field
            continue
        (count,) = COUNT.unpack_from(data, aligned(offset, COUNT.size))
        offset = aligned(offset, COUNT.size) + COUNT.size
        if field == STRING:
            offset += count
        elif len(field) == 1 and isinstance(field[0], int):
            offset = aligned(offset, field[0]) + field[0] * count if count else offset
        else:
            for _ in range(count):
                offset = _check(data, field, offset)  # type: ignore[arg-type]
    if offset > len(data):
        raise ValueError(f"{offset} bytes are wanted, {len(data)} came")
    return offset
