"""The film, the picture and the plot of a run, made after it: nothing is encoded while the arm works."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

from autoglm_embodied.graph_recording import Observed
from autoglm_embodied.tools.demo.film import composed, write_film
from autoglm_embodied.tools.demo.plot import plot_wrench
from autoglm_embodied.tools.demo.timeline import Timeline

FILM, PICTURE, PLOT, RECORDING, RESULT = "demo.mp4", "picture.png", "wrench.png", "recording.rrd", "result.json"


def write_files(out: Path, observed: Observed, timeline: Timeline) -> list[str]:
    """Write what there is material for; returns the names of the files."""
    written = [RECORDING]
    if observed.pictures:
        write_film(out / FILM, observed, timeline.start_ns)
        _write_picture(out / PICTURE, observed, timeline)
        written += [FILM, PICTURE]
    if observed.wrench and observed.joints:
        plot_wrench(out / PLOT, observed, timeline.moments, timeline.start_ns)
        written.append(PLOT)
    return written


def _write_picture(path: Path, observed: Observed, timeline: Timeline) -> None:
    """The first frame of the outcome, or the last one."""
    ends = [tick.stamp_ns for tick in observed.ticks if tick.outcome]
    after = [picture for picture in observed.pictures if ends and picture.stamp_ns >= ends[0]]
    best = (after or observed.pictures[-1:])[0]
    shown = next(shown for picture, shown in composed(observed, timeline.start_ns) if picture is best)
    Image.fromarray(shown).save(path)
