"""Recordings: 16 kHz, 16-bit PCM WAV files, read, written, and synthesised from text by an installed voice program."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import wave
from math import gcd
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from autoglm_embodied.errors import AudioError, SetupError

RATE_HZ = 16_000  # of all sound here
SampleArray = NDArray[np.float32]  # (n,) mono at RATE_HZ, in -1..1
HOW_TO_CONVERT = "convert it, e.g. `ffmpeg -i IN -ar 16000 -ac 1 -c:a pcm_s16le OUT.wav`"


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
    except (OSError, EOFError, RuntimeError, wave.Error) as error:  # RuntimeError of a header that lies
        reason = str(error) or "the file ends too early"
        raise AudioError(f"cannot read {path} as a PCM WAV ({reason}); {HOW_TO_CONVERT}") from error
    if rate != RATE_HZ or width != 2 or channels not in (1, 2):
        found = f"{rate} Hz, {channels} channel(s), {8 * width} bit"
        raise AudioError(f"{path} must be 16000 Hz, mono or stereo, 16 bit, got {found}; {HOW_TO_CONVERT}")
    whole = len(data) - len(data) % (2 * channels)
    if not whole:
        raise AudioError(f"{path} holds no sound; record it again")
    samples: SampleArray = from_pcm16(data[:whole]).reshape(-1, channels).mean(axis=1, dtype=np.float32)
    return samples


def write_wav(path: Path, samples: SampleArray) -> None:
    """Write samples (n,) in -1..1, of which louder ones are clipped, as a mono 16-bit PCM WAV at 16 kHz."""
    with wave.open(str(path), "wb") as recording:
        recording.setnchannels(1)
        recording.setsampwidth(2)
        recording.setframerate(RATE_HZ)
        recording.writeframes(to_pcm16(samples))


FLITE_VOICES = ("slt", "rms", "kal16", "awb")
ESPEAK = "espeak-ng"
VOICES = (*FLITE_VOICES, ESPEAK)  # in the order of preference
PAUSE_S = 0.3
DITHER = 3e-4  # standard deviation of white noise
SYNTHESIS_LIMIT_S = 30.0


def synthesise(text: str, path: Path, voice: str | None = None) -> None:
    """Synthesise `text` into a 16 kHz mono WAV, with a short dithered pause before and after.

    Args:
        text: in English.
        path: the WAV to write.
        voice: one of VOICES; the first one installed where None.

    Raises:
        AudioError: there is nothing to say, or the voice does not exist.
        SetupError: no voice program is installed, or it failed.
    """
    if not text.strip():
        raise AudioError('there is nothing to say; give a sentence such as "pick up the red cube"')
    with tempfile.TemporaryDirectory(prefix="autoglm-speech-") as folder:
        spoken = Path(folder) / "spoken.wav"
        _run_voice_program(text, spoken, voice or _installed_voice())
        samples = read_resampled(spoken)
    if not samples.size or np.abs(samples).max() < 0.01:
        raise AudioError(f"the voice has no sound for {text!r}; write it in English words")
    write_wav(path, _pad_and_dither(samples))


def _installed_voice() -> str:
    for program, voice in (("flite", FLITE_VOICES[0]), (ESPEAK, ESPEAK)):
        if shutil.which(program):
            return voice
    raise SetupError("no voice program is installed; install one with `apt install flite` (or espeak-ng)")


def _run_voice_program(text: str, path: Path, voice: str) -> None:
    if voice == ESPEAK:
        command = [ESPEAK, "-v", "en-us", "-s", "150", "-w", str(path), "--stdin"]
    elif voice in FLITE_VOICES:
        command = ["flite", "-voice", voice, "-t", text, "-o", str(path)]
    else:
        raise AudioError(f"there is no voice {voice!r}; choose one of {', '.join(VOICES)}")
    try:
        subprocess.run(command, input=text, text=True, check=True, capture_output=True, timeout=SYNTHESIS_LIMIT_S)
    except FileNotFoundError as error:
        raise SetupError(f"{command[0]} is not installed; install it with `apt install {command[0]}`") from error
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        raise SetupError(f"{command[0]} could not speak the sentence ({error}); try another voice") from error


def read_resampled(path: Path) -> SampleArray:
    """The samples of a mono 16-bit PCM WAV of any rate, at RATE_HZ."""
    from scipy.signal import resample_poly  # slow to import, and only synthesis needs it

    with wave.open(str(path), "rb") as spoken:
        rate = spoken.getframerate()
        samples = from_pcm16(spoken.readframes(spoken.getnframes()))
    divisor = gcd(rate, RATE_HZ)
    return np.asarray(resample_poly(samples, RATE_HZ // divisor, rate // divisor), dtype=np.float32)


def _pad_and_dither(samples: SampleArray) -> SampleArray:
    # No microphone delivers digital silence, and recognisers misbehave on it.
    padded = np.pad(samples, round(PAUSE_S * RATE_HZ))
    noise = np.random.default_rng(0).normal(0.0, DITHER, len(padded))
    return (padded + noise).astype(np.float32)
