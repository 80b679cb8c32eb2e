"""The film, the image and the plot of a run, made after it: nothing is encoded while the arm works."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

from autoglm_embodied.graph_recording import GraphRecording
from autoglm_embodied.tools.demo.film import composed, write_film
from autoglm_embodied.tools.demo.plot import plot_wrench
from autoglm_embodied.tools.demo.timeline import Timeline

FILM, IMAGE, PLOT, RECORDING, RESULT = "demo.mp4", "image.png", "wrench.png", "recording.rrd", "result.json"


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
    """The first frame of the outcome, or the last one."""
    ends = [tick.stamp_ns for tick in recording.ticks if tick.outcome]
    after = [image for image in recording.images if ends and image.stamp_ns >= ends[0]]
    best = (after or recording.images[-1:])[0]
    shown = next(shown for image, shown in composed(recording, timeline.start_ns) if image is best)
    Image.fromarray(shown).save(path)
