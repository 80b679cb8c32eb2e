"""Text to a spoken WAV, with whichever voice program this machine has."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import wave
from math import gcd
from pathlib import Path

import numpy as np
from scipy.signal import resample_poly

from autoglm_embodied.errors import AudioError, SetupError
from autoglm_embodied.voice.recording import RATE_HZ, SampleArray, from_pcm16, write_wav

FLITE_VOICES = ("slt", "rms", "kal16", "awb")
ESPEAK = "espeak-ng"
VOICES = (*FLITE_VOICES, ESPEAK)
"""Voices in the order of preference."""

PAUSE_S = 0.3
DITHER = 3e-4
LIMIT_S = 30.0


def synthesise(text: str, path: Path, voice: str | None = None) -> None:
    """Speak `text` into a 16 kHz mono WAV, with a short faintly noisy pause before and after.

    Args:
        text: what to say, in English.
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
        _speak(text, spoken, voice or _installed_voice())
        samples = _resampled(spoken)
    if not samples.size or np.abs(samples).max() < 0.01:
        raise AudioError(f"the voice has no sound for {text!r}; write it in English words")
    write_wav(path, _with_pauses(samples))


def _installed_voice() -> str:
    if shutil.which("flite"):
        return FLITE_VOICES[0]
    if shutil.which(ESPEAK):
        return ESPEAK
    raise SetupError("no voice program is installed; install one with `apt install flite` (or espeak-ng)")


def _speak(text: str, path: Path, voice: str) -> None:
    if voice == ESPEAK:
        command = [ESPEAK, "-v", "en-us", "-s", "150", "-w", str(path), "--stdin"]
    elif voice in FLITE_VOICES:
        command = ["flite", "-voice", voice, "-t", text, "-o", str(path)]
    else:
        raise AudioError(f"there is no voice {voice!r}; choose one of {', '.join(VOICES)}")
    try:
        subprocess.run(command, input=text, text=True, check=True, capture_output=True, timeout=LIMIT_S)
    except FileNotFoundError as error:
        raise SetupError(f"{command[0]} is not installed; install it with `apt install {command[0]}`") from error
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        raise SetupError(f"{command[0]} could not speak the sentence ({error}); try another voice") from error


def _resampled(path: Path) -> SampleArray:
    with wave.open(str(path), "rb") as spoken:
        rate = spoken.getframerate()
        samples = from_pcm16(spoken.readframes(spoken.getnframes()))
    divisor = gcd(rate, RATE_HZ)
    return np.asarray(resample_poly(samples, RATE_HZ // divisor, rate // divisor), dtype=np.float32)


def _with_pauses(samples: SampleArray) -> SampleArray:
    # Digital silence is something no microphone delivers, and recognisers misbehave on it: dither everything.
    padded = np.pad(samples, round(PAUSE_S * RATE_HZ))
    noise = np.random.default_rng(0).normal(0.0, DITHER, len(padded))
    return (padded + noise).astype(np.float32)
