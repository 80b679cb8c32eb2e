"""A short recording whose measurements are functions of time, so that the time of a value is read off the value."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from autoglm_embodied_interfaces.msg import VoiceCommand
from observing import EPOCH_NS, MS, ROBOT
from rclpy.serialization import serialize_message
from replay_cases import READY_RAD, message
from sensor_msgs.msg import CameraInfo

from autoglm_embodied.bag.message import BagMessage
from autoglm_embodied.ingest.cdr import BEGIN, NS_PER_S, STAMP, WrenchWriter, read_stamp_ns
from autoglm_embodied.ingest.joint_states import JointStateWriter
from autoglm_embodied.replay.runners import CHANNELS, COLUMNS, ROWS
from autoglm_embodied.ros.conversions import image_message, to_stamp
from autoglm_embodied.types import FloatArray

LONG_MS, FAST_MS, FRAME_MS, LATE_NS = 1_200, 4, 66, 300_000
HEIGHT, WIDTH = 24, 32
JOINT_SLOPE, FORCE_SLOPE = 0.01, 2.0  # [rad/s], which is rest for a tare; [N/s]
RED, GREEN, LEVELS_PER_S = 40.0, 200.0, 100.0
DEPTH_MM, DEPTH_MM_PER_S, DEPTH_MM_PER_COLUMN = 500.0, 200.0, 3.0
COLUMN, ROW = np.meshgrid(np.arange(WIDTH), np.arange(HEIGHT))
BLUE = (4 * COLUMN + ROW).astype(np.uint8)
SEEN_COLUMNS = ((np.arange(COLUMNS) + 0.5) * WIDTH / COLUMNS).astype(int)
SEEN_ROWS = ((np.arange(ROWS) + 0.5) * HEIGHT / ROWS).astype(int)


def _wrench(t_s: float) -> FloatArray:
    return np.array([3.0 + FORCE_SLOPE * t_s, t_s**2 - 1.0, 5.0, 0.1, -0.1, 0.02 * t_s])


def _images(t_ns: int, t_s: float) -> list[tuple[str, bytes]]:
    red, green = (
        np.full_like(COLUMN, round(level)) for level in (RED + LEVELS_PER_S * t_s, GREEN - LEVELS_PER_S * t_s)
    )
    colour = np.dstack([red, green, BLUE]).astype(np.uint8)
    depth_mm = np.rint(DEPTH_MM + DEPTH_MM_PER_S * t_s + DEPTH_MM_PER_COLUMN * COLUMN).astype(np.uint16)
    pairs = (("rgb", colour, "rgb8"), ("depth", depth_mm, "16UC1"))
    return [(name, serialize_message(image_message(pixels, code, t_ns, "camera"))) for name, pixels, code in pairs]


def _timed() -> list[BagMessage]:
    wrenches = WrenchWriter(ROBOT.wrench_frame)
    states = JointStateWriter(ROBOT.base_frame, [*ROBOT.joint_names, *ROBOT.finger_joint_names])
    moving = np.eye(len(READY_RAD))[0]
    info = CameraInfo(width=WIDTH, height=HEIGHT, k=[30.0, 0.0, 16.0, 0.0, 30.0, 12.0, 0.0, 0.0, 1.0])
    found = []
    for k in range(LONG_MS):
        t_ns, t_s = EPOCH_NS + k * MS, k / 1000
        came = []
        if k % FAST_MS == 0:
            came.append(("wrench", wrenches.write(t_ns, _wrench(t_s))))
        if k % (2 * FAST_MS) == 0:
            came.append(("joints", states.write(t_ns, READY_RAD + JOINT_SLOPE * t_s * moving, JOINT_SLOPE * moving)))
        if k % FRAME_MS == 0:
            info.header.stamp = to_stamp(t_ns)
            came += [("camera_info", serialize_message(info)), *_images(t_ns, t_s)]
        if k == 40:
            command = VoiceCommand(intent=VoiceCommand.GRASP, instruction="pick up the red cube")
            command.header.stamp = to_stamp(t_ns)
            came.append(("voice", serialize_message(command)))
        found += [message(stream, data, t_ns + LATE_NS) for stream, data in came]
    return found


TIMED = _timed()
"""Wrenches at 250 Hz, joint states at 125 Hz, frames at 15 Hz and a command, all received 0.3 ms after their stamps."""


def later(message: BagMessage, by_ns: int) -> BagMessage:
    """Measured and received by so much later."""
    data = bytearray(message.data)
    STAMP.pack_into(data, BEGIN, *divmod(read_stamp_ns(message.data) + by_ns, NS_PER_S))
    return replace(message, data=bytes(data), receive_ns=message.receive_ns + by_ns)


def force_times_s(raw: FloatArray) -> FloatArray:
    """(R,) when each of the tared wrenches (R, 6) was measured: two of the axes tell it whatever was subtracted."""
    since_s = (raw[:, 0] - raw[-1, 0]) / FORCE_SLOPE
    sum_s = (raw[-1, 1] - raw[0, 1]) / -since_s[0] if since_s[0] else np.nan
    return np.asarray(since_s + (sum_s - since_s[0]) / 2)


def image_time_s(tokens: FloatArray) -> float | None:
    """When an image was taken; None if it is none of the recording's, as where channels or rows are exchanged."""
    levels = 255 * tokens.reshape(ROWS, COLUMNS, CHANNELS)
    red, green = levels[..., 0], levels[..., 1]
    off_blue = np.abs(levels[..., 2] - BLUE[np.ix_(SEEN_ROWS, SEEN_COLUMNS)]).max()
    times_s = (red.mean() - RED) / LEVELS_PER_S, (GREEN - green.mean()) / LEVELS_PER_S
    whole = max(off_blue, np.ptp(red), np.ptp(green)) < 1.1 and abs(times_s[0] - times_s[1]) < 0.03
    return float(times_s[0]) if whole else None


def depth_time_s(tokens: FloatArray) -> float:
    """When a depth image was taken, by the pixels that have depth; NaN if none has. Between two, by those of both."""
    depth_m, seen = np.moveaxis(tokens.reshape(ROWS, COLUMNS, CHANNELS)[..., 3:], -1, 0)
    known = (seen > 0) & (seen > seen.max() - 1e-3)
    if not known.any():
        return np.nan
    depth_mm = 1000 * depth_m[known] / seen[known] - (DEPTH_MM_PER_COLUMN * SEEN_COLUMNS + 0 * seen)[known]
    return float((np.median(depth_mm) - DEPTH_MM) / DEPTH_MM_PER_S)
