"""Failed episodes run once more, with images: measuring is not slowed by them, and their outcome must repeat."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import partial

from autoglm_embodied_sim.eval.album import Album
from autoglm_embodied_sim.eval.declutter import RoundResult
from autoglm_embodied_sim.eval.episode import GraspResult
from autoglm_embodied_sim.eval.measure import Measurement, shapes_of
from autoglm_embodied_sim.eval.result_cache import Key, key
from autoglm_embodied_sim.eval.worker_pool import over_jobs, shared_shapes

Jpegs = Mapping[str, bytes]
"""An image each of the moments `album.MOMENTS` that came."""


def failures_to_replay(results: Sequence[GraspResult], most: int) -> list[GraspResult]:
    """The first `most` failed episodes of each suite and policy; rounds of many tries are not photographed."""
    taken: Counter[tuple[str, str]] = Counter()
    shown = []
    for result in results:
        case = result.suite, result.policy
        if not result.held and taken[case] < most and not isinstance(result, RoundResult):
            taken[case] += 1
            shown.append(result)
    return shown


def replay_failures(
    wanted: Measurement, results: Sequence[GraspResult], workers: int, progress: Callable[[], None]
) -> dict[Key, Jpegs]:
    """Images of these episodes.

    Raises:
        RuntimeError: an episode went otherwise than when it was measured.
    """
    if not results:
        return {}
    images = {}
    for measured, (again, jpegs) in zip(
        results,
        over_jobs(partial(_again, wanted), [key(result) for result in results], shapes_of(wanted), workers),
        strict=True,
    ):
        if again != measured:
            raise RuntimeError(f"an episode did not repeat: measured {measured}, run again {again}")
        images[key(measured)] = jpegs
        progress()
    return images


def _again(wanted: Measurement, job: Key) -> tuple[GraspResult, Jpegs]:
    suite, policy, seed = job
    album = Album()
    result = wanted.run(suite, policy, seed, shared_shapes(), album)
    return result, album.jpegs
