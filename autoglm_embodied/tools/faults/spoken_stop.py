"""From the end of a spoken "stop" to zero velocity at the robot: sound, network, DDS and governor, as the arm moves."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread

import numpy as np

from autoglm_embodied.errors import SetupError
from autoglm_embodied.faults.fault import VOICE
from autoglm_embodied.metrics import Report
from autoglm_embodied.tools.faults.bench import BESIDE_S, FaultBench, fault_bench
from autoglm_embodied.tools.faults.beside import BesideProcess
from autoglm_embodied.types import FloatArray
from autoglm_embodied.voice.recording import FLITE_VOICES, RATE_HZ, SampleArray, read_wav, synthesise, write_wav

WORD = "stop"
SENTENCES = ("pick up the red cube", "put the banana into the box", "open the gripper a little", "what do you hold")
GAPS_S = (0.3, 0.6, 0.9)  # between a sentence and the word: it comes while the sentence is recognised
QUIET = 0.05  # of the loudest sample of a word: what follows its end
MISSED_S = 1.5  # after the end of the word, beyond which a stop is not for it
AFTER_S = 0.5  # that the arm must stand


@dataclass(frozen=True)
class SpokenStop:
    """A sound that ends with the word."""

    what: str  # for people
    path: Path
    begins_s: float  # where the word begins, and ends
    ends_s: float


def measure(report: Report, words: int, seed: int, log_dir: Path, say: Callable[[str], None]) -> None:
    """Speak the word so often while the arm moves at 0.1 m/s, each time after another sentence.

    The clock begins where the sound is handed to the sound server, so that the start of playing counts as well.

    Args:
        report: takes the figures.
        words: how often.
        seed: of the simulator's scene, of voices, sentences and gaps.
        log_dir: for what the nodes print.
        say: told of each trial.

    Raises:
        SetupError: a node died, or the arm does not move.
    """
    with TemporaryDirectory(prefix="autoglm-stop-") as folder, fault_bench(False, seed, log_dir, sound=True) as bench:
        voice = BesideProcess(bench.graph, VOICE, bench.observer.tell)
        bench.wait(voice.is_ready, BESIDE_S, f"{VOICE} does not listen")
        draw, heard_ms, early = np.random.default_rng(seed), list[float](), 0
        for number in range(words):
            spoken = speak(draw, Path(folder))
            delay_ms = _trial(bench, spoken)
            if delay_ms is None:
                told = "missed"
            elif delay_ms < 1e3 * (spoken.begins_s - spoken.ends_s):
                told, early = "stopped before the word", early + 1
            else:
                told = f"{delay_ms:.0f} ms"
                heard_ms.append(delay_ms)
            say(f"{number + 1}/{words}: {told}; {spoken.what}")
    report.add_percentiles("voice.stop_ms", heard_ms, "ms", percents=(50, 99, 100))
    report.add_fraction("voice.stop_missed", words - early - len(heard_ms), words - early)
    report.add_fraction("voice.false_stop", early, words)


def speak(draw: np.random.Generator, folder: Path) -> SpokenStop:
    """A sentence, a gap and the word, of one voice."""
    voice, sentence, gap_s = (str(draw.choice(FLITE_VOICES)), str(draw.choice(SENTENCES)), float(draw.choice(GAPS_S)))
    parts = [_synthesised(text, voice, folder) for text in (sentence, WORD)]
    loud = [_loud_part(samples) for samples in parts]
    gap = np.zeros(round(gap_s * RATE_HZ), np.float32)
    before, word = parts[0][: loud[0].stop], parts[1][loud[1]]
    path = folder / "spoken.wav"
    write_wav(path, np.concatenate([before, gap, word, np.zeros(RATE_HZ, np.float32)]))
    begins_s = (len(before) + len(gap)) / RATE_HZ
    what = f"{voice}: {sentence!r}, {gap_s} s, {WORD!r}"
    return SpokenStop(what, path, begins_s, begins_s + len(word) / RATE_HZ)


def stopped_ms(commands: list[tuple[int, FloatArray]], ends_ns: int) -> float | None:
    """From the end of the word to the first command of zero after which the arm stood; None if none was for the word.

    Args:
        commands: to the robot, with when they came.
        ends_ns: when the word ended.
    """
    last_ns = max((t_ns for t_ns, twist in commands if twist.any()), default=None)
    stood = [t_ns for t_ns, twist in commands if not twist.any() and (last_ns is None or t_ns > last_ns)]
    if not stood or stood[0] > ends_ns + MISSED_S * 1e9:
        return None
    return (stood[0] - ends_ns) / 1e6


def _trial(bench: FaultBench, spoken: SpokenStop) -> float | None:
    bench.begin_to_move()
    sound = bench.graph.sound
    assert sound is not None
    failures: list[Exception] = []

    def play() -> None:
        try:
            sound.play(spoken.path)
        except Exception as error:
            failures.append(error)

    begun_ns = time.monotonic_ns()
    player = Thread(target=play)
    player.start()
    bench.let_pass(spoken.ends_s + MISSED_S + AFTER_S)
    player.join()
    if failures:
        raise SetupError(f"the word was not played ({failures[0]}); start again")
    return stopped_ms(list(bench.observer.received.twists), begun_ns + round(spoken.ends_s * 1e9))


def _synthesised(text: str, voice: str, folder: Path) -> SampleArray:
    path = folder / f"{voice}-{'-'.join(text.split())}.wav"
    if not path.exists():
        synthesise(text, path, voice)
    return read_wav(path)


def _loud_part(samples: SampleArray) -> slice:
    """From the first to the last sample that is not quiet."""
    loud = np.flatnonzero(np.abs(samples) > QUIET * np.abs(samples).max())
    return slice(int(loud[0]), int(loud[-1]) + 1)
