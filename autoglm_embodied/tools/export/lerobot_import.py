"""Episodes of a LeRobot dataset as recordings: each value at its own time, and nothing where there was none."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import cv2
import numpy as np

from autoglm_embodied.bag.message import BagMessage, message_definition, share_folders
from autoglm_embodied.bag.writer import BagWriter
from autoglm_embodied.config import shipped
from autoglm_embodied.errors import BagError, ConfigError
from autoglm_embodied.ingest.cdr import WrenchWriter, written
from autoglm_embodied.ingest.joint_states import JointStateWriter
from autoglm_embodied.ingest.sensor_input import COMPRESSED, STREAMS
from autoglm_embodied.kinematics import Robot
from autoglm_embodied.metrics import Report
from autoglm_embodied.replay.bag_replay import TARED
from autoglm_embodied.tools.export.lerobot_columns import AGE, AXES, GRIPPER, PRESENT, TIME, VELOCITY, WRENCH_AGE
from autoglm_embodied.tools.export.lerobot_dataset import Row
from autoglm_embodied.tools.export.lerobot_reader import LeRobotReader, Video
from autoglm_embodied.tools.export.lerobot_source import COLUMNS, NONE, Source, chosen_columns
from autoglm_embodied.types import MODALITIES, FloatArray, Intent

EPOCH_NS = 946_684_800 * 1_000_000_000  # 2000-01-01: datasets of others do not say when they were recorded
NS_PER_S = 1e9
PNG, GREY_16_BITS = b"\x89PNG", bytes((16, 0))  # of the header, at byte 24: bits, kind of colour
FORMATS = {"rgb": "rgb8; png compressed bgr8", "depth": "16UC1; png compressed"}


@dataclass(frozen=True)
class Import:
    """What is imported, and how; the names are those of the options of `autoglm import`."""

    folder: Path
    out: Path
    episodes: Sequence[int]  # all where it is empty
    chosen: Mapping[str, str]  # the column of each of COLUMNS that is named otherwise
    robot: Path | None
    camera: Path | None

    def run(self, report: Report) -> list[str]:
        """Write a recording for each episode; returns sentences about what the dataset does not hold.

        Raises:
            BagError: the dataset cannot be read.
            ConfigError: an option does not fit it, or there is something in the folder to write to.
        """
        reader = LeRobotReader(self.folder)
        strangers = [str(number) for number in self.episodes if number not in reader.episodes]
        if strangers:
            raise ConfigError(f"{self.folder} has episodes 0 to {max(reader.episodes)}, not {', '.join(strangers)}")
        if self.out.exists() and (not self.out.is_dir() or any(self.out.iterdir())):
            raise ConfigError(f"{self.out} is there and not empty; name a folder for --out that is not there yet")
        columns = chosen_columns(reader.columns, self.chosen)
        source = Source(reader, columns, Robot.from_file(self.robot or shipped("panda.yaml")), self.camera)
        rows = reader.rows(self.episodes or list(reader.episodes), source.needed)
        count = total = 0
        for number, own in groupby(rows, key=lambda row: int(row["episode_index"])):
            total += self._write(source, number, own)
            count += 1
        report.add("import.episodes", count, "episodes")
        report.add("import.rows", total, "rows")
        return source.said()

    def _write(self, source: Source, number: int, rows: Iterator[Row]) -> int:
        """Write an episode; returns its number of rows."""
        folders = share_folders()
        metadata = {TARED: "true"} if source.tared else {}
        path = self.out / f"episode_{number:06d}.mcap"
        writer = BagWriter(path, 0, metadata, lambda type_name: message_definition(type_name, folders))
        episode, count = Episode(source, number), 0
        try:
            for row in rows:
                for message in episode.messages(row):
                    writer.write(message)
                count += 1
        except BaseException:
            writer.abandon()
            raise
        finally:
            episode.close()
        writer.close()
        return count


class Episode:
    """The messages of an episode, row by row; a value that was not new is not said again.

    Args:
        source: the columns.
        number: of the episode.
    """

    def __init__(self, source: Source, number: int) -> None:
        self._source, self._number = source, number
        self._t_ns: int | None = None  # of the last row
        self._newest = dict.fromkeys((*COLUMNS, "voice"), 0)  # stamp of each
        self._task = ""
        self._wrench = WrenchWriter(source.wrench_frame)
        fingers = source.fingers if GRIPPER in source.names else []
        self._joints = JointStateWriter(
            source.base_frame, [*(n for n in source.names if n != GRIPPER or not fingers), *fingers]
        )
        name = source.columns.get("rgb", "")
        is_video = bool(name) and source.reader.columns[name]["dtype"] == "video"
        self._video: Video | None = source.reader.video(name, number) if is_video else None

    def messages(self, row: Row) -> Iterator[BagMessage]:
        """Those of a row, by their times of receipt: their stamps, but after those of the row before.

        Raises:
            BagError: a value cannot be used.
        """
        t_ns = int(row[TIME]) if TIME in row else EPOCH_NS + round(row["timestamp"] * NS_PER_S)
        if self._t_ns is not None and t_ns <= self._t_ns:
            raise BagError(
                f"episode {self._number} of {self._source.reader.folder} must go forward in time at every row"
            )
        ages_ns = dict(zip(MODALITIES, row.get(AGE) or [0] * len(MODALITIES), strict=True))
        present = dict(zip(MODALITIES, row.get(PRESENT) or [True] * len(MODALITIES), strict=True))
        stamps_ns = {name: t_ns - max(ages_ns[name], 0) for name in MODALITIES if present[name]}
        found = [*self._said(row, stamps_ns.get("language"), t_ns)]
        if "joints" in stamps_ns:
            found += self._joint_state(row, stamps_ns["joints"])
        if "force" in stamps_ns:
            found += self._wrenches(row, t_ns)
        if "vision" in stamps_ns:
            found += self._images(row, stamps_ns["vision"])
        before_ns = t_ns if self._t_ns is None else self._t_ns + 1
        self._t_ns = t_ns
        for stamp_ns, stream, data in sorted(found, key=lambda each: each[0]):
            kind = COMPRESSED if stream in FORMATS else STREAMS[stream].type_name
            yield BagMessage(f"/{STREAMS[stream].topic}", kind, data, min(max(stamp_ns, before_ns), t_ns), stamp_ns)

    def close(self) -> None:
        """Close what was opened."""
        if self._video is not None:
            self._video.close()

    def _is_new(self, stream: str, stamp_ns: int) -> bool:
        new = stamp_ns > self._newest[stream]
        self._newest[stream] = max(stamp_ns, self._newest[stream])
        return new

    def _said(self, row: Row, stamp_ns: int | None, t_ns: int) -> Iterator[tuple[int, str, bytes]]:
        """The task as it begins, or a cancellation where it ends."""
        task, at_ns = (row["task"], stamp_ns) if stamp_ns is not None else ("", t_ns)
        if task != self._task or (task and PRESENT in row and self._is_new("voice", at_ns)):
            self._task, self._newest["voice"] = task, at_ns
            intent = Intent.GRASP if task else Intent.CANCEL
            numbers = np.float32(1), np.int64(0), np.int64(0)
            yield at_ns, "voice", written(at_ns, "", np.uint8(intent.value), task, task, "", *numbers)

    def _numbers(self, row: Row, name: str) -> FloatArray | None:
        """A column's finite numbers, if it has them."""
        try:
            numbers = np.array(row.get(name), np.float64)
        except (TypeError, ValueError) as error:
            raise BagError(f"{name} of {self._source.reader.folder} must hold numbers: {error}") from error
        return numbers if numbers.ndim and np.isfinite(numbers).all() else None

    def _joint_state(self, row: Row, stamp_ns: int) -> Iterator[tuple[int, str, bytes]]:
        source = self._source
        position = self._numbers(row, source.columns.get("joints", ""))
        if position is None or not self._is_new("joints", stamp_ns):
            return
        if len(position) != len(source.names):
            raise BagError(f"{source.columns['joints']} must hold {len(source.names)} numbers, got {len(position)}")
        velocity = self._numbers(row, VELOCITY)
        if velocity is None or len(velocity) != len(position):
            velocity = np.full(len(position), np.nan)
        yield (
            stamp_ns,
            "joints",
            self._joints.write(stamp_ns, *(self._with_fingers(each) for each in (position, velocity))),
        )

    def _with_fingers(self, values: FloatArray) -> FloatArray:
        """Half of the gripper's width for each of two fingers, and the like."""
        names, fingers = self._source.names, len(self._source.fingers)
        if GRIPPER not in names or not fingers:
            return values
        place = names.index(GRIPPER)
        return np.append(np.delete(values, place), np.full(fingers, values[place] / fingers))

    def _wrenches(self, row: Row, t_ns: int) -> Iterator[tuple[int, str, bytes]]:
        """Those of the window that are new; of a window without stamps the newest, at the time of the row."""
        window = self._numbers(row, self._source.columns.get("wrench", ""))
        if window is None:
            return
        window = window.reshape(-1, len(AXES))
        ages_ns = np.array(row.get(WRENCH_AGE) or [0])
        self._source.interpolated += len(window) > 1 and int((ages_ns < 0).any() or len(ages_ns) < len(window))
        for age_ns, wrench in zip(ages_ns.tolist()[-len(window) :], window[-len(ages_ns) :], strict=True):
            if age_ns >= 0 and self._is_new("wrench", t_ns - age_ns):
                yield t_ns - age_ns, "wrench", self._wrench.write(t_ns - age_ns, wrench)

    def _images(self, row: Row, stamp_ns: int) -> Iterator[tuple[int, str, bytes]]:
        if not self._is_new("rgb", stamp_ns):
            return
        source = self._source
        if source.intrinsics is not None:
            yield stamp_ns, "camera_info", camera_info(stamp_ns, source.camera_frame, *source.intrinsics)
        for stream in FORMATS.keys() & source.columns.keys():
            image = self._encoded(stream, row)
            if stream == "depth" and not (image.startswith(PNG) and image[24:26] == GREY_16_BITS):
                raise BagError(
                    f"{source.columns['depth']} must hold PNG of one channel of 16 bits [mm]; leave it out with "
                    f"--column depth={NONE}"
                )
            yield stamp_ns, stream, written(stamp_ns, source.camera_frame, FORMATS[stream], image)

    def _encoded(self, stream: str, row: Row) -> bytes:
        if stream == "rgb" and self._video is not None:
            pixels = self._video.at(row["timestamp"])[..., ::-1]
            return bytes(cv2.imencode(".png", pixels, [cv2.IMWRITE_PNG_COMPRESSION, 1])[1])
        return self._source.reader.image(row.get(self._source.columns[stream]))


def camera_info(stamp_ns: int, frame_id: str, width: int, height: int, K: FloatArray) -> bytes:
    """The CameraInfo message of a pinhole camera.

    Args:
        stamp_ns: of its header.
        frame_id: of the camera's optical frame.
        width, height: of its images [px].
        K: (3, 3) intrinsics [px].
    """
    P = np.column_stack([K, np.zeros(3)])
    numbers = np.concatenate([K.ravel(), np.eye(3).ravel(), P.ravel()])
    size, roi = (np.uint32(height), np.uint32(width)), np.zeros(6, np.uint32)
    return written(stamp_ns, frame_id, *size, "plumb_bob", np.zeros(0), *numbers, *roi, np.bool_(False))
