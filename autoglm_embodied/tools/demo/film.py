"""The film of a run: the camera's image beside what was heard, the phase and the weight of each sense."""

from __future__ import annotations

import bisect
from collections.abc import Iterator
from fractions import Fraction
from io import BytesIO
from pathlib import Path

import av
import numpy as np
from matplotlib import get_data_path
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from autoglm_embodied.graph_recording import CompressedFrame, FusionTick, GraphRecording

PANEL_WIDTH = 320
MARGIN = 18
INK, DIM, PAPER, BAR, ABSENT = "#f5f5f5", "#90a4ae", "#1e272c", "#4fc3f7", "#546e7a"
TIME_BASE = Fraction(1, 1000)


def write_film(path: Path, recording: GraphRecording, start_ns: int) -> int:
    """Encode all images as H.264 at the times they were taken; returns how many there were."""
    first_ns = recording.images[0].stamp_ns
    width, height = Image.open(BytesIO(recording.images[0].jpeg)).size
    with av.open(str(path), "w", options={"movflags": "faststart"}) as container:
        stream = container.add_stream("libx264", rate=30, options={"preset": "veryfast", "crf": "24"})
        stream.width, stream.height, stream.pix_fmt = width + PANEL_WIDTH, height, "yuv420p"
        stream.time_base = stream.codec_context.time_base = TIME_BASE
        for image, shown in composed(recording, start_ns):
            frame = av.VideoFrame.from_ndarray(shown, format="rgb24")
            frame.pts, frame.time_base = (image.stamp_ns - first_ns) // 1_000_000, TIME_BASE
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return len(recording.images)


def composed(recording: GraphRecording, start_ns: int) -> Iterator[tuple[CompressedFrame, NDArray[np.uint8]]]:
    """Each image with its panel beside it, (height, width + PANEL_WIDTH, 3)."""
    stamps = [tick.stamp_ns for tick in recording.ticks]
    for image in recording.images:
        index = bisect.bisect_right(stamps, image.stamp_ns) - 1
        tick = recording.ticks[index] if index >= 0 else None
        heard = [command.text for command in recording.commands if command.recognised_ns <= image.stamp_ns]
        yield image, compose(image, tick, heard[-1] if heard else None, (image.stamp_ns - start_ns) / 1e9)


def compose(image: CompressedFrame, tick: FusionTick | None, heard: str | None, second: float) -> NDArray[np.uint8]:
    """One image with its panel beside it."""
    camera = Image.open(BytesIO(image.jpeg)).convert("RGB")
    canvas = Image.new("RGB", (camera.width + PANEL_WIDTH, camera.height), PAPER)
    canvas.paste(camera, (0, 0))
    panel = Panel(ImageDraw.Draw(canvas), camera.width + MARGIN, MARGIN)
    panel.line("heard", DIM, 13)
    panel.paragraph(f"“{heard}”" if heard else "…", INK, 20)
    if tick is not None and (tick.instruction or tick.outcome):
        panel.line("phase", DIM, 13)
        panel.line(tick.outcome.replace("_", " ") or tick.phase, INK, 24)
        if tick.gate:
            panel.line("weight of each sense", DIM, 13)
            for name, weight, present in zip(tick.modality, tick.gate, tick.present, strict=True):
                panel.bar(name, weight if present else None)
        panel.paragraph(tick.message, INK, 15)
    panel.draw.text((camera.width + MARGIN, camera.height - 34), f"{second:.1f} s", DIM, font(16))
    return np.asarray(canvas)


class Panel:
    """Writes downwards from a corner of a drawing."""

    def __init__(self, draw: ImageDraw.ImageDraw, x: int, y: int) -> None:
        self.draw = draw
        self._x, self._y = x, y
        self._width = PANEL_WIDTH - 2 * MARGIN

    def line(self, text: str, colour: str, size: int) -> None:
        """One line, the next below it."""
        self.draw.text((self._x, self._y), text, colour, font(size))
        self._y += round(1.5 * size)

    def paragraph(self, text: str, colour: str, size: int) -> None:
        """A text over as many lines as it needs, and a gap."""
        row = ""
        for word in text.split():
            if row and font(size).getlength(f"{row} {word}") > self._width:
                self.line(row, colour, size)
                row = ""
            row = f"{row} {word}".strip()
        self.line(row, colour, size)
        self._y += 12

    def bar(self, name: str, weight: float | None) -> None:
        """A named bar of `weight` 0..1; an absent sense (None) is named so and has no bar."""
        self.draw.text((self._x, self._y), name, INK if weight is not None else ABSENT, font(14))
        left, right = self._x + 84, self._x + self._width
        self.draw.rectangle((left, self._y + 3, right, self._y + 15), outline=ABSENT)
        if weight is None:
            self.draw.text((left + 6, self._y), "absent", ABSENT, font(12))
        else:
            self.draw.rectangle((left, self._y + 3, left + round((right - left) * weight), self._y + 15), fill=BAR)
        self._y += 26


def font(size: int) -> ImageFont.FreeTypeFont:
    """The sans-serif face that matplotlib brings along."""
    if size not in _FONTS:
        _FONTS[size] = ImageFont.truetype(f"{get_data_path()}/fonts/ttf/DejaVuSans.ttf", size)
    return _FONTS[size]


_FONTS: dict[int, ImageFont.FreeTypeFont] = {}
