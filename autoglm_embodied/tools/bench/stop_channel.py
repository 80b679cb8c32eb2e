"""`autoglm bench voice`: how often, how late and how often wrongly the stop channel spots the word, offline.

Speech comes from engines that the network did not learn from; each condition is one stream, in the microphone's blocks.
"""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from autoglm_embodied.errors import ConfigError
from autoglm_embodied.metrics import Report
from autoglm_embodied.train.stop_sounds import NOISES, add, level, noise, speech_track
from autoglm_embodied.train.stop_speech import SpeechClip, load_clips, sounds_like_it
from autoglm_embodied.voice.microphone import BLOCK, Block
from autoglm_embodied.voice.recording import RATE_HZ, SampleArray
from autoglm_embodied.voice.segmenter import VoiceActivityDetector
from autoglm_embodied.voice.stop_spotter import StopSettings, StopSpotter

CONDITIONS = ("clean", "20dB", "10dB", "second_talker", "babble")
SNR_DB = {"20dB": 20.0, "10dB": 10.0, "second_talker": 0.0, "babble": 10.0}
BABBLE = 6  # talkers
LEVEL = 0.08  # of speech
DITHER = 3e-4
PAUSE_S = 1.2  # between clips with the word
GAP_S = 0.3  # between sentences
ALIKE, UNLIKE = "speech/alike", "speech/unlike"  # with words that sound like it, and without
LATEST_S = 0.6  # after the end of the word, at which spotting it counts
EARLIEST_S = 0.1  # after the begin of the clip


@dataclass(frozen=True)
class Spoken:
    """A clip with the word in a stream."""

    place: str  # of the word in the text
    begin_s: float
    end_s: float

    def delay_s(self, spotted_s: Sequence[float]) -> float | None:
        """From the end of the clip until the word was spotted, None where it was not."""
        counted = (at_s for at_s in spotted_s if self.begin_s + EARLIEST_S < at_s < self.end_s + LATEST_S)
        return next((at_s - self.end_s for at_s in counted), None)


def measure(
    report: Report,
    folder: Path,
    settings: StopSettings,
    seed: int,
    limits: tuple[int, float],
    progress: Callable[[str], None],
) -> None:
    """Run the stop channel over all conditions and add its figures.

    Args:
        report: filled.
        folder: of speech, with a folder for each engine.
        settings: network and threshold.
        seed: of noise and of the other talkers.
        limits: most clips with the word of each engine; minutes of each kind of noise.
        progress: called with what is done.

    Raises:
        ConfigError: the folder does not hold both kinds of speech for each engine.
    """
    engines = {path.name: load_clips(path) for path in sorted(folder.glob("*")) if path.is_dir()}
    said = {name: [clip for clip in clips if clip.place != "none"][: limits[0]] for name, clips in engines.items()}
    others = {name: [clip for clip in clips if clip.place == "none"] for name, clips in engines.items()}
    if not engines or not all(said.values()) or not all(others.values()):
        raise ConfigError(f"{folder} must hold a folder of speech for each engine; make it with `autoglm train-stop`")
    rng = np.random.default_rng(seed)
    talk = [clip for clips in others.values() for clip in clips]
    for condition in CONDITIONS:
        progress(condition)
        _add_recall(report, condition, said, talk, settings, rng)
    progress("other speech")
    _add_false_of_speech(report, others, settings, rng)
    progress("noise")
    _add_false_of_noise(report, limits[1], settings, rng)


def _add_recall(
    report: Report,
    condition: str,
    said: dict[str, list[SpeechClip]],
    talk: Sequence[SpeechClip],
    settings: StopSettings,
    rng: np.random.Generator,
) -> None:
    results: list[tuple[str, Spoken, float | None]] = []
    for engine, clips in said.items():
        sound, spoken = stream(clips, condition, talk, rng)
        at_s = list(spotted_s(sound, StopSpotter(settings)))
        results += [(engine, each, each.delay_s(at_s)) for each in spoken]
    for name, of in {condition: "", **{f"{condition}/{engine}": engine for engine in said}}.items():
        delays_s = [delay for engine, _, delay in results if of in ("", engine)]
        report.add_fraction("voice.stop_recall", sum(d is not None for d in delays_s), len(delays_s), case=name)
    for place in ("alone", "end", "start", "middle", "repeated"):
        delays_s = [delay for _, each, delay in results if each.place == place]
        found = sum(d is not None for d in delays_s)
        report.add_fraction("voice.stop_recall", found, len(delays_s), case=f"{condition}/{place}")
    ended = [1000 * delay for _, each, delay in results if each.place in ("alone", "end") and delay is not None]
    report.add_percentiles("voice.stop_spotted_ms", ended, "ms", case=condition)


