"""Film, image, plot and recording of a run, from what was observed."""

from __future__ import annotations

import io
import math
from dataclasses import replace
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from PIL import Image
from rich.console import Console

from autoglm_embodied.graph_recording import CompressedFrame, FusionTick, GraphRecording, RecordedCommand
from autoglm_embodied.tools.demo.files import PANEL_WIDTH, composed, write_files
from autoglm_embodied.tools.demo.timeline import Timeline
from autoglm_embodied.tools.export.rerun_file import RerunLog

S = 10**9
START_NS = 1_700_000_000 * S
SENSES = ("vision", "force", "joints", "language")
PHASES = ("idle", "reach", "descend", "close", "lift", "hold")


@pytest.fixture(scope="module")
def recording() -> GraphRecording:
    """Two seconds at the rates of a demo: idle first, then every phase, then the outcome."""
    rng = np.random.default_rng(0)
    noted = GraphRecording(commands=[RecordedCommand(START_NS, 1, "Pick up the red cube.", "", 0.9, S // 4)])
    for k in range(30):
        stamp_ns = START_NS + k * S // 15
        pixels = np.full((480, 640, 3), 8 * k, np.uint8)
        noted.images.append(CompressedFrame(stamp_ns, cv2.imencode(".jpg", pixels)[1].tobytes()))
        noted.ticks.append(_tick(k, stamp_ns))
    for k in range(2000):
        noted.wrench.append((START_NS + k * S // 1000, tuple(rng.normal(size=6))))
        noted.joints.append((START_NS + k * S // 1000, (*rng.normal(size=7), 0.08)))
    return noted


def _tick(k: int, stamp_ns: int) -> FusionTick:
    acting, over = 5 <= k < 27, k >= 27
    return FusionTick(
        stamp_ns=stamp_ns,
        instruction="pick up the red cube" if acting else "",
        phase=PHASES[k // 5] if acting else "idle",
        outcome="held" if over else "",
        message="Held with 1.9 N on the wrist." if over else "",
        tries=int(acting),
        modality=SENSES,
        present=(True, k > 10, True, acting),
        gate=(0.4, 0.1, 0.3, 0.2) if acting else (),
        target_m=(0.5, 0.0, 0.02) if acting else (math.nan, math.nan, math.nan),
        held_force_n=1.9,
        tick_ms=9.0,
    )


def timeline() -> Timeline:
    made = Timeline(lambda: START_NS, Console(file=io.StringIO()))
    made.mark("heard", "“pick up the red cube”", START_NS + S // 4)
    return made


def test_a_run_leaves_a_film_a_image_and_a_plot(recording: GraphRecording, tmp_path: Path) -> None:
    assert write_files(tmp_path, recording, timeline()) == ["recording.rrd", "demo.mp4", "image.png", "wrench.png"]
    with av.open(str(tmp_path / "demo.mp4")) as film:
        stream = film.streams.video[0]
        frames = list(film.decode(stream))
        assert (stream.codec_context.name, stream.codec_context.pix_fmt) == ("h264", "yuv420p")  # what browsers play
    assert (frames[0].width, frames[0].height, len(frames)) == (640 + PANEL_WIDTH, 480, 30)
    assert frames[-1].time == pytest.approx(29 / 15, abs=0.01)
    for name in ("image.png", "wrench.png"):
        with Image.open(tmp_path / name) as image:
            assert image.size[0] > 600 and len(image.convert("RGB").getcolors(1 << 24)) > 20


def test_the_panel_follows_the_tick_of_its_image(recording: GraphRecording) -> None:
    shown = [pixels for _, pixels in composed(recording, START_NS)]
    panels = [pixels[60:440, -PANEL_WIDTH:] for pixels in shown]  # without what was heard, and the clock
    bars = [(np.abs(panel.astype(int) - (0x4F, 0xC3, 0xF7)).sum(axis=2) < 10).sum() for panel in panels]
    assert bars[0] == 0  # nothing was decided yet
    assert 0 < bars[8] < bars[20]  # an absent sense has no bar


def test_the_image_is_of_the_lift_where_something_is_held(recording: GraphRecording, tmp_path: Path) -> None:
    held = timeline()
    held.mark("held", "Held with 1.9 N on the wrist.", START_NS + 27 * S // 15)
    for made, shown in ((timeline(), 27), (held, 25)):
        write_files(tmp_path, recording, made)
        with Image.open(tmp_path / "image.png") as image:
            assert np.asarray(image)[240, 320] == pytest.approx(8 * shown, abs=3)


def test_a_policy_that_weighs_no_sense_has_no_bars(recording: GraphRecording) -> None:
    unweighed = replace(recording, ticks=[replace(tick, gate=(0.0,) * 4) for tick in recording.ticks])
    (shown,) = [pixels for image, pixels in composed(unweighed, START_NS) if image is recording.images[20]]
    assert not (np.abs(shown[60:440, -PANEL_WIDTH:].astype(int) - (0x4F, 0xC3, 0xF7)).sum(axis=2) < 10).any()


def test_a_run_without_images_or_forces_leaves_no_empty_files(tmp_path: Path) -> None:
    assert write_files(tmp_path, GraphRecording(), timeline()) == ["recording.rrd"]


def test_a_recording_grows_by_what_is_new(recording: GraphRecording, tmp_path: Path) -> None:
    sizes = []
    for updates in (1, 3):
        path = tmp_path / f"{updates}.rrd"
        log = RerunLog(path, view=False)
        for _ in range(updates):
            log.update(recording)
        log.close()
        sizes.append(path.stat().st_size)
    assert sizes[0] > 100_000 and sizes[1] == pytest.approx(sizes[0], rel=0.05)
