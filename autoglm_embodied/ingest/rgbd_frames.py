"""Colour and depth images, each from a topic of its own, paired by their stamps and joined to one RGB-D frame."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from autoglm_embodied.errors import SensorError
from autoglm_embodied.ingest.calibration import Calibration
from autoglm_embodied.ingest.cdr import RawImage, read_image
from autoglm_embodied.ingest.compressed_images import CompressedImage, decompressed, read_compressed_image
from autoglm_embodied.ingest.image_encodings import depth_array_m, rgb_array
from autoglm_embodied.ingest.point_clouds import PointCloud, read_point_cloud
from autoglm_embodied.ingest.registration import DepthCamera
from autoglm_embodied.ingest.stream_health import StreamMeter
from autoglm_embodied.types import Camera, FloatArray, Frame

MS, S = 1_000_000, 1_000_000_000
MAX_APART_NS = 5_000_000  # of the stamps of a pair: less than half a period at up to 90 Hz, so that it is unambiguous
TOGETHER_NS = 400_000_000  # between the receipts of a pair: what came further apart was not measured together
SEPARATE_NS = 20 * MS  # likewise, from which on they may be of different moments, if stamps are wrong
FEW_SEPARATE = 0.05  # of all pairs, which a machine that stands still for a moment may delay
FROZEN_AFTER_NS = 200 * MS  # a camera, by the time for which its images are the same
MAX_UNPAIRED = 30  # after a delay a second of colour images that waited are taken before the first depth image


ImageMessage = RawImage | CompressedImage | PointCloud
READERS: dict[str, Callable[[bytes], ImageMessage]] = {
    "sensor_msgs/msg/Image": read_image,
    "sensor_msgs/msg/CompressedImage": read_compressed_image,
    "sensor_msgs/msg/PointCloud2": read_point_cloud,
}
"""Of the messages, by their type, that colour or depth come in."""


class ImagePair(NamedTuple):
    """Two images of one moment, not decoded yet, and when the later of them came."""

    rgb: ImageMessage
    depth: ImageMessage
    receive_ns: int


def rgbd_frame(
    pair: ImagePair, calibration: Calibration | None, T_base_camera: FloatArray, depth_camera: DepthCamera
) -> Frame:
    """The frame of two images; its stamp is that of colour.

    Args:
        pair: of images.
        calibration: of the colour image; None until it came.
        T_base_camera: (4, 4) pose of the optical frame of colour.
        depth_camera: to which depth belongs where it is not aligned with colour.

    Raises:
        SensorError: there is no calibration yet, or not of this size; depth can neither be used as it is nor
            registered; or one of the images is damaged or not encoded as allowed.
    """
    if calibration is None:
        raise SensorError("images come but no camera_info; check that the camera driver publishes it")
    rgb, depth = _decoded(pair.rgb), _decoded(pair.depth)
    if isinstance(rgb, PointCloud):
        raise SensorError("colour must be an image, got a point cloud; name the topic of an image in topics.rgb")
    colour_pixels = rgb_array(rgb)
    if (calibration.width, calibration.height) != (rgb.width, rgb.height):
        raise SensorError(
            f"camera_info must be of the colour image's {rgb.width}x{rgb.height}, "
            f"got {calibration.width}x{calibration.height}; let the driver publish the one of this resolution"
        )
    if isinstance(depth, RawImage) and depth_camera.aligned(depth, rgb, calibration):
        depth_m = calibration.undistorted_depth(depth_array_m(depth))
    else:
        depth_m = depth_camera.registered_m(depth, rgb, calibration)
    camera = Camera(rgb.width, rgb.height, calibration.K, T_base_camera)
    return Frame(rgb.stamp_ns, calibration.undistorted(colour_pixels), depth_m, camera)


def _decoded(image: ImageMessage) -> RawImage | PointCloud:
    return decompressed(image) if isinstance(image, CompressedImage) else image


class RepeatedImages:
    """Notices images that come again to the last bit under other stamps, as those of a driver that hangs do.

    What a camera takes is never the same twice, for its noise: a repeated image shows nothing new.
    """

    def __init__(self, frozen_after_ns: int) -> None:
        """0: of a camera without noise, whose images may come again."""
        self._frozen_after_ns = frozen_after_ns
        self._newest: dict[str, tuple[memoryview, int]] = {}  # what differed from the one before, and when it came

    def has(self, pair: ImagePair) -> bool:
        """Whether colour or depth are those of the pair before.

        Raises:
            SensorError: it has been so for too long.
        """
        if not self._frozen_after_ns:
            return False
        images = {"colour": pair.rgb, "depth": pair.depth}
        same_ns = {name: self._unchanged_ns(name, image.data, pair.receive_ns) for name, image in images.items()}
        name = max(same_ns, key=same_ns.__getitem__)
        if same_ns[name] >= self._frozen_after_ns:
            raise SensorError(
                f"{name} is frozen, the same to the last bit for {same_ns[name] / S:.1f} s; restart the camera's "
                "driver, or set camera.frozen_after_ns to 0 for a camera without noise"
            )
        return same_ns[name] > 0

    def _unchanged_ns(self, name: str, data: memoryview, receive_ns: int) -> int:
        newest, since_ns = self._newest.get(name, (memoryview(b""), 0))
        if np.array_equal(np.frombuffer(data, np.uint8), np.frombuffer(newest, np.uint8)):
            return max(receive_ns - since_ns, 1)
        self._newest[name] = data, receive_ns
        return 0


class ImagePairer:
    """Pairs colour and depth of equal stamps, else of the nearest within MAX_APART_NS, and counts all of them."""

    def __init__(self, nominal_hz: float) -> None:
        self.meters = {"rgb": StreamMeter(nominal_hz), "depth": StreamMeter(nominal_hz)}
        self.paired = 0  # how many pairs were found
        self._paired_at_report = 0
        self._separate, self._farthest_ns = 0, 0  # pairs whose receipts were apart, and how far at most
        self._doubtful = 0  # of these since the report, those whose stamps differed
        self._apart_ns: int | None = None  # between the last image that found no partner and the nearest of the other
        self._unpaired: dict[int, tuple[str, ImageMessage, int]] = {}  # by stamp: stream, image, when it came

    def take(self, stream: str, data: bytes, receive_ns: int, type_name: str) -> ImagePair | None:
        """Take a message of the stream rgb or depth; returns the pair that it completes.

        Args:
            stream: rgb or depth.
            data: the message in CDR.
            receive_ns: when it came on the monotonic clock.
            type_name: its type, one of READERS.

        Raises:
            SensorError: it cannot be read, or the other image of its stamp came at quite another time.
        """
        image = READERS[type_name](data)
        self.meters[stream].count(image.stamp_ns, receive_ns)
        waiting = self._unpaired.pop(self._partner_ns(stream, image.stamp_ns), (stream, image, receive_ns))
        other_stream, other, other_receive_ns = waiting
        apart_ns = receive_ns - other_receive_ns
        if other_stream != stream and apart_ns <= TOGETHER_NS:
            self.paired += 1
            if apart_ns > SEPARATE_NS:
                self._separate, self._farthest_ns = self._separate + 1, max(self._farthest_ns, apart_ns)
                self._doubtful += other.stamp_ns != image.stamp_ns
            return ImagePair(image, other, receive_ns) if stream == "rgb" else ImagePair(other, image, receive_ns)
        self._unpaired[image.stamp_ns] = (stream, image, receive_ns)
        if len(self._unpaired) > MAX_UNPAIRED:
            self._unpaired.pop(next(iter(self._unpaired)))  # by when it came: a clock may have been set back
        if other_stream != stream:
            raise SensorError(
                f"{other_stream} with the stamp of this {stream} must come within {TOGETHER_NS / S:g} s of it, came "
                f"{apart_ns / S:.2g} s earlier; one of them is stamped by another clock: set that of its driver"
            )
        return None

    def problem_since_last(self) -> str:
        """A sentence if images came but since the last call of this none was paired, or most doubtfully; else empty."""
        paired, self._paired_at_report = self.paired - self._paired_at_report, self.paired
        doubtful, self._doubtful = self._doubtful, 0
        if doubtful > paired / 2:
            came = f"colour and depth whose stamps are nearly equal come up to {self._farthest_ns / MS:.0f} ms apart"
            return f"{came}: stamps of one may be wrong by a frame; let the driver synchronise them"
        if paired or not all(meter.received for meter in self.meters.values()):
            return ""
        apart = "" if self._apart_ns is None else f", lately {self._apart_ns / MS:.3g} ms"
        limit = f"never within {MAX_APART_NS / MS:.0f} ms of each other{apart}"
        return f"no frame: colour and depth are stamped {limit}; let the driver synchronise them"

    def delay(self) -> str:
        """A sentence if the images of some frames came apart, which by itself is no fault; else empty."""
        if self._separate <= FEW_SEPARATE * self.paired:
            return ""
        came = f"colour and depth of {self._separate} of {self.paired} frames came apart"
        most = f"by {self._farthest_ns / MS:.0f} ms at most"
        return (
            f"{came}, {most}: right if one of them takes so long to be made, else stamps are wrong and mix two moments"
        )

    def _partner_ns(self, stream: str, stamp_ns: int) -> int:
        """The stamp of the waiting image of the other stream that fits; `stamp_ns` itself if none does."""
        if stamp_ns in self._unpaired:
            return stamp_ns
        others = [other_ns for other_ns, (other, *_) in self._unpaired.items() if other != stream]
        nearest_ns = min(others, key=lambda other_ns: abs(other_ns - stamp_ns), default=stamp_ns)
        if others and abs(nearest_ns - stamp_ns) > MAX_APART_NS:
            self._apart_ns = abs(nearest_ns - stamp_ns)
            return stamp_ns
        return nearest_ns
