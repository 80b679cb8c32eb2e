"""The messages of Gazebo 11 that the tests read and write, defined by their field numbers."""

from __future__ import annotations

from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

PACKAGE = "gazebo.msgs"
FIELD = descriptor_pb2.FieldDescriptorProto
TYPES = {
    "double": FIELD.TYPE_DOUBLE,
    "int32": FIELD.TYPE_INT32,
    "uint32": FIELD.TYPE_UINT32,
    "uint64": FIELD.TYPE_UINT64,
    "bool": FIELD.TYPE_BOOL,
    "string": FIELD.TYPE_STRING,
    "bytes": FIELD.TYPE_BYTES,
}
MESSAGES: dict[str, dict[int, tuple[str, str]]] = {
    "Time": {1: ("sec", "int32"), 2: ("nsec", "int32")},
    "Packet": {1: ("stamp", "Time"), 2: ("type", "string"), 3: ("serialized_data", "bytes")},
    "Publish": {1: ("topic", "string"), 2: ("msg_type", "string"), 3: ("host", "string"), 4: ("port", "uint32")},
    "Publishers": {1: ("publisher", "Publish*")},
    "Subscribe": {
        1: ("topic", "string"),
        2: ("host", "string"),
        3: ("port", "uint32"),
        4: ("msg_type", "string"),
        5: ("latching", "bool"),
    },
    "Vector3d": {1: ("x", "double"), 2: ("y", "double"), 3: ("z", "double")},
    "Quaternion": {2: ("x", "double"), 3: ("y", "double"), 4: ("z", "double"), 5: ("w", "double")},
    "Pose": {1: ("name", "string"), 2: ("id", "uint32"), 3: ("position", "Vector3d"), 4: ("orientation", "Quaternion")},
    "PosesStamped": {1: ("time", "Time"), 2: ("pose", "Pose*")},
    "Contact": {1: ("collision1", "string"), 2: ("collision2", "string")},
    "Contacts": {1: ("contact", "Contact*"), 2: ("time", "Time")},
    "PosesTime": {1: ("time", "Time")},  # of PosesStamped, without decoding the rest
    "Wrench": {1: ("force", "Vector3d"), 2: ("torque", "Vector3d")},
    "WrenchStamped": {1: ("time", "Time"), 2: ("wrench", "Wrench")},
    "Image": {
        1: ("width", "uint32"),
        2: ("height", "uint32"),
        3: ("pixel_format", "uint32"),
        4: ("step", "uint32"),
        5: ("data", "bytes"),
    },
    "ImageStamped": {1: ("time", "Time"), 2: ("image", "Image")},
    "Factory": {1: ("sdf", "string")},
    "Request": {1: ("id", "int32"), 2: ("request", "string"), 3: ("data", "string")},
    # of Ignition Transport and its messages
    "Double": {2: ("data", "double")},
    "PID": {
        9: ("target_optional", "Double"),
        10: ("p_gain_optional", "Double"),
        11: ("i_gain_optional", "Double"),
        12: ("d_gain_optional", "Double"),
    },
    "JointCmd": {2: ("name", "string"), 5: ("position", "PID")},
    "Subscriber": {1: ("topic", "string")},
    "MessagePublisher": {1: ("ctrl", "string"), 2: ("msg_type", "string"), 4: ("msgs_per_sec", "uint64")},
    "Publisher": {
        1: ("topic", "string"),
        2: ("address", "string"),
        3: ("process_uuid", "string"),
        4: ("node_uuid", "string"),
        5: ("scope", "uint32"),
        6: ("msg_pub", "MessagePublisher"),
    },
    "Discovery": {
        2: ("version", "uint32"),
        3: ("process_uuid", "string"),
        4: ("type", "uint32"),
        6: ("sub", "Subscriber"),
        7: ("pub", "Publisher"),
    },
}
"""Name and type of each field; `*` marks those that repeat. Fields that no test needs are left out."""


def _classes() -> dict[str, Any]:
    file = descriptor_pb2.FileDescriptorProto(name="gazebo_tests.proto", package=PACKAGE, syntax="proto2")
    for name, fields in MESSAGES.items():
        message = file.message_type.add(name=name)
        for number, (field_name, kind) in fields.items():
            field = message.field.add(name=field_name, number=number, label=FIELD.LABEL_OPTIONAL)
            if kind.endswith("*"):
                field.label = FIELD.LABEL_REPEATED
            if kind.rstrip("*") in MESSAGES:
                field.type, field.type_name = FIELD.TYPE_MESSAGE, f".{PACKAGE}.{kind.rstrip('*')}"
            else:
                field.type = TYPES[kind]
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return {name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{PACKAGE}.{name}")) for name in MESSAGES}


_CLASSES = _classes()


def new(kind: str, /, **fields: Any) -> Any:
    """A message of this kind."""
    return _CLASSES[kind](**fields)


def parsed(name: str, data: bytes) -> Any:
    """A message out of its wire form."""
    return _CLASSES[name].FromString(data)


def stamp_ns(time: Any) -> int:
    """A Time message in nanoseconds."""
    return int(time.sec) * 10**9 + int(time.nsec)
