"""Sounds in which the word is said, or not: clips among other speech, noise, hum, tones and echoes."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.signal import fftconvolve, lfilter

from autoglm_embodied.train.stop_speech import SpeechClip
from autoglm_embodied.voice.recording import RATE_HZ, SampleArray
from autoglm_embodied.voice.stop_features import ENCODED, OVERLAP, FeatureArray, log_mel
from autoglm_embodied.voice.stop_spotter import ENCODED_EVERY, STEP

LONGEST = 1.6 * RATE_HZ  # samples of a clip in it
EARLY_S, LATE_S = 0.05, 0.18  # before and after the end of the word, in which it is to be spotted
WORD_S = (0.2, 0.5)  # that the word lasts, least and most
OVER_S = 0.5  # after the word, from which on spotting it again is wrong
NOISES = ("white", "pink", "brown", "hum", "tones", "clicks", "gripper", "hiss")
BABBLE = 5  # talkers
EQUALISER_DB = 4.0  # standard deviation of a band's gain
PER_DB = 0.23  # in log-mel frames


def _equalised_log_mel(sound: SampleArray, rng: np.random.Generator) -> FeatureArray:
    """Log-mel frames (BANDS, n), bands of them louder and quieter, and some left out."""
    heard = log_mel(np.pad(sound, (OVERLAP, 0)).astype(np.float32))
    heard += PER_DB * _gains_db(len(heard), rng)[:, np.newaxis]
    if rng.random() < 0.3:
        first = int(rng.integers(len(heard) - 6))
        heard[first : first + int(rng.integers(1, 7))] = heard.min()
    return heard.astype(np.float32)


def _equalised(sound: SampleArray, rng: np.random.Generator) -> FeatureArray:
    """A sound (n,), bands of it louder and quieter, and one almost left out."""
    spectrum = np.fft.rfft(sound)
    gains_db = _gains_db(len(spectrum), rng)
    if rng.random() < 0.15:
        first = int(rng.integers(round(0.9 * len(gains_db))))
        gains_db[first : first + int(len(gains_db) * rng.uniform(0.02, 0.1))] = -40.0
    return np.fft.irfft(spectrum * 10.0 ** (gains_db / 20.0), len(sound)).astype(np.float32)


def _gains_db(bands: int, rng: np.random.Generator) -> NDArray[np.floating]:
    """Gains (bands,) of another voice and microphone."""
    return np.interp(np.linspace(0, 5, bands), np.arange(6), rng.normal(0.0, EQUALISER_DB, 6))


@dataclass(frozen=True)
class SoundShape:
    """What a network hears of a sound to learn from, and when it judges."""

    steps: int
    step_s: float
    first_s: float  # when the first step ends
    heard_s: float  # of a sound, before a word may end in it
    heard: Callable[[SampleArray, np.random.Generator], FeatureArray]  # what is heard of a sound

    @property
    def samples(self) -> int:
        """Length of a sound."""
        return round((self.first_s + (self.steps - 1) * self.step_s) * RATE_HZ)

    def step_at(self, t_s: float) -> int:
        """The first step that ends at a time or later."""
        return max(0, min(self.steps, math.ceil((t_s - self.first_s) / self.step_s)))


_STEP_S, _ENCODED_S = STEP / RATE_HZ, ENCODED / RATE_HZ
LOG_MEL_SHAPE = SoundShape(110, _STEP_S, _STEP_S, 0.0, _equalised_log_mel)  # 2.2 s
ENCODER_SHAPE = SoundShape(6, ENCODED_EVERY * _STEP_S, _ENCODED_S, _ENCODED_S, _equalised)  # 1.68 s


@dataclass(frozen=True)
class Sound:
    """A sound to learn from."""

    features: FeatureArray  # what is heard of it: log-mel frames (BANDS, n), or samples (n,)
    target: NDArray[np.int8]  # (steps,) 1: the word is to be spotted once among these; 0: it is not; -1: either way


def level(samples: SampleArray) -> float:
    """Root mean square of the samples (n,) within 30 dB of the loudest; never 0."""
    loud = samples[np.abs(samples) > 0.03 * np.abs(samples).max(initial=0.0)]
    return float(np.sqrt(np.mean(np.square(loud)))) + 1e-9 if loud.size else 1e-9


def noise(kind: str, n: int, rng: np.random.Generator) -> SampleArray:
    """Noise of one of NOISES, (n,), at a level of 1."""
    made = {"hum": _hum, "tones": _tones, "clicks": _clicks, "gripper": _gripper, "hiss": _hiss}.get(kind)
    return made(n, rng) if made else _coloured({"white": 0.0, "pink": 0.5, "brown": 1.0}[kind], n, rng)


def add(sound: SampleArray, other: SampleArray, snr_db: float, of: float) -> None:
    """Add `other` (n,) to a sound (n,) such that it is `snr_db` below the level `of`."""
    sound += other * (of / level(other) * 10.0 ** (-snr_db / 20.0))


def speech_track(clips: Sequence[SpeechClip], n: int, rng: np.random.Generator, gap_s: float = 0.3) -> SampleArray:
    """Random clips one after the other, (n,)."""
    track = np.zeros(n, dtype=np.float32)
    at = -int(rng.integers(RATE_HZ))
    while at < n:
        samples = clips[int(rng.integers(len(clips)))].samples
        _put(track, samples / level(samples), at)
        at += len(samples) + int(rng.uniform(0.0, gap_s) * RATE_HZ)
    return track


class SoundMixer:
    """Draws sounds to learn from out of clips.

    Args:
        clips: of all engines to learn from.
        rng: draws all.
        shape: of the sounds.
    """

    def __init__(self, clips: Sequence[SpeechClip], rng: np.random.Generator, shape: SoundShape) -> None:
        self._said = [clip for clip in clips if clip.place not in ("none", "repeated") or _is_short(clip)]
        self.others = [clip for clip in clips if clip.place == "none"]
        self._cumulative = np.linspace(0.0, 1.0, len(self.others) + 1)[1:]
        self._rng, self._shape = rng, shape

    def prefer(self, weights: NDArray[np.floating]) -> None:
        """Draw `others` in proportion to weights (n,), such as how much each is mistaken for the word."""
        self._cumulative = np.cumsum(weights) / np.sum(weights)

    def draw(self) -> Sound:
        """A sound; in half of them the word is said."""
        rng = self._rng
        sound = np.zeros(self._shape.samples, dtype=np.float32)
        target = np.zeros(self._shape.steps, dtype=np.int8)
        if rng.random() < 0.5:
            self._say(sound, target)
        elif rng.random() < 0.85:
            sound += self._talk(len(sound))
        return Sound(self._heard(sound), target)

    def _heard(self, sound: SampleArray) -> FeatureArray:
        """What is heard of a sound (n,) at a level of 1, as a microphone hears it among disturbances."""
        rng = self._rng
        self._disturb(sound)
        sound *= 10.0 ** (rng.uniform(-40.0, -3.0) / 20.0) / max(float(np.abs(sound).max()), 1e-6)
        if rng.random() < 0.15:
            sound = np.clip(sound * rng.uniform(1.5, 10.0), -1.0, 1.0)
        sound += rng.normal(0.0, 10.0 ** rng.uniform(-5.0, -3.0), len(sound))
        return self._shape.heard(sound.astype(np.float32), rng)

    def _varied(self, clip: SpeechClip) -> SpeechClip:
        """A clip, in another size of the speaker's head and another pitch."""
        factor = float(np.exp(self._rng.uniform(-0.2, 0.2)))
        at = np.arange(0.0, len(clip.samples) - 1, factor)
        stretched = np.interp(at, np.arange(len(clip.samples)), clip.samples).astype(np.float32)
        return SpeechClip(stretched, clip.text, clip.voice)

    def draw_other(self) -> SpeechClip:
        """One of `others`."""
        return self.others[int(np.searchsorted(self._cumulative, self._rng.random()))]

    def _say(self, sound: SampleArray, target: NDArray[np.int8]) -> None:
        """A clip with the word, and in half of the sounds other speech close around it."""
        rng, shape = self._rng, self._shape
        clip = self._varied(self._said[int(rng.integers(len(self._said)))])
        samples, earliest, latest = _around_word(clip)
        soonest = max(0, round(shape.heard_s * RATE_HZ) - earliest)
        at = int(rng.integers(soonest, max(soonest + 1, len(sound) - len(samples) - RATE_HZ // 4)))
        end = at + len(samples)
        if rng.random() < 0.5:
            around = self._talk(len(sound))
            gap = int(rng.uniform(0.0, 0.4) * RATE_HZ)
            around[max(0, at - gap) : end + gap] = 0.0
            if rng.random() < 0.5:
                around[end:] = 0.0
            sound += around
        if at > RATE_HZ // 4 and rng.random() < 0.2:  # a crash before, after which the word is still to be spotted
            sound[: at - RATE_HZ // 8] += self._noise(at - RATE_HZ // 8) * 10.0 ** rng.uniform(0.0, 1.0)
        _put(sound, samples / level(samples), at)
        begins_s, ends_s = (at + earliest) / RATE_HZ - EARLY_S, (at + latest) / RATE_HZ
        target[shape.step_at(begins_s) : shape.step_at(ends_s + OVER_S)] = -1
        target[shape.step_at(begins_s) : shape.step_at(ends_s + LATE_S)] = 1

    def _talk(self, n: int) -> SampleArray:
        return speech_track([self._varied(self.draw_other()) for _ in range(5)], n, self._rng)

    def _noise(self, n: int) -> SampleArray:
        return noise(NOISES[int(self._rng.integers(len(NOISES)))], n, self._rng)

    def _disturb(self, sound: SampleArray) -> None:
        rng, n, of = self._rng, len(sound), 1.0  # the level of the word and of other speech
        if rng.random() < 0.4:
            add(sound, self._talk(n), rng.uniform(-3, 12), of)
        if rng.random() < 0.2:
            for _ in range(BABBLE):
                add(sound, speech_track([self.draw_other() for _ in range(4)], n, rng), rng.uniform(12, 25), of)
        if rng.random() < 0.3:
            sound[:] = reverberated(sound, rng.uniform(0.1, 0.6), rng.uniform(0.0, 10.0), rng)
        if rng.random() < 0.9:
            add(sound, self._noise(n), rng.uniform(2, 40), of)
        if rng.random() < 0.2:
            sound[:] = _low_pass(sound, rng.uniform(3000.0, 7000.0))


def _is_short(clip: SpeechClip) -> bool:
    """Whether a clip that says the word again and again fits into a sound."""
    return clip.place == "repeated" and len(clip.samples) < 0.8 * LONGEST


def _around_word(clip: SpeechClip) -> tuple[SampleArray, int, int]:
    """The part of a clip around the word (n,), and between which samples of it the word ends.

    Within a clip the end is estimated from the letters before it.
    """
    samples, longest = clip.samples, round(LONGEST)
    if clip.place in ("alone", "end"):
        samples = samples[-longest:]
        return samples, len(samples), len(samples)
    if clip.place == "repeated":
        return samples, round(WORD_S[0] * RATE_HZ), len(samples)
    before, after = (len(part) for part in clip.text.split("]"))
    end = round(len(samples) * before / (before + after))
    first = max(0, end - round(0.7 * longest))
    samples, end = samples[first : first + longest], end - first
    spread = round(0.5 * WORD_S[1] * RATE_HZ)
    return samples, max(round(WORD_S[0] * RATE_HZ), end - spread), min(len(samples), end + spread)


def reverberated(sound: SampleArray, rt60_s: float, direct_db: float, rng: np.random.Generator) -> SampleArray:
    """A sound (n,) in a room: an exponentially decaying diffuse tail, the direct sound `direct_db` above it."""
    t_s = np.arange(round(rt60_s * RATE_HZ)) / RATE_HZ
    tail = rng.normal(0.0, 1.0, len(t_s)) * 10.0 ** (-3.0 * t_s / rt60_s)
    tail *= 10.0 ** (-direct_db / 20.0) / np.sqrt(np.sum(np.square(tail)))
    tail[0] = 1.0
    return np.asarray(fftconvolve(sound, tail)[: len(sound)], dtype=np.float32)


def _coloured(power: float, n: int, rng: np.random.Generator) -> SampleArray:
    spectrum = np.fft.rfft(rng.normal(0.0, 1.0, n))
    spectrum /= np.maximum(np.arange(len(spectrum)), 20.0 * n / RATE_HZ) ** power
    return _at_level_1(np.fft.irfft(spectrum, n))


def _hum(n: int, rng: np.random.Generator) -> SampleArray:
    """A motor: harmonics of a pitch that drifts, and a little noise."""
    hz = rng.uniform(40.0, 400.0) * (1.0 + 0.3 * np.sin(2 * np.pi * rng.uniform(0.1, 2.0) * np.arange(n) / RATE_HZ))
    phase = 2 * np.pi * np.cumsum(hz) / RATE_HZ
    harmonics = sum(np.sin(k * phase + rng.uniform(0, 6)) * rng.uniform(0.1, 1.0) / k for k in range(1, 12))
    return _at_level_1(harmonics + rng.normal(0.0, 0.1, n))


def _tones(n: int, rng: np.random.Generator) -> SampleArray:
    """Music, of a kind: chords that begin and fade."""
    sound, at = np.zeros(n), 0
    while at < n:
        length = min(n - at, int(rng.uniform(0.1, 0.6) * RATE_HZ))
        t_s = np.arange(length) / RATE_HZ
        for _ in range(int(rng.integers(1, 4))):
            hz = 110.0 * 2.0 ** (rng.integers(0, 48) / 12.0)
            sound[at : at + length] += sum(np.sin(2 * np.pi * hz * k * t_s) / k for k in range(1, 6)) * np.exp(-4 * t_s)
        at += length
    return _at_level_1(sound)


def _clicks(n: int, rng: np.random.Generator) -> SampleArray:
    """Knocks and clatter: short decaying bursts of noise."""
    sound = np.zeros(n)
    for at in rng.integers(0, n, size=int(rng.integers(2, 25))):
        burst = rng.normal(0.0, rng.uniform(0.2, 1.0), min(n - at, RATE_HZ // 5))
        sound[at : at + len(burst)] += burst * np.exp(-np.arange(len(burst)) / (rng.uniform(0.002, 0.04) * RATE_HZ))
    return _at_level_1(sound)


def _gripper(n: int, rng: np.random.Generator) -> SampleArray:
    """A small motor that runs up, whines and ends in a knock, again and again, in a little noise."""
    sound, at = 0.02 * rng.normal(0.0, 1.0, n), int(rng.integers(RATE_HZ // 2))
    while at < n:
        t_s = np.arange(int(rng.uniform(0.1, 1.0) * RATE_HZ)) / RATE_HZ
        hz = rng.uniform(150.0, 1500.0) * (1.0 - np.exp(-t_s / rng.uniform(0.01, 0.1)))
        phase = 2 * np.pi * np.cumsum(hz) / RATE_HZ
        whine = sum(np.sin(k * phase) * rng.uniform(0.1, 1.0) / k for k in range(1, 5))
        knock = rng.normal(0.0, rng.uniform(0.5, 3.0), RATE_HZ // 20)
        run = np.concatenate((whine, knock * np.exp(-np.arange(len(knock)) / (0.005 * RATE_HZ))))[: n - at]
        sound[at : at + len(run)] += run
        at += len(run) + int(rng.uniform(0.05, 1.0) * RATE_HZ)
    return _at_level_1(sound)


def _hiss(n: int, rng: np.random.Generator) -> SampleArray:
    """Air, steps and rustling: bursts of noise in a band, which rise and fall as syllables do."""
    sound, at = 0.01 * rng.normal(0.0, 1.0, n), 0
    while at < n:
        length = min(n - at, int(rng.uniform(0.05, 0.5) * RATE_HZ))
        burst = _coloured(float(rng.uniform(-0.5, 1.0)), length, rng) * np.sin(np.pi * np.arange(length) / length)
        sound[at : at + length] += burst * 10.0 ** rng.uniform(-1.0, 0.0)
        at += length + int(rng.uniform(0.0, 0.4) * RATE_HZ)
    return _at_level_1(sound)


def _low_pass(sound: SampleArray, cut_off_hz: float) -> SampleArray:
    """A telephone, a cheap microphone: four first-order low passes."""
    keep = float(np.exp(-2 * np.pi * cut_off_hz / RATE_HZ))
    for _ in range(4):
        sound = lfilter([1 - keep], [1, -keep], sound)
    return np.asarray(sound, dtype=np.float32)


def _at_level_1(sound: NDArray[np.floating]) -> SampleArray:
    return np.asarray(sound / (np.sqrt(np.mean(np.square(sound))) + 1e-9), dtype=np.float32)


def _put(track: SampleArray, samples: SampleArray, at: int) -> None:
    begin, end = max(at, 0), min(at + len(samples), len(track))
    if begin < end:
        track[begin:end] += samples[begin - at : end - at]
