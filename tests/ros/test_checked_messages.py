"""Bytes that are no message of their type are refused before ROS reads them, which would end the process on some."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from diagnostic_msgs.msg import DiagnosticStatus
from fuzzed_messages import changed, templates
from rclpy.serialization import serialize_message
from std_msgs.msg import Bool

from autoglm_embodied.errors import SensorError
from autoglm_embodied.ingest import cdr
from autoglm_embodied.ros.checked_messages import checked, fields_of, read_message

MESSAGES = {topic: message for topic, message in templates().items() if "camera" not in topic} | {"deadman": Bool()}


@pytest.mark.parametrize("topic", MESSAGES)
def test_what_is_well_formed_is_read_as_ros_does(topic: str) -> None:
    data = serialize_message(MESSAGES[topic])
    assert read_message(type(MESSAGES[topic]), data) == MESSAGES[topic]


@pytest.mark.parametrize("topic", MESSAGES)
def test_what_is_changed_is_refused_or_is_what_ros_reads(topic: str) -> None:
    kind, data = type(MESSAGES[topic]), serialize_message(MESSAGES[topic])
    read = 0
    for seed in range(2000):
        try:
            message = read_message(kind, changed(Random(seed), data))
        except SensorError as error:
            assert len(str(error).splitlines()) == 1
        else:
            read += isinstance(message, kind)
    assert 0 < read < 2000


def test_more_padding_than_there_are_bytes_which_may_end_a_process_in_fast_cdr_is_refused() -> None:
    rejected: list[Any] = []
    checked(DiagnosticStatus, rejected.append, rejected.append)(bytes.fromhex("0000c07f"))
    assert [type(each) for each in rejected] == [SensorError]


def test_the_fields_of_a_type_are_those_that_the_readers_without_ros_know() -> None:
    known = {
        "force_torque_sensor_broadcaster/wrench": cdr.WRENCH_FIELDS,
        "force_torque_sensor_broadcaster/wrench_batch": cdr.WRENCH_BATCH_FIELDS,
        "joint_states": cdr.JOINT_STATE_FIELDS,
        "camera/color/camera_info": cdr.CAMERA_INFO_FIELDS,
        "camera/depth/image_raw": cdr.IMAGE_FIELDS,
    }
    assert {topic: fields_of(type(templates()[topic])) for topic in known} == known
