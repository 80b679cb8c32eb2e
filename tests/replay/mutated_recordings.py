"""Recordings changed at random, and whether each replay is right, or says what is not.

python mutated_recordings.py FIRST LAST: replays those of the seeds from FIRST to before LAST, and prints each whose
replay fails, is silently wrong, or lacks a sentence. A seed gives the same recording everywhere.

What is measured tells when: joints, wrench and pixels of the recording are functions of time, so that the time of a
value that was observed is read off it, and is compared with that of the tick.
"""

from __future__ import annotations

import sys
import tempfile
import time
import traceback
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
from field_mutations import FILE_MUTATIONS, MUTATIONS, UNKNOWN_VALUES, WRITERS
from mutations import Recording
from observing import EPOCH_NS
from replay_cases import READY_RAD
from timed_recording import JOINT_SLOPE, TIMED, depth_time_s, force_times_s, image_time_s

from autoglm_embodied.align.settings import AlignSettings
from autoglm_embodied.bag.bag import Bag
from autoglm_embodied.errors import AutoGLMError
from autoglm_embodied.metrics import Report
from autoglm_embodied.replay.bag_replay import BagReplay
from autoglm_embodied.replay.inspection import inspect
from autoglm_embodied.types import MODALITIES, FloatArray, ForceFeatures, Observation

RATE_HZ = 50.0
LIMITS = AlignSettings()
EARLIEST_S = -(LIMITS.late_limit_ns + LIMITS.vision_limit_ns) / 1e9 - 0.02
LATEST_S = LIMITS.ahead_limit_ns / 1e9 + 0.03  # 20 ms of which are the resolution of the pixels
HALF_A_FRAME_S = 0.04  # or so, by which depth is off between two frames of which it is known in one
LEAST_PRESENT = 0.85  # of the ticks of the unchanged recording; replay speaks below 0.9 of all
MOST_TICKS = 200_000  # for each message more than there are in the longest time without one that is replayed
NAMES = {
    "vision": ("vision", "rgb", "depth", "frame", "camera"),
    "force": ("force", "wrench"),
    "joints": ("joint",),
    "language": ("language", "voice"),
}
OF_ALL = ("damaged", "sessions", "nothing was recorded", "ticks follow the stamps")


class Observing(BagReplay):
    """A replay whose observations are kept."""

    def __init__(self, path: Path, map_clocks: bool) -> None:
        self.observed: list[Observation] = []
        super().__init__(Bag(path), RATE_HZ, None, None, None, map_clocks)

    def _count(self, observation: Observation) -> None:
        super()._count(observation)
        self.observed.append(observation)
        assert len(self.observed) < MOST_TICKS, "the replay does not end"


class Skipped(Report):
    """What a report says is missing; the intervals of the rest take longer than the replay."""

    def add_fraction(self, *_: Any, **__: Any) -> None:
        pass


@dataclass
class Replayed:
    """What came of a recording: the error that ended it, or what was observed and said."""

    error: str = ""
    observed: list[Observation] = field(default_factory=list)
    said: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, path: Path, map_clocks: bool) -> Replayed:
        try:
            replay = Observing(path, map_clocks)
            replay.run({})
        except AutoGLMError as error:
            return cls(error=str(error))
        report = Skipped("replay", None, 0)
        replay.add_figures(report)
        return cls("", replay.observed, replay.problems() + [skipped.figure for skipped in report.skipped])

    def present(self, modality: str) -> int:
        place = MODALITIES.index(modality)
        return sum(observation.senses()[place].present for observation in self.observed)


def wrong_senses(observation: Observation, t_s: float) -> set[str]:
    """The modalities whose value is of another time than the tick, or was never measured."""
    wrong = set()
    force, joints, vision = observation.force.value, observation.joints.value, observation.vision.value
    if joints is not None:
        own_s = joints.position_rad[0] / JOINT_SLOPE
        off = np.abs(joints.position_rad[1:] - READY_RAD[1:7]).max() > 1e-9 or abs(joints.gripper_width_m - 0.08) > 1e-9
        speed = np.abs(joints.velocity_rad_s).max() > 3 * JOINT_SLOPE
        wrong |= {"joints"} if off or speed or not EARLIEST_S <= own_s - t_s <= LATEST_S else set()
    if force is not None and not _right_force(force, t_s):
        wrong.add("force")
    if vision is not None and not _right_image(vision, t_s):
        wrong.add("vision")
    return wrong


def _right_force(force: ForceFeatures, t_s: float) -> bool:
    times_s = force_times_s(force.raw)
    ordered = bool((np.diff(times_s) >= -1e-6).all())
    return ordered and EARLIEST_S <= times_s[-1] - t_s <= LATEST_S


