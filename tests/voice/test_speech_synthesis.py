"""Spoken sentences as recordings, with the voices that are installed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from autoglm_embodied.errors import AudioError, SetupError
from autoglm_embodied.voice.recording import RATE_HZ, VOICES, read_wav, synthesise


@pytest.mark.slow
@pytest.mark.parametrize("voice", VOICES)
def test_every_voice_speaks_between_two_faintly_noisy_pauses(tmp_path: Path, voice: str) -> None:
    synthesise("pick up the red cube", tmp_path / "a.wav", voice)
    samples = read_wav(tmp_path / "a.wav")
    assert 1.5 < len(samples) / RATE_HZ < 3.0
    assert np.abs(samples).max() > 0.1
    for pause in (samples[: RATE_HZ // 5], samples[-RATE_HZ // 5 :]):
        assert 0 < np.abs(pause).max() < 0.01


@pytest.mark.slow
@pytest.mark.parametrize("text", ["", "  ", "拿起红色方块"])
def test_what_a_voice_cannot_say_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(AudioError, match="nothing to say|no sound"):
        synthesise(text, tmp_path / "a.wav")


def test_unknown_voices_and_missing_programs_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(AudioError, match="choose one of slt, rms"):
        synthesise("stop", tmp_path / "a.wav", "hal")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SetupError, match="apt install flite"):
        synthesise("stop", tmp_path / "a.wav")
    with pytest.raises(SetupError, match="espeak-ng is not installed"):
        synthesise("stop", tmp_path / "a.wav", "espeak-ng")
