"""The figures of spoken commands on a few clips, and the calibration of their confidence."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from autoglm_embodied.errors import ConfigError
from autoglm_embodied.metrics import Report
from autoglm_embodied.tools.bench.spoken_commands import (
    Judged,
    Trial,
    calibrate,
    draw_reliability,
    load_recordings,
    measure_commands,
    measure_false_motion,
)
from autoglm_embodied.tools.bench.stop_channel import CONDITIONS
from autoglm_embodied.types import Intent
from autoglm_embodied.voice.answer import CommandSettings, Outcome, VoiceCommand, understood
from autoglm_embodied.voice.interpretation import WEIGHTS
from autoglm_embodied.voice.recogniser import Hypothesis, Transcript
from autoglm_embodied.voice.recording import SampleArray, synthesise

SAID = "pick up the red cube"


class OneText:
    """A recogniser that hears one text, whatever is said."""

    language = "en"

    def __init__(self, text: str) -> None:
        self._text = text

    def transcribe(self, samples: SampleArray) -> Transcript:
        return Transcript((Hypothesis(self._text, -0.3, 6),))


@pytest.fixture
def recordings(tmp_path: Path) -> Path:
    synthesise(SAID, tmp_path / "a.wav")
    synthesise("the weather is fine today", tmp_path / "b.wav")
    (tmp_path / "sentences.tsv").write_text(f"# mine\na.wav\t{SAID}\nb.wav\tthe weather is fine today\n")
    return tmp_path


@pytest.mark.parametrize(
    ("heard", "right", "wrong", "moved"),
    [
        *((SAID, 1, 0, 1), ("drop it", 0, 1, 1), ("do it again", 0, 1, 1), ("hello", 0, 0, 0)),
        *((text, 0, 1, 0) for text in ("slower", "faster", "not that one", "the other one", "no", "yes")),
    ],
)
def test_what_is_executed_is_counted_as_right_wrong_or_false_in_every_condition(
    recordings: Path, heard: str, right: int, wrong: int, moved: int
) -> None:
    report = Report("autoglm bench voice", 0, 0)
    said = {"mine": load_recordings(recordings)}
    judged = measure_commands(report, said, OneText(heard), CommandSettings(), 0, lambda _: None)
    assert len(judged) == 2 * len(CONDITIONS)
    for case in ("clean", "clean/mine"):
        assert report.value("voice.command_accuracy", case=case) == right
        assert report.value("voice.wrong_executed", case=case) == wrong
    assert report.value("voice.false_motion", case="clean/no_command") == moved
    assert (report.value("voice.latency_ms", case="end_of_utterance", stat="p50") or 0.0) >= 500


def test_noise_moves_nothing_and_talk_is_counted(recordings: Path) -> None:
    report = Report("autoglm bench voice", 0, 0)
    talk = load_recordings(recordings)
    trials = measure_false_motion(report, talk, OneText("drop it"), CommandSettings(), (0, 1.0), lambda _: None)
    assert report.value("voice.false_motion", case="noise/1min") == 0
    assert (report.value("voice.false_motion", case="talk/1min") or 0.0) >= 1
    assert trials
    assert not any(right for _, _, right in trials)


def test_two_commands_of_which_one_is_wrong_are_wrong() -> None:
    commands = [VoiceCommand(intent, "", "", "en", 1.0, 0, 0, 0) for intent in (Intent.HOME, Intent.OPEN)]
    judged = Judged("mine", "go home", True, [understood(command) for command in commands])
    assert judged.outcome == "wrong"
    assert Judged("mine", "go home", True, judged.answers[:1]).outcome == "right"
    assert judged.answers[0].outcome is Outcome.UNDERSTOOD


@pytest.mark.parametrize("text", [None, "", "# nothing\n", "a.wav\n"])
def test_recordings_without_a_list_of_sentences_are_refused(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        (tmp_path / "sentences.tsv").write_text(text)
    with pytest.raises(ConfigError, match=r"sentences\.tsv"):
        load_recordings(tmp_path)


def drawn_trials(n: int) -> list[Trial]:
    """Trials that are right as often as weights of (0, 0, 1, ...) say."""
    rng = np.random.default_rng(0)
    features = np.concatenate((np.ones((n, 1)), np.full((n, 1), 8.0), rng.normal(0, 2, (n, len(WEIGHTS) - 2))), axis=1)
    right = rng.random(n) < 1 / (1 + np.exp(-features[:, 2]))
    return [(0.5, tuple(row), bool(good)) for row, good in zip(features, right, strict=True)]


def test_calibration_finds_the_weights_that_made_the_outcomes(tmp_path: Path) -> None:
    trials = drawn_trials(4000)
    weights = calibrate(trials)
    assert weights[2] == pytest.approx(1.0, abs=0.12)
    assert np.abs(weights[3:]).max() < 0.12
    draw_reliability(trials, tmp_path / "out" / "plot.png")
    assert (tmp_path / "out" / "plot.png").read_bytes().startswith(b"\x89PNG")
    with pytest.raises(ConfigError, match="needs commands"):
        calibrate([trial for trial in trials if trial[2]])
