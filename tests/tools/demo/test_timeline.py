"""The moments of a grasp are told once, in order, from what was observed alone."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
from rich.console import Console

from autoglm_embodied.graph_recording import FusionTick, GraphRecording, RecordedCommand, Sample, phase_spans
from autoglm_embodied.tools.demo.timeline import Narrator, Timeline, fingers_stopped

S = 10**9
TICK = FusionTick(
    stamp_ns=0,
    instruction="pick up the red cube",
    phase="idle",
    outcome="",
    message="",
    tries=0,
    modality=("vision", "force", "joints", "language"),
    present=(True, True, True, True),
    gate=(0.4, 0.1, 0.3, 0.2),
    target_m=(0.5, -0.1, 0.02),
    held_force_n=0.0,
    tick_ms=9.0,
)
HEARD = RecordedCommand(1 * S, 1, "Pick up the red cube.", "pick up the red cube", 0.97, S)


def timeline() -> tuple[Timeline, io.StringIO]:
    text = io.StringIO()
    return Timeline(lambda: 0, Console(file=text, width=120)), text


def closing(to_m: float) -> list[Sample]:
    """Fingers that close at 5 cm/s from 8 cm, and stop at `to_m`; 1 kHz for 2 s."""
    return [(k * S // 1000, (0.1, max(to_m, 0.08 - 0.05 * k / 1000))) for k in range(2000)]


def test_a_smooth_grasp_is_told_moment_by_moment() -> None:
    line, text = timeline()
    narrator, recording = Narrator(line), GraphRecording(commands=[HEARD])
    phases = ("idle", "reach", "descend", "close", "lift")
    for k, phase in enumerate(phases):
        recording.ticks.append(replace(TICK, stamp_ns=(3 + k) * S, phase=phase))
        recording.joints.extend(closing(0.04) if phase == "lift" else closing(0.04)[:1])
        assert not narrator.follow(recording)
    recording.ticks.append(replace(TICK, stamp_ns=9 * S, instruction="", outcome="held", message="Held with 1.9 N."))
    assert narrator.follow(recording) and narrator.follow(recording)
    assert [moment.name for moment in line.moments] == ["heard", "understood", "seen", "contact", "held"]
    assert [line.at_s(name) for name in ("heard", "understood", "seen", "held")] == [2.0, 3.0, 4.0, 9.0]
    assert "Held with 1.9 N." in text.getvalue() and "fingers stopped 40 mm apart" in text.getvalue()


@pytest.mark.parametrize("outcome", ["not_found", "ambiguous", "unknown_words"])
def test_a_refusal_is_told_as_one(outcome: str) -> None:
    line, _ = timeline()
    narrator = Narrator(line)
    assert narrator.follow(GraphRecording(commands=[HEARD], ticks=[replace(TICK, instruction="", outcome=outcome)]))
    assert [moment.name for moment in line.moments] == ["heard", "refused"]


def test_only_fingers_stopped_by_something_are_contact() -> None:
    start = closing(0.04)[0]
    assert fingers_stopped(closing(0.04), start) is not None
    assert fingers_stopped(closing(0.04)[:500], start) is None  # still closing
    assert fingers_stopped(closing(0.0), start) is None  # met each other
    assert fingers_stopped(closing(0.08), start) is None  # never closed


def test_phases_follow_each_other_without_a_gap() -> None:
    ticks = [replace(TICK, stamp_ns=k, phase=phase) for k, phase in enumerate(("idle", "reach", "reach", "close"))]
    assert phase_spans(ticks) == [("idle", 0, 1), ("reach", 1, 3), ("close", 3, 3)]
