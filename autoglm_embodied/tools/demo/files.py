"""The film, the image and the plot of a run, made after it: nothing is encoded while the arm works.

The film shows the camera's image beside what was heard, the phase and the weight of each sense; the plot the wrench
with the phases of the grasp marked.
"""

from __future__ import annotations

import bisect
from collections.abc import Iterator, Sequence
from fractions import Fraction
from functools import cache
from io import BytesIO
from pathlib import Path

import av
import numpy as np
from matplotlib import get_data_path
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from autoglm_embodied.graph_recording import CompressedFrame, FusionTick, GraphRecording, Span, arrays, phase_spans
from autoglm_embodied.tools.demo.timeline import Moment, Timeline

FILM, IMAGE, PLOT, RECORDING, RESULT = "demo.mp4", "image.png", "wrench.png", "recording.rrd", "result.json"
PANEL_WIDTH = 320
MARGIN = 18
INK, DIM, PAPER, BAR, ABSENT = "#f5f5f5", "#90a4ae", "#1e272c", "#4fc3f7", "#546e7a"
TIME_BASE = Fraction(1, 1000)

JUDGING = "shaken by the judge"
PHASE_COLOURS = {
    "idle": "#eceff1",
    "reach": "#bbdefb",
    "descend": "#c8e6c9",
    "close": "#ffe0b2",
    "lift": "#f8bbd0",
    "hold": "#d1c4e9",
    JUDGING: "#d7ccc8",
}
MARKED = ("heard", "seen", "contact", "held", "not held", "refused")
BEFORE_S = 1.0  # shown before the sentence was heard
TARE_S = 0.5
LIFTED_S = 2.0  # after the last lift began, the object is seen to hang in the hand


def write_files(out: Path, recording: GraphRecording, timeline: Timeline) -> list[str]:
    """Write what there is material for; returns the names of the files."""
    written = [RECORDING]
    if recording.images:
        write_film(out / FILM, recording, timeline.start_ns)
        _write_image(out / IMAGE, recording, timeline)
        written += [FILM, IMAGE]
    if recording.wrench and recording.joints:
        plot_wrench(out / PLOT, recording, timeline.moments, timeline.start_ns)
        written.append(PLOT)
    return written


def _write_image(path: Path, recording: GraphRecording, timeline: Timeline) -> None:
    """A frame of the outcome, or the last one; of the lift where something is held, as the hand may go aside then."""
    ends = [tick.stamp_ns for tick in recording.ticks if tick.outcome]
    lifts = [span for span in phase_spans(recording.grasp_ticks()) if span[0] == "lift"]
    if lifts and any(moment.name == "held" for moment in timeline.moments):
        _, begin, end = lifts[-1]
        ends = [min(begin + round(LIFTED_S * 1e9), end)]
    after = [image for image in recording.images if ends and image.stamp_ns >= ends[0]]
    best = (after or recording.images[-1:])[0]
    shown = next(shown for image, shown in composed(recording, timeline.start_ns) if image is best)
    Image.fromarray(shown).save(path)


def write_film(path: Path, recording: GraphRecording, start_ns: int) -> None:
    """Encode all images as H.264 at the times they were taken."""
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


def composed(recording: GraphRecording, start_ns: int) -> Iterator[tuple[CompressedFrame, NDArray[np.uint8]]]:
    """Each image with its panel beside it, (height, width + PANEL_WIDTH, 3)."""
    stamps = [tick.stamp_ns for tick in recording.ticks]
    for image in recording.images:
        index = bisect.bisect_right(stamps, image.stamp_ns) - 1
        tick = recording.ticks[index] if index >= 0 else None
        heard = [command.text for command in recording.commands if command.recognised_ns <= image.stamp_ns]
        yield image, _compose(image, tick, heard[-1] if heard else None, (image.stamp_ns - start_ns) / 1e9)


def _compose(image: CompressedFrame, tick: FusionTick | None, heard: str | None, second: float) -> NDArray[np.uint8]:
    camera = Image.open(BytesIO(image.jpeg)).convert("RGB")
    canvas = Image.new("RGB", (camera.width + PANEL_WIDTH, camera.height), PAPER)
    canvas.paste(camera, (0, 0))
    panel = Panel(ImageDraw.Draw(canvas), camera.width + MARGIN, MARGIN)
    panel.line("heard", DIM, 13)
    panel.paragraph(f"“{heard}”" if heard else "…", INK, 20)
    if tick is not None and (tick.instruction or tick.outcome):
        panel.line("phase", DIM, 13)
        panel.line(tick.outcome.replace("_", " ") or tick.phase, INK, 24)
        if any(tick.gate):  # scripts weigh none
            panel.line("weight of each sense", DIM, 13)
            for name, weight, present in zip(tick.modality, tick.gate, tick.present, strict=True):
                panel.bar(name, weight if present else None)
        panel.paragraph(tick.message, INK, 15)
    panel.draw.text((camera.width + MARGIN, camera.height - 34), f"{second:.1f} s", DIM, _font(16))
    return np.asarray(canvas)


