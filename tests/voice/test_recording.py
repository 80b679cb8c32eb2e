"""Recordings: what is read is what was written, and everything else is refused in a sentence."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from autoglm_embodied.errors import AudioError
from autoglm_embodied.voice.recording import read_wav, write_wav


def write_pcm(path: Path, data: bytes, rate: int = 16000, channels: int = 1, width: int = 2) -> Path:
    with wave.open(str(path), "wb") as recording:
        recording.setparams((channels, width, rate, 0, "NONE", "not compressed"))
        recording.writeframes(data)
    return path


def test_samples_survive_the_file_to_the_bit(tmp_path: Path) -> None:
    samples = (np.arange(-32768, 32768, 7) / 32768).astype(np.float32)
    write_wav(tmp_path / "a.wav", samples)
    assert np.array_equal(read_wav(tmp_path / "a.wav"), samples)


def test_louder_than_full_scale_is_clipped_not_wrapped(tmp_path: Path) -> None:
    write_wav(tmp_path / "a.wav", np.array([1.5, -1.5], dtype=np.float32))
    assert read_wav(tmp_path / "a.wav") == pytest.approx([1.0, -1.0], abs=1e-4)


def test_stereo_is_averaged(tmp_path: Path) -> None:
    data = np.array([[8192, 16384], [-8192, 0]], dtype="<i2").tobytes()
    assert read_wav(write_pcm(tmp_path / "a.wav", data, channels=2)).tolist() == [0.375, -0.125]


@pytest.mark.parametrize(
    ("rate", "channels", "width"), [(44100, 1, 2), (8000, 1, 2), (16000, 3, 2), (16000, 1, 1), (16000, 1, 3)]
)
def test_other_formats_are_refused_with_the_way_to_convert(
    tmp_path: Path, rate: int, channels: int, width: int
) -> None:
    path = write_pcm(tmp_path / "a.wav", bytes(600), rate, channels, width)
    with pytest.raises(AudioError, match=rf"must be 16000 Hz.*got {rate} Hz.*ffmpeg"):
        read_wav(path)


@pytest.mark.parametrize("content", [b"", b"RIFF", b"not sound at all, but some text", bytes(100)])
def test_what_is_no_wav_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(content)
    with pytest.raises(AudioError, match="cannot read"):
        read_wav(path)


def test_missing_and_soundless_recordings_are_refused(tmp_path: Path) -> None:
    with pytest.raises(AudioError, match="there is no recording"):
        read_wav(tmp_path / "nosuch.wav")
    with pytest.raises(AudioError, match="cannot read"):
        read_wav(tmp_path)
    with pytest.raises(AudioError, match="holds no sound"):
        read_wav(write_pcm(tmp_path / "a.wav", b""))


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(st.integers(0, 43), st.integers(0, 255), min_size=1, max_size=4))
def test_a_header_that_lies_is_refused_or_gives_no_more_than_is_there(tmp_path: Path, lies: dict[int, int]) -> None:
    path = write_pcm(tmp_path / "a.wav", bytes(range(200)) * 2)
    content = bytearray(path.read_bytes())
    for at, value in lies.items():
        content[at] = value
    path.write_bytes(content)
    try:
        samples = read_wav(path)
    except AudioError as refused:
        assert str(refused).isprintable()
    else:
        assert 0 < len(samples) <= 200
        assert np.isfinite(samples).all()