def stream(
    clips: Sequence[SpeechClip], condition: str, talk: Sequence[SpeechClip], rng: np.random.Generator
) -> tuple[SampleArray, list[Spoken]]:
    """All clips one after the other, disturbed as a condition says, and where each is."""
    pause = round(PAUSE_S * RATE_HZ)
    pieces, spoken, at = [np.zeros(pause, np.float32)], [], pause
    for clip in clips:
        spoken.append(Spoken(clip.place, at / RATE_HZ, (at + len(clip.samples)) / RATE_HZ))
        pieces += [clip.samples * (LEVEL / level(clip.samples)), np.zeros(pause, np.float32)]
        at += len(clip.samples) + pause
    sound = np.concatenate(pieces)
    if condition == "second_talker":
        add(sound, speech_track(talk, len(sound), rng), SNR_DB[condition], LEVEL)
    elif condition == "babble":
        babble = sum(speech_track(talk, len(sound), rng) for _ in range(BABBLE))
        add(sound, np.asarray(babble, dtype=np.float32), SNR_DB[condition], LEVEL)
    elif condition in SNR_DB:
        half = len(sound) // 2
        for part, kind in ((sound[:half], "white"), (sound[half:], "pink")):
            add(part, noise(kind, len(part), rng), SNR_DB[condition], LEVEL)
    return _dithered(sound, rng), spoken


def _dithered(sound: SampleArray, rng: np.random.Generator) -> SampleArray:
    return sound + rng.normal(0.0, DITHER, len(sound)).astype(np.float32)


def _add_false_of_speech(
    report: Report, others: dict[str, list[SpeechClip]], settings: StopSettings, rng: np.random.Generator
) -> None:
    """Speech without the word, by engine, and apart what holds words that sound alike and what does not; its cost."""
    began_s = time.process_time()
    counts: Counter[str] = Counter()
    hours: defaultdict[str, float] = defaultdict(float)
    for engine, clips in others.items():
        pieces = [np.pad(clip.samples * (LEVEL / level(clip.samples)), (0, round(GAP_S * RATE_HZ))) for clip in clips]
        ends_s = np.cumsum([len(piece) for piece in pieces]) / RATE_HZ
        at_s = list(spotted_s(_dithered(np.concatenate(pieces), rng), StopSpotter(settings)))
        found = np.bincount(np.searchsorted(ends_s, at_s), minlength=len(clips) + 1)
        for clip, count, seconds in zip(clips, found, np.diff(ends_s, prepend=0.0), strict=False):
            for case in ("speech", f"speech/{engine}", ALIKE if sounds_like_it(clip.text) else UNLIKE):
                counts[case] += int(count)
                hours[case] += seconds / 3600
    for case in hours:
        _add_rate(report, case, counts[case], hours[case])
    _add_cost(report, "stop_channel/speech", began_s, hours["speech"])


def _add_false_of_noise(report: Report, minutes: float, settings: StopSettings, rng: np.random.Generator) -> None:
    """Noise of each kind, the level of which changes every ten seconds; and the cost."""
    spotter, false, began_s = StopSpotter(settings), 0, time.process_time()
    pieces = max(1, round(6 * minutes))
    for kind in NOISES:
        for _ in range(pieces):
            sound = noise(kind, 10 * RATE_HZ, rng) * np.float32(10.0 ** rng.uniform(-3.0, -0.5))
            false += len(list(spotted_s(np.clip(sound, -1.0, 1.0), spotter)))
    hours = pieces * len(NOISES) / 360
    _add_rate(report, "noise", false, hours)
    _add_cost(report, "stop_channel", began_s, hours)


def _add_cost(report: Report, case: str, began_s: float, hours: float) -> None:
    report.add("voice.cpu_core", (time.process_time() - began_s) / (3600 * hours), "cores", case=case)


def _add_rate(report: Report, case: str, count: int, hours: float) -> None:
    report.add("voice.false_stops_per_hour", count / hours, "1/h", max(1, round(60 * hours)), case=case)


def spotted_s(sound: SampleArray, spotter: StopSpotter) -> Iterator[float]:
    """When in a sound (n,) it was known that the word had been said: ends of the microphone's blocks [s]."""
    activity = VoiceActivityDetector()
    for end in range(BLOCK, len(sound) + 1, BLOCK):
        samples = sound[end - BLOCK : end]
        if spotter.push(Block(end * 1_000_000_000 // RATE_HZ, samples), activity.probability(samples)):
            yield end / RATE_HZ