class Panel:
    """Writes downwards from a corner of a drawing."""

    def __init__(self, draw: ImageDraw.ImageDraw, x: int, y: int) -> None:
        self.draw, self._x, self._y = draw, x, y
        self._width = PANEL_WIDTH - 2 * MARGIN

    def line(self, text: str, colour: str, size: int) -> None:
        """One line, the next below it."""
        self.draw.text((self._x, self._y), text, colour, _font(size))
        self._y += round(1.5 * size)

    def paragraph(self, text: str, colour: str, size: int) -> None:
        """A text over as many lines as it needs, and a gap."""
        row = ""
        for word in text.split():
            if row and _font(size).getlength(f"{row} {word}") > self._width:
                self.line(row, colour, size)
                row = ""
            row = f"{row} {word}".strip()
        self.line(row, colour, size)
        self._y += 12

    def bar(self, name: str, weight: float | None) -> None:
        """A named bar of `weight` 0..1; an absent sense (None) is named so and has no bar."""
        self.draw.text((self._x, self._y), name, INK if weight is not None else ABSENT, _font(14))
        left, right = self._x + 84, self._x + self._width
        self.draw.rectangle((left, self._y + 3, right, self._y + 15), outline=ABSENT)
        if weight is None:
            self.draw.text((left + 6, self._y), "absent", ABSENT, _font(12))
        else:
            self.draw.rectangle((left, self._y + 3, left + round((right - left) * weight), self._y + 15), fill=BAR)
        self._y += 26


@cache
def _font(size: int) -> ImageFont.FreeTypeFont:
    """The sans-serif face that matplotlib brings along."""
    return ImageFont.truetype(f"{get_data_path()}/fonts/ttf/DejaVuSans.ttf", size)


def plot_wrench(path: Path, recording: GraphRecording, moments: Sequence[Moment], start_ns: int) -> None:
    """Draw force, torque and gripper width over the seconds since `start_ns`, tared by the first half second."""
    figure = Figure(figsize=(11, 7), layout="constrained")
    FigureCanvasAgg(figure)
    force, torque, width = figure.subplots(3, 1, sharex=True, height_ratios=(3, 2, 1))
    stamp_ns, wrench = arrays(recording.wrench)
    seconds = (stamp_ns - start_ns) / 1e9
    tared = wrench - wrench[seconds < seconds[0] + TARE_S].mean(axis=0)
    for axes, columns, label in ((force, tared[:, :3], "force [N]"), (torque, tared[:, 3:], "torque [N·m]")):
        for name, column in zip("xyz", columns.T, strict=True):
            axes.plot(seconds, column, linewidth=0.7, label=name)
        axes.set_ylabel(label)
        axes.legend(loc="upper left", ncols=3, fontsize="small")
    stamp_ns, joints = arrays(recording.joints)
    width.plot((stamp_ns - start_ns) / 1e9, 1e3 * joints[:, -1], color="black")
    width.set(ylabel="gripper [mm]", xlabel="time since the start [s]")
    width.set_ylim(bottom=0)
    shown = [moment for moment in moments if moment.name in MARKED]
    begin = (shown[0].t_ns - start_ns) / 1e9 - BEFORE_S if shown else seconds[0]
    force.set_xlim(max(begin, seconds[0]), seconds[-1])
    spans = [*phase_spans(recording.grasp_ticks()), *_judging(moments)]
    for axes in (force, torque, width):
        _mark_spans(axes, spans, start_ns)
        axes.grid(alpha=0.3)
    _name_moments(force, shown, start_ns)
    key = [Patch(color=_colour(name), alpha=0.6, label=name) for name in dict.fromkeys(name for name, _, _ in spans)]
    figure.legend(handles=key, loc="outside lower center", ncols=len(PHASE_COLOURS))
    figure.suptitle("Wrist wrench, tared, in the sensor frame", fontsize="medium")
    figure.savefig(path, dpi=110)


def _judging(moments: Sequence[Moment]) -> list[Span]:
    """From the outcome to the judgement, where there was one."""
    at_ns = {moment.name: moment.t_ns for moment in moments}
    return [(JUDGING, at_ns["held"], at_ns["judged"])] if {"held", "judged"} <= set(at_ns) else []


def _colour(span: str) -> str:
    return PHASE_COLOURS.get(span, "#ffffff")


def _mark_spans(axes: Axes, spans: Sequence[Span], start_ns: int) -> None:
    for name, begin, end in spans:
        axes.axvspan((begin - start_ns) / 1e9, (end - start_ns) / 1e9, color=_colour(name), alpha=0.6, linewidth=0)


def _name_moments(axes: Axes, moments: Sequence[Moment], start_ns: int) -> None:
    first, last = axes.get_xlim()
    for moment in moments:
        second = (moment.t_ns - start_ns) / 1e9
        if first <= second <= last:
            axes.axvline(second, color="black", linewidth=0.6, linestyle=":")
            axes.text(second, 1.01, moment.name, transform=axes.get_xaxis_transform(), rotation=40, fontsize="small")