def _right_image(tokens: FloatArray, t_s: float) -> bool:
    own_s, depth_s = image_time_s(tokens), depth_time_s(tokens)
    return own_s is not None and EARLIEST_S <= own_s - t_s <= LATEST_S and abs(own_s - depth_s) < HALF_A_FRAME_S


def spoken_of(said: list[str], modality: str) -> bool:
    """Whether a sentence names a modality, or one of its streams, or all of them."""
    return any(name in sentence for sentence in said for name in (*NAMES[modality], *OF_ALL))


def faults(changed: Replayed, whole: Replayed) -> list[str]:
    """What is wrong with a replay and unsaid; the recording was `whole` before it was changed."""
    if changed.error:
        return [] if len(changed.error.splitlines()) == 1 else [f"more than a sentence: {changed.error!r}"]
    fresh = [sentence for sentence in changed.said if sentence not in whole.said]
    found = [f"more than a sentence: {sentence!r}" for sentence in fresh if len(sentence.splitlines()) != 1]
    share = len(changed.observed) / len(whole.observed)
    for modality in MODALITIES:
        expected = LEAST_PRESENT * min(share, 1.0) * whole.present(modality)
        if changed.present(modality) < expected - 1 and not spoken_of(fresh, modality):
            found.append(f"{modality} is absent and nothing said: {changed.present(modality)} of {expected:.0f} ticks")
    for modality, count in _wrong_ticks(changed.observed).items():
        if not spoken_of(fresh, modality):
            found.append(f"{modality} is wrong in {count} of {len(changed.observed)} ticks, and nothing said")
    return found


def _wrong_ticks(observed: list[Observation]) -> Counter[str]:
    """In how many ticks each modality is wrong, by the clock of the stamps as well as by that of the first tick."""
    wrong: Counter[str] = Counter()
    for tick in observed:
        by_stamps = wrong_senses(tick, (tick.t_ns - EPOCH_NS) / 1e9)
        wrong.update(by_stamps and by_stamps & wrong_senses(tick, (tick.t_ns - observed[0].t_ns) / 1e9))
    return wrong


def mutated(seed: int, path: Path) -> tuple[Path, list[str], bool]:
    """Write the recording of a seed; returns its file, what was changed, and whether its values are still known."""
    random = Random(seed)
    chosen = [random.choice(MUTATIONS) for _ in range(random.choice((1, 1, 2, 3)))]
    recording = Recording(list(TIMED))
    for mutation in chosen:
        mutation(random, recording)
    suffix, write = random.choice(WRITERS)
    file = write(path.with_suffix(suffix), recording)
    if random.random() < 0.15:
        chosen.append(random.choice(FILE_MUTATIONS))
        chosen[-1](random, file)
    names = [mutation.__name__ for mutation in chosen]
    damaged_values = suffix == ".db3" and any(mutation in FILE_MUTATIONS for mutation in chosen)
    return file, [*names, *recording.notes], not damaged_values and not UNKNOWN_VALUES & set(names)


def check(seed: int, folder: Path, whole: Replayed) -> list[str]:
    """What is wrong with the replay of the recording of a seed, headed by what was changed in it."""
    path, names, known = mutated(seed, folder / "bag")
    map_clocks = seed % 4 == 0
    try:
        changed = Replayed.of(path, map_clocks)
        found = faults(changed, whole) if known else []
        if seed % 5 == 0:
            _inspect(path)
    except Exception as error:  # whatever it is, it is a fault
        place = traceback.extract_tb(error.__traceback__)[-1]
        found = [f"{type(error).__name__} in {Path(place.filename).name}:{place.lineno}: {error}"]
    finally:
        path.unlink()
    return [f"seed {seed} ({', '.join(names)}{', map_clocks' if map_clocks else ''}): {each}" for each in found]


def _inspect(path: Path) -> None:
    """Whatever it is, it is described or refused."""
    with suppress(AutoGLMError):
        inspect(Bag(path))


def unchanged(folder: Path) -> Replayed:
    """The replay of the recording as it is."""
    suffix, write = WRITERS[0]
    return Replayed.of(write((folder / "whole").with_suffix(suffix), Recording(list(TIMED))), map_clocks=False)


def main(first: int, last: int) -> int:
    begun_s, wrong = time.monotonic(), 0
    with tempfile.TemporaryDirectory() as folder:
        whole = unchanged(Path(folder))
        for seed in range(first, last):
            for fault in check(seed, Path(folder), whole):
                wrong += 1
                print(fault, flush=True)
            if (seed + 1 - first) % 100 == 0:
                print(f"{seed + 1 - first} recordings, {wrong} faults, {time.monotonic() - begun_s:.0f} s", flush=True)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), int(sys.argv[2])))
