"""`autoglm bench voice --commands`: how many spoken commands are understood, asked back or taken for another, offline.

Each condition is one stream, in the microphone's blocks, through activity detector, segmenter and recogniser. What a
sentence means is what the grammar makes of its text. How reliable their confidence is, a plot shows.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from autoglm_embodied.command_language.grammar import parse_command
from autoglm_embodied.errors import ConfigError
from autoglm_embodied.metrics import Report, wilson
from autoglm_embodied.tools.bench.stop_channel import CONDITIONS, stream
from autoglm_embodied.train.stop_sounds import NOISES, noise, speech_track
from autoglm_embodied.train.stop_speech import SpeechClip, load_clips
from autoglm_embodied.types import MOVES, FloatArray, Intent
from autoglm_embodied.voice.answer import Answer, CommandSettings, Outcome, answer_utterance
from autoglm_embodied.voice.interpretation import MARGIN, SHARPNESS, WEIGHTS, interpret
from autoglm_embodied.voice.microphone import BLOCK, Block
from autoglm_embodied.voice.recogniser import Recogniser, Transcript
from autoglm_embodied.voice.recording import RATE_HZ, SampleArray, read_wav
from autoglm_embodied.voice.segmenter import Segmenter, Utterance, VoiceActivityDetector

LIST = "sentences.tsv"
LATE_S = 0.3  # after the end of a clip, in which an utterance of it may still begin
MINUTE = 60 * RATE_HZ


@dataclass(frozen=True)
class Judged:
    """A clip and what became of it."""

    engine: str
    text: str
    is_command: bool
    answers: list[Answer] = field(default_factory=list)
    likely: list[Trial] = field(default_factory=list)
    waits_ms: list[tuple[float, float]] = field(default_factory=list)  # of each answer: for the recogniser, the silence

    @property
    def executed(self) -> list[tuple[Intent, dict[str, str]]]:
        """Meanings of the commands that would have been carried out."""
        done = [each.command for each in self.answers if each.outcome is Outcome.UNDERSTOOD]
        return [(command.intent, dict(command.slots)) for command in done if command is not None]

    @property
    def outcome(self) -> str:
        """ "right", "wrong", "asked" or "nothing"."""
        if self.executed:
            return "right" if all(each == meaning(self.text) for each in self.executed) else "wrong"
        return "asked" if any(each.outcome is Outcome.ASKED for each in self.answers) else "nothing"


def meaning(text: str) -> tuple[Intent, dict[str, str]] | None:
    """Intent and slots of a sentence; None where it is no command."""
    command = parse_command(text)
    return None if command is None else (command.intent, dict(command.slots))


def load_recordings(folder: Path) -> list[SpeechClip]:
    """The WAVs of a folder that its `sentences.tsv` names, a line each: file, tab, what is said.

    Raises:
        ConfigError: there is no such list, or it names none.
        AudioError: a file is no recording.
    """
    try:
        lines = (folder / LIST).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"cannot read {folder / LIST} ({error}); write a line each: file, tab, sentence") from error
    rows = [line.split("\t") for line in lines if line.strip() and not line.startswith("#")]
    if not rows or any(len(row) < 2 for row in rows):
        raise ConfigError(f"{folder / LIST} must have a line each with file, tab and sentence")
    return [SpeechClip(read_wav(folder / row[0]), row[1], folder.name) for row in rows]


def load_commands(folder: Path) -> dict[str, list[SpeechClip]]:
    """The clips of a folder with one folder for each engine; ConfigError where it has none."""
    found = {path.name: load_clips(path) for path in sorted(folder.glob("*")) if path.is_dir()}
    if not found:
        raise ConfigError(f"{folder} must hold a folder of speech for each engine; see `autoglm train-stop speech -h`")
    return found


def measure_commands(
    report: Report,
    said: dict[str, list[SpeechClip]],
    recogniser: Recogniser,
    settings: CommandSettings,
    seed: int,
    progress: Callable[[str], None],
) -> list[Judged]:
    """Say all clips in every condition, add the figures, and return what became of each.

    Args:
        report: filled.
        said: clips of each engine, commands and others.
        recogniser: to measure.
        settings: what a command takes.
        seed: of noise and of the other talkers.
        progress: called with what is done.
    """
    rng = np.random.default_rng(seed)
    talk = [clip for clips in said.values() for clip in clips]
    all_judged: list[Judged] = []
    for condition in CONDITIONS:
        judged: list[Judged] = []
        for engine, clips in said.items():
            progress(f"{condition}, {engine}")
            judged += _say(clips, engine, condition, talk, rng, recogniser, settings)
        _add_figures(report, condition, judged)
        all_judged += judged
    recognised_ms, silence_ms = ([ms[part] for each in all_judged for ms in each.waits_ms] for part in (0, 1))
    both_ms = [sum(pair) for pair in zip(recognised_ms, silence_ms, strict=True)]
    for case, values in (("recogniser", recognised_ms), ("end_of_utterance", silence_ms), (None, both_ms)):
        report.add_percentiles("voice.latency_ms", values, "ms", case=case, percents=(50, 95))
    return all_judged


def _say(
    clips: Sequence[SpeechClip],
    engine: str,
    condition: str,
    talk: Sequence[SpeechClip],
    rng: np.random.Generator,
    recogniser: Recogniser,
    settings: CommandSettings,
) -> list[Judged]:
    sound, spoken = stream(clips, condition, talk, rng)
    judged = [Judged(engine, clip.text, meaning(clip.text) is not None) for clip in clips]
    for utterance, ended_ns in utterances(sound):
        middle_s = (utterance.start_ns + utterance.end_ns) / 2e9
        at = next((at for at, each in enumerate(spoken) if each.begin_s < middle_s < each.end_s + LATE_S), None)
        if at is None:
            continue
        began = time.perf_counter()
        transcript = recogniser.transcribe(utterance.samples)
        waits_ms = 1e3 * (time.perf_counter() - began), (ended_ns - utterance.end_ns) / 1e6
        judged[at].waits_ms.append(waits_ms)
        judged[at].answers.append(_answered(utterance, transcript, settings))
        if found := interpret(transcript, "en"):
            right = (found.command.intent, dict(found.command.slots)) == meaning(clips[at].text)
            judged[at].likely.append((found.probability, found.features, right))
    return judged


def _answered(utterance: Utterance, transcript: Transcript, settings: CommandSettings) -> Answer:
    return answer_utterance(utterance, transcript, "en", utterance.end_ns, settings)


def utterances(sound: SampleArray) -> Iterator[tuple[Utterance, int]]:
    """The utterances in a sound (n,), and when each was known to be over [ns]."""
    activity, segmenter = VoiceActivityDetector(), Segmenter()
    for end in range(BLOCK, len(sound) + 1, BLOCK):
        block = Block(end * 1_000_000_000 // RATE_HZ, sound[end - BLOCK : end])
        if utterance := segmenter.push(block, activity.probability(block.samples)):
            yield utterance, block.receive_ns


def _add_figures(report: Report, condition: str, judged: Sequence[Judged]) -> None:
    for engine in ("", *dict.fromkeys(each.engine for each in judged)):
        case = f"{condition}/{engine}" if engine else condition
        commands = [each for each in judged if each.is_command and engine in ("", each.engine)]
        for figure, outcome in (("command_accuracy", "right"), ("wrong_executed", "wrong"), ("asked_back", "asked")):
            count = sum(each.outcome == outcome for each in commands)
            report.add_fraction(f"voice.{figure}", count, len(commands), case=case)
    others = [each for each in judged if not each.is_command]
    moved = sum(any(intent in MOVES for intent, _ in each.executed) for each in others)
    report.add_fraction("voice.false_motion", moved, len(others), case=f"{condition}/no_command")


def measure_false_motion(
    report: Report,
    talk: Sequence[SpeechClip],
    recogniser: Recogniser,
    settings: CommandSettings,
    limits: tuple[int, float],
    progress: Callable[[str], None],
) -> list[Trial]:
    """Play noise and talk that is no command, count what would have moved the robot, and return what was likely.

    Args:
        report: filled.
        talk: clips of what is no command.
        recogniser: to measure.
        settings: what a command takes.
        limits: seed; minutes of noise, of all kinds together, and of talk.
        progress: called with what is done.
    """
    rng, trials = np.random.default_rng(limits[0]), []
    minutes = max(1, round(limits[1]))
    for case in ("noise", "talk") if talk else ("noise",):
        progress(case)
        moved = 0
        for minute in range(minutes):
            kind = NOISES[minute % len(NOISES)]
            sound = speech_track(talk, MINUTE, rng) if case == "talk" else noise(kind, MINUTE, rng)
            sound = sound * np.float32(10.0 ** rng.uniform(-2.0, -0.8))
            for utterance, _ in utterances(np.clip(sound, -1.0, 1.0)):
                transcript = recogniser.transcribe(utterance.samples)
                if found := interpret(transcript, "en"):
                    trials.append((found.probability, found.features, False))
                answer = _answered(utterance, transcript, settings)
                done = answer.command if answer.outcome is Outcome.UNDERSTOOD else None
                moved += done is not None and done.intent in MOVES
        report.add("voice.false_motion", moved, "count", minutes, case=f"{case}/{minutes}min")
    return trials


BINS = 10
RIDGE = 0.01  # keeps weights finite where right and wrong are apart
LEAST = 1e-9  # below 1, of a probability

Trial = tuple[float, tuple[float, ...], bool]
"""An utterance that may be a command: confidence, features, and whether it was that command."""


def calibrate(trials: Sequence[Trial]) -> FloatArray:
    """Weights (len(WEIGHTS),) with which the probability of an interpretation is likeliest.

    Raises:
        ConfigError: the trials are all right, or all wrong.
    """
    from scipy.optimize import minimize

    features = np.array([trial[1] for trial in trials]).reshape(-1, len(WEIGHTS))
    right = np.array([trial[2] for trial in trials], dtype=bool)
    if right.all() or not right.any():
        raise ConfigError("calibration needs commands that were recognised rightly and others; give more speech")

    def loss(weights: FloatArray) -> float:
        fits = -np.logaddexp(0.0, -(features @ weights)) - np.logaddexp(
            0.0, -SHARPNESS * features[:, MARGIN]
        )  # log probability
        wrong = np.log1p(-np.exp(np.minimum(fits, -LEAST)))
        return float(-np.mean(np.where(right, fits, wrong)) + RIDGE * np.mean(weights**2))

    return np.asarray(minimize(loss, np.zeros(len(WEIGHTS))).x)


def draw_reliability(trials: Sequence[Trial], path: Path) -> None:
    """Draw how often commands are right against their confidence, with Wilson 95 % intervals."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(5, 5))
    axes.plot([0, 1], [0, 1], color="0.7", linewidth=1)
    for low in np.arange(BINS) / BINS:
        among = [trial for trial in trials if low <= trial[0] < low + 1 / BINS or (low == 0.9 and trial[0] == 1.0)]
        if among:
            right, n = sum(trial[2] for trial in among), len(among)
            confidence = float(np.mean([trial[0] for trial in among]))
            below, above = wilson(right, n)
            axes.plot([confidence, confidence], [below, above], color="tab:blue", linewidth=1)
            axes.plot(confidence, right / n, "o", color="tab:blue")
            axes.annotate(str(n), (confidence, right / n), xytext=(5, -9), textcoords="offset points", fontsize=8)
    axes.set(xlabel="confidence", ylabel="fraction that was meant", xlim=(0, 1), ylim=(0, 1))
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110, bbox_inches="tight")
    plt.close(figure)
