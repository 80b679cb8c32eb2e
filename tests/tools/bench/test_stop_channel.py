"""The figures of the stop channel, on a few clips of a voice that the shipped network was not trained on."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from autoglm_embodied.errors import ConfigError, SetupError
from autoglm_embodied.metrics import Report
from autoglm_embodied.tools.bench import stop_channel
from autoglm_embodied.tools.bench.stop_channel import CONDITIONS, Spoken, measure
from autoglm_embodied.tools.cli import parser
from autoglm_embodied.train.stop_speech import ENGINES, PART, SpeechClip, synthesise_clips
from autoglm_embodied.voice.recording import RATE_HZ
from autoglm_embodied.voice.stop_spotter import StopSettings
from autoglm_embodied.voice.weights import SPEECH_MODELS, TINY_EN


def test_a_word_counts_where_it_is_spotted_from_its_begin_to_soon_after_its_end() -> None:
    word = Spoken("alone", 2.0, 2.5)
    assert word.delay_s([1.0, 2.6, 2.9]) == pytest.approx(0.1)
    assert word.delay_s([2.05, 3.2]) is None
    assert word.delay_s([2.4]) == pytest.approx(-0.1)


def test_all_conditions_are_measured_by_engine_and_by_place_of_the_word(tmp_path: Path) -> None:
    others = ["the weather is fine today", "put the red cube on the table"]
    synthesise_clips(ENGINES["flite"], tmp_path / "flite", PART, others, 0, lambda _: None)
    report = Report("autoglm bench voice", 0, 0)
    measure(report, tmp_path, StopSettings(), 0, (12, 0.2), lambda _: None)
    for condition in CONDITIONS:
        assert report.value("voice.stop_recall", case=condition) == report.value(
            "voice.stop_recall", case=f"{condition}/flite"
        )
    assert (report.value("voice.stop_recall", case="clean") or 0.0) > 0.8
    assert -200 < (report.value("voice.stop_spotted_ms", case="clean", stat="p50") or np.nan) < 300
    assert report.value("voice.false_stops_per_hour", case="noise") is not None
    idle, busy = (report.value("voice.cpu_core", case=f"stop_channel{part}") or 0.0 for part in ("", "/speech"))
    assert 0.0 < idle < busy  # the encoder rests where nobody speaks


def test_false_stops_are_told_apart_by_whether_a_clip_holds_words_that_sound_alike(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clips = [SpeechClip(np.ones(RATE_HZ, np.float32), text, "a") for text in ("next step", "fine weather")]
    monkeypatch.setattr(stop_channel, "spotted_s", lambda *_: iter([0.5, 1.2]))  # in the first, and in the gap after it
    report = Report("autoglm bench voice", 0, 0)
    stop_channel._add_false_of_speech(report, {"flite": clips}, StopSettings(), np.random.default_rng(0))
    rates = {row.case: row.value for row in report.rows if row.figure == "voice.false_stops_per_hour"}
    hour = 3600 / (1.0 + stop_channel.GAP_S)  # of clips of a second, each with its gap
    assert rates == pytest.approx(
        {"speech": hour, "speech/flite": hour, "speech/alike": 2 * hour, "speech/unlike": 0.0}
    )


def test_a_folder_without_speech_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="must hold a folder of speech"):
        measure(Report("autoglm bench voice", 0, 0), tmp_path, StopSettings(), 0, (1, 1.0), lambda _: None)


def test_it_does_not_measure_less_than_what_is_shipped_unless_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    packages = replace(SPEECH_MODELS[TINY_EN], packages=("no-such-weights==1.0.0",))
    monkeypatch.setitem(SPEECH_MODELS, TINY_EN, packages)
    given = ["bench", "voice", "--speech", str(tmp_path)]
    args = parser().parse_args(given)
    with pytest.raises(SetupError, match="the weights of tiny.en are missing.*--head none"):
        args.run(args)
    args = parser().parse_args([*given, "--head", "none"])
    with pytest.raises(ConfigError, match="must hold a folder of speech"):
        args.run(args)


def test_the_page_shows_the_figures_of_the_stop_channel_beside_it() -> None:
    docs = Path(__file__).resolve().parents[3] / "docs"
    page = (docs / "stop_channel.md").read_text()
    rows = json.loads((docs / "figures" / "voice" / "stop_channel.json").read_text())["rows"]
    values = {(row["figure"], row["case"], row["stat"]): row["value"] for row in rows}
    named = "clean", "20dB", "10dB", "babble", "second_talker"
    recall = [[values["voice.stop_recall", case + part, None] for case in named] for part in ("", "/alone")]
    assert "| all | " + " | ".join(f"{int(100 * value + 0.5)} %" for value in recall[0]) + " |" in page
    assert "(36 clips) | " + " | ".join(f"{36 * value:.0f} of 36" for value in recall[1]) + " |" in page
    delays = [[values["voice.stop_spotted_ms", case, stat] for stat in ("p50", "p99")] for case in named]
    assert " | ".join(f"{middle:.0f} / {late:.0f}" for middle, late in delays).replace(" | ", " ms | ", 1) in page
    assert f"**{values['voice.false_stops_per_hour', 'speech', None]:.0f} an hour of such speech; none in" in page
    assert values["voice.false_stops_per_hour", "noise", None] == 0.0
