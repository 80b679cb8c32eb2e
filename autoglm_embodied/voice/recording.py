"""Recordings: 16 kHz, 16-bit PCM WAV files to and from sample arrays."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from autoglm_embodied.errors import AudioError

RATE_HZ = 16_000
"""The one sample rate of the voice room."""

SampleArray = NDArray[np.float32]  # (n,) mono at RATE_HZ, in -1..1

_HOW_TO_CONVERT = "convert it, e.g. `ffmpeg -i IN -ar 16000 -ac 1 -c:a pcm_s16le OUT.wav`"


def from_pcm16(data: bytes) -> SampleArray:
    """Samples in -1..1 from little-endian 16-bit PCM, mono."""
    return (np.frombuffer(data, dtype="<i2") / 32768.0).astype(np.float32)


def to_pcm16(samples: SampleArray) -> bytes:
    """Little-endian 16-bit PCM from samples in -1..1; louder ones are clipped."""
    return (np.clip(samples, -1.0, 32767 / 32768) * 32768.0).round().astype("<i2").tobytes()


def read_wav(path: Path) -> SampleArray:
    """The samples of a mono or stereo 16-bit PCM WAV at 16 kHz, stereo averaged.

    Raises:
        AudioError: the file is missing, no WAV, empty, or of another rate or format.
    """
    try:
        with wave.open(str(path), "rb") as recording:
            rate, channels, width = recording.getframerate(), recording.getnchannels(), recording.getsampwidth()
            data = recording.readframes(recording.getnframes())
    except FileNotFoundError as error:
        raise AudioError(f"there is no recording {path}; give the path of a 16 kHz WAV file") from error
    except (OSError, EOFError, wave.Error) as error:
        reason = str(error) or "the file ends too early"
        raise AudioError(f"cannot read {path} as a PCM WAV ({reason}); {_HOW_TO_CONVERT}") from error
    if rate != RATE_HZ or width != 2 or channels not in (1, 2):
        found = f"{rate} Hz, {channels} channel(s), {8 * width} bit"
        raise AudioError(f"{path} must be 16000 Hz, mono or stereo, 16 bit, got {found}; {_HOW_TO_CONVERT}")
    whole = len(data) - len(data) % (2 * channels)
    if not whole:
        raise AudioError(f"{path} holds no sound; record it again")
    samples: SampleArray = from_pcm16(data[:whole]).reshape(-1, channels).mean(axis=1, dtype=np.float32)
    return samples


def write_wav(path: Path, samples: SampleArray) -> None:
    """Write `samples` (n,) as mono 16-bit PCM at 16 kHz."""
    with wave.open(str(path), "wb") as recording:
        recording.setnchannels(1)
        recording.setsampwidth(2)
        recording.setframerate(RATE_HZ)
        recording.writeframes(to_pcm16(samples))
